import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { toGraph } from "../mod.ts";

const root = resolve(import.meta.dirname ?? ".", "..");
const readme = readFileSync(join(root, "README.md"), "utf8");

test("the README is under 60 lines", () => {
  assert.ok(readme.split("\n").length < 60);
});

test("the README's recipe compiles to a graph", async () => {
  const code = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  // Inside the project, so that the recipe finds what an installed one would find.
  const folder = mkdtempSync(join(root, "node_modules", ".lw-readme-"));
  try {
    const path = join(folder, "recipe.mjs");
    writeFileSync(
      path,
      code.replace('"layerwright"', JSON.stringify(pathToFileURL(join(root, "mod.ts")).href)),
    );
    const { default: recipe } = await import(pathToFileURL(path).href);
    const graph = toGraph(recipe, { platform: { os: "linux", architecture: "amd64" } });
    assert.deepEqual(
      [...graph.vertices.values()].map(({ op }) => op.type).filter((type) => type !== "config")
        .sort(),
      ["context", "copy", "copy", "copy", "file", "run", "source", "source"],
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
