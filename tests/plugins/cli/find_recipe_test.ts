import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { findRecipe } from "../../../plugins/cli/find_recipe.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

function touch(folder: string, ...names: readonly string[]): void {
  for (const name of names) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), "");
  }
}

test("findRecipe() chooses recipe and context by what is named", () => {
  using directory = temporaryDirectory();
  const root = directory.path;
  touch(root, "layerwright.ts", "web/layerwright.mjs", "web/other.ts", "recipes/app.ts");
  const cases = [
    [{}, "layerwright.ts", "."],
    [{ operand: "." }, "layerwright.ts", "."],
    [{ operand: "web" }, "web/layerwright.mjs", "web"],
    [{ operand: "recipes/app.ts" }, "recipes/app.ts", "."],
    [{ operand: "web", file: "recipes/app.ts" }, "recipes/app.ts", "web"],
    [{ file: "web/other.ts" }, "web/other.ts", "."],
    [{ operand: "recipes/app.ts", context: "web" }, "recipes/app.ts", "web"],
    [{ operand: join(root, "web"), context: "." }, "web/layerwright.mjs", "."],
  ] as const;
  for (const [operands, file, context] of cases) {
    assert.deepEqual(
      findRecipe({ ...operands, workingDirectory: root }),
      { file: join(root, file), contextDirectory: join(root, context) },
      JSON.stringify(operands),
    );
  }
});

test("findRecipe() names the nearest file when there is none of that name", () => {
  using directory = temporaryDirectory();
  touch(directory.path, "recipes/app.ts");
  assert.throws(() => findRecipe({ operand: "recipes/apt.ts", workingDirectory: directory.path }), {
    code: "RECIPE_NOT_FOUND",
    message:
      'Cannot find recipe "recipes/apt.ts": no such file or folder, did you mean "recipes/app.ts"?',
  });
});

test("findRecipe() says what a folder without a recipe holds instead", () => {
  using directory = temporaryDirectory();
  touch(
    directory.path,
    "web/Dockerfile",
    "web/recipes/b.ts",
    "web/recipes/a.ts",
    "web/recipes/data.json",
  );
  assert.throws(() => findRecipe({ operand: "web", workingDirectory: directory.path }), {
    code: "RECIPE_NOT_FOUND",
    message: 'Cannot find a recipe in "web": it has no "layerwright.ts"',
    details: [
      'found "web/recipes/a.ts"',
      'found "web/recipes/b.ts"',
      'found "Dockerfile": Dockerfiles are not supported yet',
    ],
    hint: "name the recipe: layerwright build web/recipes/a.ts",
  });
});

test("findRecipe() refuses what is no recipe of this machine", () => {
  using directory = temporaryDirectory();
  touch(directory.path, "Dockerfile", "notes.md", "a.ts", "b.ts");
  mkdirSync(join(directory.path, "folder.ts"));
  const refused = (operands: { operand?: string; file?: string }): unknown => {
    try {
      findRecipe({ ...operands, workingDirectory: directory.path });
    } catch (error) {
      return error instanceof Error && "code" in error ? error.code : error;
    }
    return undefined;
  };
  assert.equal(refused({ operand: "Dockerfile" }), "RECIPE_INVALID");
  assert.equal(refused({ operand: "notes.md" }), "RECIPE_INVALID");
  assert.equal(refused({ file: "folder.ts" }), "RECIPE_INVALID");
  assert.equal(refused({ operand: "a.ts", file: "b.ts" }), "OPTION_INVALID");
  for (const operand of ["-", "https://example.com/x.git", "git@example.com:x.git"]) {
    assert.equal(refused({ operand }), "OPTION_INVALID", operand);
  }
});
