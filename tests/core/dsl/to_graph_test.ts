import assert from "node:assert/strict";
import { test } from "node:test";
import { context } from "../../../core/dsl/context.ts";
import { image } from "../../../core/dsl/image.ts";
import type { AnyImage, ImageBuilder } from "../../../core/dsl/image_builder.ts";
import { bindMount } from "../../../core/dsl/mount.ts";
import { source } from "../../../core/dsl/source.ts";
import { toGraph } from "../../../core/dsl/to_graph.ts";
import { LayerwrightError } from "../../../core/errors.ts";
import { validateGraph } from "../../../core/graph/validate.ts";
import { graphOf, inputsOf, LINUX, opsOf, vertexOf } from "../../support/graph_ops.ts";

function detailsOf(make: () => unknown): readonly string[] {
  try {
    make();
  } catch (error) {
    assert.ok(error instanceof LayerwrightError, String(error));
    assert.equal(error.code, "GRAPH_INVALID");
    return error.details.map((detail) => detail.replace(/^.*:\d+ {2}/, ""));
  }
  assert.fail("the recipe was taken for a right one");
}

test("toGraph() turns a base into a source: scratch, a reference in full, a plugin's own", () => {
  const sources = (base: string | ReturnType<typeof source>) =>
    opsOf(graphOf(image().from(base)), "source");
  assert.deepEqual(sources("scratch"), [
    { type: "source", identifier: "scratch://", attributes: {}, platform: LINUX },
  ]);
  assert.equal(sources("debian")[0]?.identifier, "docker-image://docker.io/library/debian:latest");
  assert.equal(sources("ghcr.io/a/b:c")[0]?.identifier, "docker-image://ghcr.io/a/b:c");
  assert.deepEqual(sources(source("host-executable://bun", { as: "/b" }))[0], {
    type: "source",
    identifier: "host-executable://bun",
    attributes: { as: "/b" },
    platform: LINUX,
  });
});

test("toGraph() builds for the platform it is given, under its usual name, unless the recipe names one", () => {
  const platforms = (chain: AnyImage) =>
    opsOf(
      toGraph(chain, { platform: { os: "Linux", architecture: "aarch64", variant: "v8" } }),
      "source",
    )
      .map(({ platform }) => platform);
  const arm64 = { os: "linux", architecture: "arm64" };
  assert.deepEqual(platforms(image().from("a")), [arm64]);
  const chain = image().platform("linux/arm/v7").from("a").as("tools").platform("amd64").from("b")
    .copy("/x", "/y", { from: "tools" });
  assert.deepEqual(platforms(chain), [{ os: "linux", architecture: "arm", variant: "v7" }, LINUX]);
});

test("toGraph() makes equal steps one vertex, and leaves out stages that the target does not need", () => {
  const base = image().from("debian:12").run("apt-get update");
  const unused = base.run("make docs").as("docs");
  const app = unused.from(base).copy("a", "/a").from(base).copy("a", "/a").copy("b", "/b");
  const graph = graphOf(app);
  assert.deepEqual(
    [...graph.vertices.values()].map(({ op }) => op.type),
    ["source", "run", "context", "copy", "copy"],
  );
  assert.deepEqual(validateGraph(graph), []);
});

test("toGraph() gives stages by name and by value the same graph", () => {
  const build = image("app").from("golang").as("build").run("make");
  const byName = build.from("scratch").copy("/app", "/app", { from: "build" });
  const byValue = build.from("scratch").copy("/app", "/app", { from: build });
  assert.deepEqual(graphOf(byName).vertices, graphOf(byValue).vertices);
});

test("from() can name an earlier stage, as FROM can", () => {
  const chain = image().from("golang").as("build").run("make").from("build").env("A", "1");
  const graph = graphOf(chain);
  assert.deepEqual(inputsOf(graph, vertexOf(graph, "config")), opsOf(graph, "run"));
});

test("a stage goes on after it was named: its files are those at its end", () => {
  const chain = image().from("golang").as("build").run("make").run("make test").from("scratch")
    .copy("/app", "/app", { from: "build" });
  const graph = graphOf(chain);
  assert.deepEqual(inputsOf(graph, vertexOf(graph, "copy"))[1], opsOf(graph, "run")[1]);
});

