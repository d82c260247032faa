import assert from "node:assert/strict";
import { test } from "node:test";
import { context } from "../../../core/dsl/context.ts";
import { image } from "../../../core/dsl/image.ts";
import type { AnyImage } from "../../../core/dsl/image_builder.ts";
import { inlineFile } from "../../../core/dsl/inline_file.ts";
import {
  bindMount,
  cacheMount,
  secretMount,
  sshMount,
  tmpfsMount,
} from "../../../core/dsl/mount.ts";
import { sh } from "../../../core/dsl/shell_quote.ts";
import { source } from "../../../core/dsl/source.ts";
import { toDockerfile } from "../../../core/dsl/to_dockerfile.ts";

const base = image().from("scratch");

/** The instructions of the last stage, after its FROM. */
function linesOf(chain: AnyImage): string[] {
  return toDockerfile(chain).trimEnd().split("\nFROM scratch\n").at(-1)?.split("\n") ?? [];
}

test("toDockerfile() prints stages after those they use, each once", () => {
  const deps = image("deps").from("oven/bun:1").workdir("/app").copy(
    ["package.json", "bun.lock"],
    "./",
  )
    .run("bun install", { mounts: [cacheMount("/root/.bun")] });
  const app = image("app").platform("linux/arm64").from("debian:12").as("base").env("A", "1")
    .from("scratch")
    .copy("/app/node_modules", "/app/", { from: deps })
    .copy("/x", "/y", { from: "base" })
    .copy("/z", "/z", { from: deps })
    .cmd(["/app/server"]);
  assert.equal(
    toDockerfile(app),
    `# syntax=docker/dockerfile:1
# Copied files keep their modes and times here; built from the recipe they are normalised.

FROM --platform=linux/arm64 debian:12 AS base
ENV A=1

FROM oven/bun:1 AS deps
WORKDIR /app
COPY package.json bun.lock ./
RUN --mount=type=cache,target=/root/.bun bun install

FROM --platform=linux/arm64 scratch AS app
COPY --from=deps /app/node_modules /app/
COPY --from=base /x /y
COPY --from=deps /z /z
CMD ["/app/server"]
`,
  );
});

test("toDockerfile() gives every stage a name of its own", () => {
  const [a, b] = ["1", "2"].map((value) => image("My Deps").from("x").as("build").env("A", value));
  assert.ok(a !== undefined && b !== undefined);
  const unnamed = image().from("y").env("A", "3");
  const chain = image("scratch").from(a).copy("/a", "/b", { from: b }).copy("/a", "/b", {
    from: unnamed,
  });
  const froms = toDockerfile(chain).split("\n").filter((line) => line.startsWith("FROM"));
  assert.deepEqual(froms, [
    "FROM x AS build",
    "FROM x AS build-2",
    "FROM y AS stage-2",
    "FROM build",
  ]);
});

test("toDockerfile() does not take a reference for the stage of the same name", () => {
  const tools = image("debian").from("debian").run("a");
  const chain = image().from("debian").copy("/a", "/b", { from: tools });
  const froms = toDockerfile(chain).split("\n").filter((line) => line.startsWith("FROM"));
  assert.deepEqual(froms, [
    "FROM docker.io/library/debian:latest AS debian",
    "FROM docker.io/library/debian:latest",
  ]);
});

test("toDockerfile() prints flags and keeps words whole", () => {
  assert.deepEqual(
    linesOf(
      base
        .copy(["a b", "it's$x"], "/d/", {
          mode: "preserve",
          owner: "1:2",
          exclude: ["*.md"],
          link: true,
        })
        .copy("a", "b\\c", { mode: 0o644, parents: true })
        .add("a.tar", "/", { extract: "never" })
        .add("a.tar", "/", { extract: "always" })
        .env({ "A B": 'x "y" $z \\', C: "" })
        .label("com.example.a", "it's")
        .arg("V").arg("W", "a b")
        .user("a b")
        .workdir("/a b")
        .volume("/data", "/it's")
        .expose(80, "53/udp"),
    ),
    [
      String.raw`COPY --chown=1:2 --link --exclude=*.md ["a b", "it\\'s\\$x", "/d/"]`,
      String.raw`COPY --parents --chmod=0644 ["a", "b\\\\c"]`,
      "ADD --unpack=false a.tar /",
      "ADD --unpack=true a.tar /",
      String.raw`ENV "A B"="x \"y\" \$z \\" C=""`,
      `LABEL com.example.a="it's"`,
      "ARG V",
      'ARG W="a b"',
      'USER "a b"',
      'WORKDIR "/a b"',
      String.raw`VOLUME ["/data", "/it\\'s"]`,
      "EXPOSE 53/udp 80",
    ],
  );
});

