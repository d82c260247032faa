import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { resolveCallSite } from "../../../core/dsl/call_site.ts";
import { image } from "../../../core/dsl/image.ts";
import type { ImageBuilder } from "../../../core/dsl/image_builder.ts";
import { graphOf, vertexOf } from "../../support/graph_ops.ts";

const here = fileURLToPath(import.meta.url);
const own = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const ownUrl = (path: string): string => new URL(`../../../${path}`, import.meta.url).href;

/** The line that made an error. */
function lineOf(error: Error): number | undefined {
  return resolveCallSite(error)?.line;
}

test("resolveCallSite() reads the stacks of Bun", () => {
  const stack = [
    "Error",
    `    at #then (${own("core/dsl/image.ts")}:50:20)`,
    `    at run (${own("core/dsl/image.ts")}:95:20)`,
    "    at map (native:1:11)",
    "    at compile (/home/me/my app (2)/lib/stage.ts:12:9)",
    "    at module code (/home/me/my app (2)/layerwright.ts:3:1)",
  ].join("\n");
  assert.deepEqual(resolveCallSite({ stack }), {
    file: "/home/me/my app (2)/lib/stage.ts",
    line: 12,
    column: 9,
  });
});

test("resolveCallSite() reads the stacks of Deno", () => {
  const stack = [
    "Error",
    `    at Builder.#then (${ownUrl("core/dsl/image.ts")}:50:20)`,
    `    at executable (${ownUrl("plugins/host_executable/executable.ts")}:9:2)`,
    "    at Array.map (<anonymous>)",
    "    at eval (eval at <anonymous> (file:///home/me/x.ts:1:1), <anonymous>:1:1)",
    "    at ext:core/01_core.js:12:3",
    "    at async file:///home/me/my%20app/layerwright.ts:3:14",
  ].join("\n");
  assert.deepEqual(resolveCallSite({ stack }), {
    file: "/home/me/my app/layerwright.ts",
    line: 3,
    column: 14,
  });
});

test("resolveCallSite() keeps the URL of a module from elsewhere, and knows nothing where nothing is", () => {
  const stack = "Error\n    at build (https://example.com/recipe.ts:7:1)";
  assert.deepEqual(resolveCallSite({ stack }), {
    file: "https://example.com/recipe.ts",
    line: 7,
    column: 1,
  });
  assert.equal(resolveCallSite({ stack: undefined }), undefined);
  assert.equal(resolveCallSite({ stack: "Error\n    at native" }), undefined);
});

test("a step knows the line of the call that made it", () => {
  const chain = image().from("scratch")
    .copy("a", "/a");
  const expected = (lineOf(new Error()) ?? 0) - 1;
  const graph = graphOf(chain);
  const at = graph.metadata.get(vertexOf(graph, "copy").digest)?.at;
  assert.equal(at?.file, here);
  assert.equal(at?.line, expected);
});

test("a step made in a function of the user's own knows the line in that function", () => {
  const withFiles = (chain: ImageBuilder): ImageBuilder => {
    return chain.copy("a", "/a")
      .env("A", "1");
  };
  const expected = (lineOf(new Error()) ?? 0) - 3;
  const graph = graphOf(image().from("scratch").use(withFiles));
  assert.equal(graph.metadata.get(vertexOf(graph, "copy").digest)?.at?.line, expected);
});