test("toGraph() names contexts by their own name, else in order of appearance", () => {
  const web = context("./web");
  const chain = image().from("scratch")
    .copy("a", "/a", { from: context("./docs", { name: "docs" }) })
    .copy("a", "/a", { from: web })
    .copy("a", "/a")
    .run("x", { mounts: [bindMount("/m", { from: context("/srv/tools") })] })
    .copy("b", "/b", { from: context("web/../web") })
    .copy("b", "/b", { from: context("./web", { ignore: ["*.md"] }) });
  assert.deepEqual([...graphOf(chain).contexts], [
    ["docs", { path: "./docs" }],
    ["context-1", { path: "./web" }],
    ["default", { path: "." }],
    ["context-2", { path: "/srv/tools" }],
    ["context-3", { path: "web/../web" }],
  ]);
});

test("toGraph() refuses one name for two contexts", () => {
  const chain = image().from("scratch")
    .copy("a", "/a", { from: context("./a", { name: "web" }) })
    .copy("b", "/b", { from: context("./b", { name: "web" }) });
  assert.deepEqual(detailsOf(() => graphOf(chain)), [
    'Cannot use "./b" as build context "web": that is the name of "./a"',
  ]);
});

test("the number of a context does not depend on the target", () => {
  const chain = image().from("scratch").as("first").copy("a", "/a", { from: context("./a") })
    .from("scratch").as("second").copy("b", "/b", { from: context("./b") });
  assert.deepEqual([...graphOf(chain, { target: "second" }).contexts.keys()], ["context-2"]);
});

test("buildArgs override defaults of arg() in every stage, and mean nothing elsewhere", () => {
  const chain = image().from("scratch").arg("A", "1").arg("B").arg("C", "3");
  const values = (buildArgs: Record<string, string>): unknown[] =>
    opsOf(graphOf(chain, { buildArgs }), "config").flatMap(({ change }) =>
      change.kind === "arg" ? change.variables : []
    );
  assert.deepEqual(values({}), [{ name: "A", value: "1" }, { name: "B" }, {
    name: "C",
    value: "3",
  }]);
  assert.deepEqual(values({ A: "x", B: "", Z: "y" }), [
    { name: "A", value: "x" },
    { name: "B", value: "" },
    { name: "C", value: "3" },
  ]);
});

test("target chooses a stage of the chain, an image it uses, or the image itself", () => {
  const deps = image("deps").from("scratch").env("D", "1");
  const app = image("app").from("scratch").as("build").env("B", "1").from("scratch").as("final")
    .copy("/x", "/x", { from: deps }).copy("/y", "/y", { from: "build" });
  const target = (name?: string) =>
    graphOf(app, name === undefined ? {} : { target: name }).targets[0];
  assert.deepEqual(
    graphOf(app, { target: "deps" }).targets[0]?.vertex,
    graphOf(deps).targets[0]?.vertex,
  );
  assert.equal(opsOf(graphOf(app, { target: "build" }), "copy").length, 0);
  assert.equal(target()?.name, "app");
  assert.equal(target("final")?.name, "final");
  assert.equal(target("final")?.vertex, target()?.vertex);
  assert.equal(target("app")?.vertex, target()?.vertex);
});

test("target that no stage has is refused with the nearest name, one that several have as well", () => {
  const app = image("app").from("scratch").as("build").from("scratch");
  assert.throws(() => graphOf(app, { target: "biuld" }), (error) => {
    assert.ok(error instanceof LayerwrightError);
    assert.equal(error.code, "TARGET_UNKNOWN");
    assert.deepEqual(error.details, ['stages are "build", "app"']);
    assert.equal(error.hint, 'build "build"');
    return true;
  });
  const [a, b] = ["1", "2"].map((value) => image("deps").from("scratch").env("A", value));
  const two = image().from(a ?? "x").copy("/a", "/b", { from: b ?? context("x") });
  assert.throws(() => graphOf(two, { target: "deps" }), {
    code: "TARGET_UNKNOWN",
    message: /2 different stages/,
  });
});

test("labels and annotations of the build come last, sorted, and leave no history", () => {
  const graph = graphOf(image().from("scratch").label("a", "recipe"), {
    labels: { b: "2", a: "1" },
    annotations: { d: "4", c: "3" },
  });
  assert.deepEqual(opsOf(graph, "config").map(({ change }) => change).slice(1), [
    {
      kind: "label",
      labels: [{ name: "a", value: "1" }, { name: "b", value: "2" }],
      unrecorded: true,
    },
    { kind: "annotation", annotations: [{ name: "c", value: "3" }, { name: "d", value: "4" }] },
  ]);
});