test("toDockerfile() prints commands in their form, and scripts that are no line as here-documents", () => {
  assert.deepEqual(
    linesOf(
      base
        .run("echo $HOME && [ -f x ]")
        .run(["echo", "$HOME", "a\nb"])
        .run(sh`echo ${"a b"}`)
        .run("#!x\na\nEOF")
        .run("cat <<X > y\nX\n")
        .run('["a"]')
        .run("--help")
        .run(" a \\")
        .run("sleep 1", { timeoutMs: 500, network: "none", security: "insecure" })
        .shell(["/bin/bash", "-c"])
        .cmd("echo $X")
        .entrypoint(["/e", "$X"])
        .stopSignal("SIGINT")
        .onbuild("RUN make")
        .author("me <me@example.com>")
        .healthcheck("curl x", { intervalMs: 90_000, timeoutMs: 1500, retries: 0 })
        .healthcheck("none")
        .annotation("a", "b c"),
    ),
    [
      "RUN echo $HOME && [ -f x ]",
      'RUN ["echo", "$HOME", "a\\nb"]',
      "RUN echo 'a b'",
      'RUN <<"EOF_"',
      "",
      "#!x",
      "a",
      "EOF",
      "EOF_",
      'RUN <<"EOF"',
      "cat <<X > y",
      "X",
      "EOF",
      'RUN <<"EOF"',
      '["a"]',
      "EOF",
      'RUN <<"EOF"',
      "--help",
      "EOF",
      'RUN <<"EOF"',
      " a \\",
      "EOF",
      "# The recipe ends this step after 500 ms; there is no flag for that.",
      "RUN --network=none --security=insecure sleep 1",
      'SHELL ["/bin/bash", "-c"]',
      "CMD echo $X",
      'ENTRYPOINT ["/e", "$X"]',
      "STOPSIGNAL SIGINT",
      "ONBUILD RUN make",
      "MAINTAINER me <me@example.com>",
      "HEALTHCHECK --interval=1m30s --timeout=1.5s --retries=0 CMD curl x",
      "HEALTHCHECK NONE",
      '# docker build --annotation "a=b c"',
    ],
  );
});

test("toDockerfile() prints mounts with what is not usual", () => {
  const tools = image("tools").from("x");
  const mounts = [
    bindMount("/a"),
    bindMount("/b", { from: tools, source: "s", readWrite: true }),
    cacheMount("/c", { id: "d", sharing: "locked", mode: 0o700, uid: 1, gid: 2, readOnly: true }),
    cacheMount("/e", { from: tools }),
    tmpfsMount("/f", { sizeBytes: 1024 }),
    secretMount("g"),
    secretMount("h", { env: "H", required: true, mode: 0o444 }),
    sshMount({ required: true }),
  ];
  assert.deepEqual(linesOf(base.run("x", { mounts })), [[
    "RUN",
    "--mount=type=bind,target=/a",
    "--mount=type=bind,target=/b,from=tools,source=/s,rw",
    "--mount=type=cache,target=/c,id=d,sharing=locked,ro,mode=0700,uid=1,gid=2",
    "--mount=type=cache,target=/e,from=tools",
    "--mount=type=tmpfs,target=/f,size=1024",
    "--mount=type=secret,target=/run/secrets/g,id=g",
    "--mount=type=secret,id=h,env=H,required,mode=0444",
    "--mount=type=ssh,required",
    "x",
  ].join(" ")]);
});

test("toDockerfile() prints recipe files as here-documents", () => {
  assert.deepEqual(linesOf(base.copy(["a", inlineFile("motd", "$x\n")], "/etc/")), [
    'COPY a <<"motd" /etc/',
    "$x",
    "motd",
  ]);
});

test("toDockerfile() says which contexts a build needs", () => {
  const text = toDockerfile(
    base.copy("a", "/a", { from: context("./web"), mode: "preserve" })
      .copy("a", "/a", { from: context("/srv/x y", { name: "docs" }), mode: "preserve" })
      .copy("a", "/a", { mode: "preserve" }),
  );
  assert.equal(
    text,
    `# syntax=docker/dockerfile:1
# docker build --build-context context-1="./web"
# docker build --build-context docs="/srv/x y"

FROM scratch
COPY --from=context-1 a /a
COPY --from=docs a /a
COPY a /a
`,
  );
});

test("toDockerfile() refuses what a Dockerfile cannot say, with its line", () => {
  const cases: readonly [chain: AnyImage, what: RegExp][] = [
    [base.copy("a", "/a").squash(), /squash\(\)/],
    [image().from(source("host-executable://bun")), /host-executable:\/\/bun/],
    [base.copy("/", "/", { from: source("host-executable://bun") }), /host-executable:\/\/bun/],
    [base.run("x", { env: { A: "1" } }), /"env"/],
    [base.run("x", { user: "a" }), /"user"/],
    [base.run("x", { workdir: "a" }), /"workdir"/],
    [base.copy("a", "/a", { optional: true }), /optional/],
    [base.copy("a", "/a", { from: context(".", { name: "x", ignore: ["a"] }) }), /\.dockerignore/],
    [base.copy("a", "/a", { owner: "a b" }), /"a b" cannot stand in a flag/],
    [base.copy(inlineFile("a", "no line break"), "/a"), /here-document/],
    [base.copy(inlineFile("a", "b\na\nc\n"), "/a"), /here-document/],
    [base.copy(["a b", inlineFile("a", "b\n")], "/a"), /beside/],
    [base.add("/a", "/a", { from: base.env("A", "1") }), /ADD has no --from/],
    [base.env("A", "a\nb"), /line break/],
    [base.cmd("a\nb"), /cannot stand on a line/],
    [base.run("a\r\nb"), /carriage/],
    [base.run("x", { mounts: [secretMount("s", { invalidates: true })] }), /invalidate/],
  ];
  for (const [chain, what] of cases) {
    assert.throws(() => toDockerfile(chain), (error) => {
      assert.match(`${error}`, what);
      assert.equal((error as { code?: string }).code, "RECIPE_INVALID");
      assert.match((error as { at?: { file: string } }).at?.file ?? "", /to_dockerfile_test\.ts$/);
      return true;
    });
  }
});

test("toDockerfile() refuses a wrong recipe as toGraph() does", () => {
  assert.throws(() => toDockerfile(base.squash().expose(70_000)), { code: "GRAPH_INVALID" });
});
