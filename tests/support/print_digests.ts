/**
 * A child process that builds a {@link RecipeSpec} and prints the digest.
 * Arguments: home of the store, build context, concurrency; the spec as JSON on standard input.
 */
import { readFileSync } from "node:fs";
import process from "node:process";
import { createEngine, defaultPlugins } from "../../mod.ts";
import { recipeOf, type RecipeSpec } from "./recipe_arbitrary.ts";

const [home = "", contextDirectory = "", concurrency = "1"] = process.argv.slice(2);
const specs = JSON.parse(readFileSync(0, "utf8")) as RecipeSpec[];
const engine = createEngine({ plugins: defaultPlugins, home });
for (const [index, spec] of specs.entries()) {
  const result = await engine.build(recipeOf(spec), {
    contextDirectory: `${contextDirectory}/${index}`,
    progress: "none",
    concurrency: Number(concurrency),
  });
  process.stdout.write(`${await result.digest()}\n`);
}
