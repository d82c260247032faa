/**
 * Runs recipes as users do.
 *
 * @module
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { runtimeCommands } from "./runtimes.ts";
import { temporaryDirectory } from "./temporary_directory.ts";

/** What a recipe prints when it is run, on each runtime that is installed, each time with an empty store. */
export function recipeDigests(name: string): string[] {
  const recipe = fileURLToPath(new URL(`../../recipes/${name}.ts`, import.meta.url));
  return runtimeCommands(recipe).map(([program = "", ...args]) => {
    using home = temporaryDirectory();
    const { stdout, stderr, status } = spawnSync(program, args, {
      encoding: "utf8",
      env: { ...process.env, LAYERWRIGHT_HOME: home.path },
      timeout: 60_000,
    });
    assert.equal(status, 0, stderr);
    return stdout;
  });
}
