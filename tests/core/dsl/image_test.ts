/** Over 300 lines: the calls of one builder. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { image, isImage, lastStepOf } from "../../../core/dsl/image.ts";
import type { ImageBuilder } from "../../../core/dsl/image_builder.ts";
import { inlineFile } from "../../../core/dsl/inline_file.ts";
import {
  bindMount,
  cacheMount,
  secretMount,
  sshMount,
  tmpfsMount,
} from "../../../core/dsl/mount.ts";
import { sh } from "../../../core/dsl/shell_quote.ts";
import { graphOf, opsOf, vertexOf } from "../../support/graph_ops.ts";

const base = image("app").from("scratch");

function changesOf(chain: ImageBuilder): unknown[] {
  return opsOf(graphOf(chain), "config").map(({ change }) => change);
}

test("copy() has sane defaults: owner 0:0, the executable bit, no times", () => {
  assert.deepEqual(opsOf(graphOf(base.copy(["a", "b"], "/srv/")), "copy"), [{
    type: "copy",
    instruction: "COPY",
    sources: ["a", "b"],
    inline: [],
    destination: "/srv/",
    mode: { kind: "executable-bit" },
    keepTimes: false,
    link: false,
    parents: false,
    exclude: [],
    optional: false,
    extract: "never",
  }]);
});

test("copy() passes every option on", () => {
  const chain = base.copy("a", "/b", {
    owner: "app:staff",
    mode: 0o750,
    keepTimes: true,
    link: true,
    parents: true,
    exclude: ["*.md"],
    optional: true,
  });
  const [op] = opsOf(graphOf(chain), "copy");
  assert.deepEqual(op?.owner, { user: "app", group: "staff" });
  assert.deepEqual(op?.mode, { kind: "chmod", spec: "0750" });
  assert.deepEqual([op?.keepTimes, op?.link, op?.parents, op?.optional], [true, true, true, true]);
  assert.deepEqual(op?.exclude, ["*.md"]);
});

test("copy() takes owners and modes in each of their forms", () => {
  const chain = base
    .copy("a", "/1", { owner: "app", mode: "preserve" })
    .copy("a", "/2", { owner: { user: 1000 }, mode: "u=rwX,go=rX" })
    .copy("a", "/3", { owner: { user: "app", group: 5 }, mode: "executable-bit" });
  const ops = opsOf(graphOf(chain), "copy");
  assert.deepEqual(ops.map(({ owner }) => owner), [{ user: "app" }, { user: "1000" }, {
    user: "app",
    group: "5",
  }]);
  assert.deepEqual(ops.map(({ mode }) => mode), [
    { kind: "preserve" },
    { kind: "chmod", spec: "u=rwX,go=rX" },
    { kind: "executable-bit" },
  ]);
});

test("copy() of recipe files alone needs no build context", () => {
  const graph = graphOf(base.copy(inlineFile("motd", "hello\n"), "/etc/"));
  const [op] = opsOf(graph, "copy");
  assert.deepEqual([op?.sources, op?.inline], [[], [{ name: "motd", text: "hello\n" }]]);
  assert.equal(vertexOf(graph, "copy").inputs.length, 1);
  assert.deepEqual(opsOf(graph, "context"), []);
});

test("add() extracts local archives, or as it is told", () => {
  const chain = base.add("a.tar", "/1/").add("a.tar", "/2/", { extract: "never" });
  assert.deepEqual(
    opsOf(graphOf(chain), "copy").map(({ instruction, extract }) => [instruction, extract]),
    [["ADD", "local"], ["ADD", "never"]],
  );
});

test("run() takes shell, exec and quoted commands", () => {
  const ops = opsOf(graphOf(base.run("make").run(["make", "all"]).run(sh`echo ${"a b"}`)), "run");
  assert.deepEqual(ops.map(({ command }) => command), [
    { form: "shell", script: "make" },
    { form: "exec", args: ["make", "all"] },
    { form: "shell", script: "echo 'a b'" },
  ]);
});

test("run() passes every option on", () => {
  const chain = base.run("make", {
    network: "none",
    security: "insecure",
    env: { A: "1" },
    user: "app",
    workdir: "src",
    timeoutMs: 5000,
    hosts: { db: "10.0.0.1", six: "::1" },
    shmSizeBytes: 4096,
    ulimits: { nofile: 10, core: { soft: 0, hard: -1 } },
    resources: { memoryBytes: 8_388_608, pids: 3 },
    mounts: [tmpfsMount("/tmp", { sizeBytes: 1024 })],
  });
  assert.deepEqual(opsOf(graphOf(chain), "run"), [{
    type: "run",
    command: { form: "shell", script: "make" },
    mounts: [{ type: "tmpfs", target: "/tmp", sizeBytes: 1024 }],
    network: "none",
    security: "insecure",
    environment: { A: "1" },
    user: "app",
    workingDirectory: "src",
    timeoutMs: 5000,
    hosts: [{ name: "db", address: "10.0.0.1" }, { name: "six", address: "::1" }],
    shmSizeBytes: 4096,
    ulimits: [{ name: "nofile", soft: 10, hard: 10 }, { name: "core", soft: 0, hard: -1 }],
    resources: { memoryBytes: 8_388_608, pids: 3 },
  }]);
});

test("mounts have BuildKit's defaults, and one input for each place they show", () => {
  const tools = image().from("scratch").env("A", "1");
  const chain = base.run("make", {
    mounts: [
      bindMount("/src"),
      bindMount("/src2", { source: "sub/./dir", readWrite: true }),
      bindMount("/tools", { from: tools }),
      cacheMount("/root/./.cache/"),
      cacheMount("/seeded", { from: tools, source: "x" }),
      secretMount("token"),
      secretMount("key", { env: "KEY", required: true }),
      sshMount(),
    ],
  });
  const graph = graphOf(chain);
  assert.equal(vertexOf(graph, "run").inputs.length, 3);
  const account = { uid: 0, gid: 0 };
  const cache = { type: "cache", sharing: "shared", mode: 0o755, ...account, readOnly: false };
  assert.deepEqual(opsOf(graph, "run")[0]?.mounts, [
    { type: "bind", target: "/src", source: "/", readWrite: false, input: 1 },
    { type: "bind", target: "/src2", source: "/sub/dir", readWrite: true, input: 1 },
    { type: "bind", target: "/tools", source: "/", readWrite: false, input: 2 },
    { ...cache, target: "/root/./.cache/", id: "/root/.cache" },
    { ...cache, target: "/seeded", id: "/seeded", source: "/x", input: 2 },
    {
      type: "secret",
      id: "token",
      target: "/run/secrets/token",
      required: false,
      mode: 0o400,
      ...account,
    },
    { type: "secret", id: "key", environment: "KEY", required: true, mode: 0o400, ...account },
    { type: "ssh", id: "default", required: false, mode: 0o600, ...account },
  ]);
});

test("config calls become config changes, in order", () => {
  const chain = base
    .env({ B: "1", A: "2" }).env("C", "3")
    .arg("V").arg("W", "x")
    .label({ a: "b" }).label("c", "d")
    .annotation("e", "f")
    .user("app:app")
    .expose(8080, "53/udp")
    .volume("/data", "/logs")
    .shell(["/bin/bash", "-c"])
    .healthcheck("curl -f localhost", { intervalMs: 1000, retries: 3 })
    .healthcheck("none")
    .stopSignal("SIGINT")
    .onbuild("RUN make")
    .author("me");
  assert.deepEqual(changesOf(chain), [
    { kind: "env", variables: [{ name: "B", value: "1" }, { name: "A", value: "2" }] },
    { kind: "env", variables: [{ name: "C", value: "3" }] },
    { kind: "arg", variables: [{ name: "V" }] },
    { kind: "arg", variables: [{ name: "W", value: "x" }] },
    { kind: "label", labels: [{ name: "a", value: "b" }] },
    { kind: "label", labels: [{ name: "c", value: "d" }] },
    { kind: "annotation", annotations: [{ name: "e", value: "f" }] },
    { kind: "user", user: "app:app" },
    { kind: "expose", ports: ["53/udp", "8080"] },
    { kind: "volume", paths: ["/data", "/logs"] },
    { kind: "shell", shell: ["/bin/bash", "-c"] },
    {
      kind: "healthcheck",
      healthcheck: {
        kind: "test",
        command: { form: "shell", script: "curl -f localhost" },
        intervalMs: 1000,
        retries: 3,
      },
    },
    { kind: "healthcheck", healthcheck: { kind: "none" } },
    { kind: "stop-signal", signal: "SIGINT" },
    { kind: "onbuild", instruction: "RUN make" },
    { kind: "author", author: "me" },
  ]);
});

test("entrypoint() keeps the command of its own stage and no other", () => {
  const inherited = base.cmd(["a"]);
  const keeps = (chain: ImageBuilder): unknown[] =>
    opsOf(graphOf(chain), "config").flatMap(({ change }) =>
      change.kind === "entrypoint" ? [change.keepsCommand] : []
    );
  assert.deepEqual(keeps(base.cmd(["a"]).env("A", "1").entrypoint(["/e"])), [true]);
  assert.deepEqual(keeps(base.entrypoint(["/e"]).cmd(["a"])), [undefined]);
  assert.deepEqual(keeps(image().from(inherited).entrypoint(["/e"])), [undefined]);
});

test("workdir() makes the directory, unless it is the root, and keeps a relative path", () => {
  const graph = graphOf(base.workdir("/").workdir("srv/app"));
  assert.deepEqual(opsOf(graph, "file"), [{
    type: "file",
    instruction: "WORKDIR",
    actions: [{ kind: "mkdir", path: "srv/app", mode: 0o755 }],
  }]);
  assert.deepEqual(changesOf(base.workdir("/").workdir("srv/app")), [
    { kind: "workdir", path: "/" },
    { kind: "workdir", path: "srv/app" },
  ]);
});

test("a builder never changes: two images from one base share its vertices and nothing else", () => {
  const common = base.env("A", "1");
  const before = graphOf(common);
  const [left, right] = [graphOf(common.env("B", "l")), graphOf(common.env("B", "r"))];
  assert.deepEqual(graphOf(common), before);
  const shared = [...left.vertices.keys()].filter((digest) => right.vertices.has(digest));
  assert.deepEqual(shared, [...before.vertices.keys()]);
});

test("a builder does not keep what the caller may still change", () => {
  const args = ["a"];
  const env: Record<string, string> = { A: "1" };
  const chain = base.cmd(args).run("x", { env });
  args.push("b");
  env.B = "2";
  assert.deepEqual(changesOf(chain), [{ kind: "cmd", command: { form: "exec", args: ["a"] } }]);
  assert.deepEqual(opsOf(graphOf(chain), "run")[0]?.environment, { A: "1" });
});

test("awaiting a builder gives the builder and builds nothing", async () => {
  assert.ok(!("then" in base));
  assert.equal(await base, base);
});

test("use() applies a function, when() chooses one", () => {
  const production = (chain: ImageBuilder): ImageBuilder => chain.env("MODE", "production");
  const values = (chain: ImageBuilder): unknown[] =>
    opsOf(graphOf(chain), "config").flatMap(({ change }) =>
      change.kind === "env" ? change.variables : []
    );
  const mode = [{ name: "MODE", value: "production" }];
  assert.deepEqual(values(base.use(production)), mode);
  assert.deepEqual(values(base.when(true, production)), mode);
  assert.deepEqual(values(base.when(false, production)), []);
  assert.deepEqual(values(base.when(false, (chain) => chain, production)), mode);
});

test("squash() lays the difference to its base onto the base", () => {
  const start = image().from("scratch").copy("a", "/a");
  const graph = graphOf(image().from(start).copy("b", "/b").squash());
  const merge = vertexOf(graph, "merge");
  const diff = vertexOf(graph, "diff");
  const [first, second] = [...graph.vertices.values()].filter(({ op }) => op.type === "copy");
  assert.deepEqual(merge.inputs, [first?.digest, diff.digest]);
  assert.deepEqual(diff.inputs, [first?.digest, second?.digest]);
});

test("squash() can go back to any image, and leaves one alone that has nothing to squash", () => {
  const start = image().from("scratch").copy("a", "/a");
  const more = start.copy("b", "/b").squash({ from: start });
  assert.deepEqual(
    graphOf(more).vertices,
    graphOf(image().from(start).copy("b", "/b").squash()).vertices,
  );
  assert.deepEqual(graphOf(image().from(start).squash()).vertices, graphOf(start).vertices);
});

test("isImage() tells an image from what is none yet", () => {
  assert.equal(isImage(base), true);
  for (const other of [image(), undefined, null, {}, "scratch", Promise.resolve(base)]) {
    assert.equal(isImage(other), false);
  }
});

test("lastStepOf() says what it was given instead of an image", () => {
  assert.throws(() => lastStepOf(Promise.resolve(base)), {
    code: "RECIPE_INVALID",
    message: /a promise/,
  });
});
