/** What is loaded before the first line of a recipe or a command runs: little, and nothing that takes long. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { importedFile, importsOf, projectRoot } from "./support/module_imports.ts";

interface Closure {
  /** Project files, each with the chain of imports that leads there. */
  readonly files: ReadonlyMap<string, readonly string[]>;
  /** Modules of the runtime and of other packages, likewise. */
  readonly others: ReadonlyMap<string, readonly string[]>;
}

/** All that is loaded, or only read (by Deno), before the entry runs. */
function closureOf(entry: string, reason: "loaded" | "read"): Closure {
  const files = new Map<string, readonly string[]>([[entry, [entry]]]);
  const others = new Map<string, readonly string[]>();
  // A map is walked in the order of insertion, what is added meanwhile too: breadth first, so chains are shortest.
  for (const [file, chain] of files) {
    const path = join(projectRoot, file);
    for (const found of importsOf(path)) {
      if (!found.read || (reason === "loaded" && found.dynamic)) continue;
      const target = importedFile(path, found);
      if (target === undefined) {
        // Deno has its own modules at hand.
        if (reason === "read" && found.specifier.startsWith("node:")) continue;
        if (!others.has(found.specifier)) others.set(found.specifier, [...chain, found.specifier]);
      } else if (!files.has(target)) files.set(target, [...chain, target]);
    }
  }
  return { files, others };
}

interface StartUp {
  readonly entry: string;
  readonly what: string;
  /** At most so many files of the project. One costs about 0.2 ms. */
  readonly files: number;
  /** All that may be loaded of the runtime: `node:crypto`, `node:zlib`, `node:child_process`… cost 3 to 16 ms each. */
  readonly others: readonly string[];
}

const RECIPE_MODULES = ["node:path"];
const startUps: readonly StartUp[] = [
  { entry: "mod.ts", what: "a recipe", files: 64, others: RECIPE_MODULES },
  { entry: "core/mod.ts", what: "a plugin", files: 58, others: RECIPE_MODULES },
  { entry: "core/engine.ts", what: "a graph", files: 50, others: RECIPE_MODULES },
  // A build that finds nothing changed loads this, and mod.ts.
  {
    entry: "core/unchanged/unchanged_build.ts",
    what: "the look for changes",
    files: 30,
    others: [],
  },
  { entry: "bin/main.ts", what: "a command", files: 12, others: ["node:fs"] },
];

for (const { entry, what, files, others } of startUps) {
  for (const reason of ["loaded", "read"] as const) {
    test(`little is ${reason} before ${what} runs (${entry})`, () => {
      const closure = closureOf(entry, reason);
      for (const [name, chain] of closure.others) {
        assert.ok(others.includes(name), `import it when it is used: ${chain.join(" → ")}`);
      }
      const list = [...closure.files.values()].map((chain) => chain.join(" → ")).join("\n");
      assert.ok(
        closure.files.size <= files,
        `${closure.files.size} files, ${files} are allowed:\n${list}`,
      );
    });
  }
}

test("closureOf() sees what is loaded later, and what Deno reads before", () => {
  // A walk that finds nothing would find nothing wrong.
  const recipe = closureOf("mod.ts", "loaded");
  for (const file of ["core/dsl/image.ts", "core/dsl/to_graph.ts", "core/oci/digest.ts"]) {
    assert.ok(recipe.files.has(file), file);
  }
  assert.ok(!recipe.files.has("core/build.ts"));
  const build = closureOf("core/build.ts", "loaded");
  assert.ok(build.others.has("node:crypto") && build.others.has("valibot"));
  assert.deepEqual(build.files.get("core/build/build_run.ts"), [
    "core/build.ts",
    "core/build/build_run.ts",
  ]);
});
