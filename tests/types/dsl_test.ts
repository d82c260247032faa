/** What must not compile. `tsc` and `deno check` fail when a line below its expectation is no error any more. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { context } from "../../core/dsl/context.ts";
import { image } from "../../core/dsl/image.ts";
import type { AnyImage, ImageBuilder } from "../../core/dsl/image_builder.ts";
import { bindMount, cacheMount, secretMount, tmpfsMount } from "../../core/dsl/mount.ts";
import { sh } from "../../core/dsl/shell_quote.ts";
import { toGraph } from "../../core/dsl/to_graph.ts";

const LINUX = { os: "linux", architecture: "amd64" };
const build = image().from("scratch").as("build");
const stages = build.from("scratch");

test("a recipe that is right compiles", () => {
  const compiled: AnyImage[] = [
    stages.copy("/a", "/b", { from: "build" }),
    stages.copy("/a", "/b", { from: build }),
    stages.copy("/a", "/b", { from: context(".") }),
    stages.run("x", {
      mounts: [bindMount("/b", { from: "build" }), cacheMount("/c"), tmpfsMount("/t")],
    }),
    stages.run("x", {
      mounts: [bindMount("/b", { from: build }), cacheMount("/c", { from: build })],
    }),
    stages.as("run").from("scratch").copy(["/a"], "/b", { from: "run" }).copy("/a", "/b", {
      from: "build",
    }),
    image().platform("linux/arm64").from(stages),
    stages.when(true, (chain) => chain.copy("/a", "/b", { from: "build" })),
    stages.use((chain) => chain.as("last")).from("scratch").copy("/a", "/b", { from: "last" }),
  ];
  const base: (chain: ImageBuilder) => ImageBuilder = (chain) => chain.env("A", "1");
  compiled.push(image().from("scratch").use(base));
  for (const one of compiled) assert.equal(toGraph(one, { platform: LINUX }).targets.length, 1);
});

test("a stage name that no stage has does not compile", () => {
  const wrong = [
    // @ts-expect-error: no stage is called "bild"
    () => stages.copy("/a", "/b", { from: "bild" }),
    // @ts-expect-error: nor in a mount
    () => stages.run("x", { mounts: [bindMount("/b", { from: "bild" })] }),
    // @ts-expect-error: nor in the mount of a cache
    () => stages.run("x", { mounts: [cacheMount("/b", { from: "bild" })] }),
    // @ts-expect-error: nor without any stage
    () => image().from("scratch").copy("/a", "/b", { from: "x" }),
  ];
  for (const make of wrong) {
    assert.throws(() => toGraph(make(), { platform: LINUX }), { code: "GRAPH_INVALID" });
  }
});

test("an image without a base does not compile", () => {
  // @ts-expect-error: copy() needs a from() before it
  const copied = (): AnyImage => image().copy("a", "/b");
  // @ts-expect-error: an image without a base cannot be copied from
  const source = (): AnyImage => image().from("scratch").copy("/a", "/b", { from: image() });
  // @ts-expect-error: nor is it an image
  const bare = (): AnyImage => image("x");
  assert.throws(() => toGraph(copied(), { platform: LINUX }), { code: "GRAPH_INVALID" });
  assert.throws(() => toGraph(source(), { platform: LINUX }), { code: "GRAPH_INVALID" });
  assert.throws(() => toGraph(bare(), { platform: LINUX }), { code: "RECIPE_INVALID" });
});

test("mounts and options of the wrong kind do not compile", () => {
  const chain = image().from("scratch");
  const wrong = [
    // @ts-expect-error: a mount is no text
    () => chain.run("x", { mounts: ["type=cache,target=/x"] }),
    // @ts-expect-error: a secret comes from nowhere
    () => secretMount("token", { from: chain }),
    // @ts-expect-error: memory has no source
    () => tmpfsMount("/t", { source: "/x" }),
    // @ts-expect-error: only sharing modes
    () => cacheMount("/c", { sharing: "exclusive" }),
    // @ts-expect-error: copy() extracts nothing
    () => chain.copy("a", "/b", { extract: "always" }),
    // @ts-expect-error: a variable has a value
    () => chain.env("A"),
    // @ts-expect-error: a run has no unit of its own
    () => chain.run("x", { timeout: "5s" }),
    // @ts-expect-error: the kinds of networks are known
    () => chain.run("x", { network: "bridge" }),
    // @ts-expect-error: an object is no word
    () => sh`echo ${{ a: 1 }}`,
  ];
  assert.equal(wrong.length, 9);
});

test("a builder is no promise", () => {
  const chain = image().from("scratch");
  // @ts-expect-error: there is nothing to wait for
  assert.equal(chain.then, undefined);
  // @ts-expect-error: nor a build to start
  assert.equal(chain.build, undefined);
});