test("metadata says the stage and the step in a Dockerfile's words", () => {
  const app = image("app").from("golang").run("a").from("scratch").as("tools").run("b").from(
    "scratch",
  ).run("c");
  const graph = graphOf(
    app.copy("/x", "/y", { from: "tools", owner: "1:2" }).copy("/x", "/z", { from: app }),
  );
  const said = [...graph.vertices.keys()].map((digest) => {
    const { stage, label } = graph.metadata.get(digest) ?? {};
    return `${stage}: ${label}`;
  });
  assert.deepEqual(said, [
    "tools: FROM scratch",
    "tools: RUN b",
    "app: RUN c",
    "app: COPY --from=tools --chown=1:2 /x /y",
    "app: COPY /x /z",
  ]);
  const whole = toGraph(image("app").from("golang").run("a").from("scratch").copy("/a", "/b"), {
    platform: LINUX,
  });
  assert.equal(whole.metadata.get(vertexOf(whole, "source").digest)?.stage, "app");
  const first = graphOf(image("app").from("golang").run("a").from("b").run("c"), {});
  assert.equal(first.metadata.get(vertexOf(first, "run").digest)?.label, "RUN c");
});

test("toGraph() lists everything that is wrong at once, each with its line", () => {
  const chain = image("app").from("Debian:12")
    .copy("", "/a", { mode: "rwx", owner: "" })
    .run("")
    .env("A=B", "1")
    .expose(65536)
    .stopSignal("SIGNOPE")
    .run("sleep 1", { timeoutMs: 1.5 })
    .run("a", { hosts: { db: "localhost" }, ulimits: { files: 1 } });
  let error: unknown;
  try {
    graphOf(chain);
  } catch (thrown) {
    error = thrown;
  }
  assert.ok(error instanceof LayerwrightError);
  assert.equal(error.message, 'Cannot build "app": its recipe has 11 errors');
  for (const detail of error.details) assert.match(detail, /to_graph_test\.ts:\d+ {2}Cannot /);
  const said = error.details.join("\n");
  for (
    const part of [
      "repository names are lower case",
      "a source is empty",
      'Cannot set mode "rwx"',
      'Cannot give files to ""',
      'Cannot run ""',
      'Cannot set environment variable "A=B"',
      'Cannot expose "65536"',
      'Cannot stop with "SIGNOPE"',
      'Cannot use "RUN sleep 1": Cannot encode 1.5',
      'Cannot add host "db:localhost": "localhost" is no IP address',
      'Cannot set ulimit "files=1:1": known are as, core,',
    ]
  ) assert.ok(said.includes(part), `${part}\nis missing in\n${said}`);
});

test("toGraph() refuses what is wrong with stages", () => {
  const start = image().from("scratch");
  const unchecked = start as ImageBuilder<string>;
  const cases: readonly [chain: AnyImage, problem: RegExp][] = [
    [start.as("Build"), /name a stage "Build": use lower-case/],
    [start.as("scratch"), /the name is reserved/],
    [start.as("a").as("b"), /it is "a" already/],
    [start.as("a").from("scratch").as("a"), /an earlier stage has that name/],
    [
      start.as("build").from("x").copy("/a", "/b", { from: "bulid" as "build" }),
      /did you mean "build"\?/,
    ],
    [start.as("self").copy("/a", "/b", { from: "self" }), /it is this stage itself/],
    [unchecked.copy("/a", "/b", { from: "x" }), /no earlier stage has that name/],
    [image().platform("linux/amd64/v1/x").from("scratch"), /4 parts/],
    [image().from(start.onbuild("RUN x")), /onbuild\(\)/],
    [start.onbuild("RUN x").as("o").from("o"), /onbuild\(\)/],
    [start.copy("/a", "/b", { from: image() as never }), /no base yet/],
  ];
  for (const [chain, problem] of cases) {
    assert.match(detailsOf(() => graphOf(chain)).join("\n"), problem);
  }
});

test("a chain of 10,000 steps, or of 10,000 images in images, is no problem", () => {
  let chain: ImageBuilder = image().from("scratch");
  let nested: ImageBuilder = image().from("scratch");
  for (let n = 0; n < 10_000; n++) {
    chain = n % 2 === 0 ? chain.env("N", `${n}`) : chain.copy(`f${n}`, "/d/");
    nested = image().from(nested).env("N", `${n}`);
  }
  const start = performance.now();
  assert.equal(graphOf(chain).vertices.size, 10_002);
  assert.equal(graphOf(nested).vertices.size, 10_001);
  // A second on an idle machine; what is quadratic takes minutes.
  assert.ok(performance.now() - start < 10_000);
});
