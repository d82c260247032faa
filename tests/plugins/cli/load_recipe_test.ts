import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isImage, LayerwrightError } from "../../../core/mod.ts";
import { loadRecipe, type Recipe, watchedArguments } from "../../../plugins/cli/load_recipe.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const core = new URL("../../../core/mod.ts", import.meta.url).href;

/** Loads a recipe that has `app` and `other` at hand. */
async function loaded(body: string, name = "recipe.ts"): Promise<Recipe> {
  using directory = temporaryDirectory();
  const file = join(directory.path, name);
  const head =
    `import { image } from ${JSON.stringify(core)}; const app = image("app").from("scratch"); ` +
    'const other = image("other").from("scratch"); void [app, other];';
  writeFileSync(file, `${head}\n${body}\n`);
  return await loadRecipe(file, {
    arguments: { buildArgs: { A: "1" }, platform: "linux/arm64" },
    workingDirectory: directory.path,
  });
}

async function failure(body: string): Promise<LayerwrightError> {
  try {
    await loaded(body);
  } catch (error) {
    assert.ok(error instanceof LayerwrightError, String(error));
    return error;
  }
  assert.fail("the recipe was loaded");
}

test("loadRecipe() takes an image, images by name, and functions that give them", async () => {
  assert.ok(isImage(await loaded("export default app;")));
  assert.ok(isImage(await loaded("export default () => app;")));
  assert.ok(
    isImage(await loaded("export default async () => await Promise.resolve(app);", "recipe.mjs")),
  );
  assert.ok(isImage(await loaded("export default Promise.resolve(app);")));
  const several = await loaded("export default { app, second: other };");
  assert.ok(!isImage(several));
  assert.deepEqual([...several.keys()], ["app", "second"]);
});

test("loadRecipe() gives a function the build arguments and the platform", async () => {
  const body =
    "export default ({ buildArgs, platform }) => ({ [`${buildArgs.A} ${platform}`]: app });";
  const several = await loaded(body, "recipe.js");
  assert.deepEqual(isImage(several) ? [] : [...several.keys()], ["1 linux/arm64"]);
});

test("loadRecipe() names the images that are exported otherwise", async () => {
  const error = await failure("export { app, other }; export const count = 1;");
  assert.equal(
    error.format(),
    [
      'RECIPE_INVALID: Cannot use recipe "recipe.ts": it has no default export',
      '  found image "app"',
      '  found image "other"',
      '  fix: end it with "export default app;"',
    ].join("\n"),
  );
});

test("loadRecipe() says what a default export is when it is no image", async () => {
  const cases = [
    ["export default 3;", "a number"],
    ["export default null;", "null"],
    ["export default () => undefined;", "undefined"],
    ["export default {};", "an object without images"],
    ["export default { app, b: 'x' };", '"b" is a string'],
    ["export default image('x');", 'an image without a "from", or of another copy of layerwright'],
  ] as const;
  for (const [body, found] of cases) {
    assert.equal(
      (await failure(body)).message,
      `Cannot use recipe "recipe.ts": its default export is no image: ${found}`,
    );
  }
});

test("loadRecipe() shows the line of the recipe that threw", async () => {
  const error = await failure(
    "function boom(): never {\n  throw new TypeError('no such flavour');\n}\nboom();\nexport default app;",
  );
  assert.equal(error.code, "RECIPE_INVALID");
  assert.equal(error.message, 'Cannot load recipe "recipe.ts": TypeError: no such flavour');
  assert.equal(error.at?.file, "recipe.ts");
  assert.equal(error.at?.line, 3);
  assert.equal(error.at?.text?.trim(), "throw new TypeError('no such flavour');");
});

test("loadRecipe() reports a recipe that does not parse, or imports what is not there", async () => {
  assert.equal((await failure("export default (;")).code, "RECIPE_INVALID");
  assert.match(
    (await failure('import "./missing.ts"; export default app;')).message,
    /missing\.ts/,
  );
});

test("loadRecipe() passes on what the recipe language itself refuses", async () => {
  const error = await failure(
    `const { source } = await import(${
      JSON.stringify(core)
    }); source("nothing"); export default app;`,
  );
  assert.match(error.message, /has no scheme/);
});

test("loadRecipe() takes whatever is thrown", async () => {
  assert.equal((await failure("throw 'text';")).message, 'Cannot load recipe "recipe.ts": "text"');
  assert.equal((await failure("throw undefined;")).code, "RECIPE_INVALID");
});

test("watchedArguments() remembers what a recipe reads: by name, by destructuring, all at once", () => {
  const given = { A: "1", B: "2", C: "3" };
  const readBy = (use: (buildArgs: Readonly<Record<string, string>>) => unknown): string[] => {
    const { buildArgs, read } = watchedArguments(given);
    use(buildArgs);
    return [...read].sort();
  };
  assert.deepEqual(readBy(() => 0), []);
  assert.deepEqual(readBy((buildArgs) => assert.equal(buildArgs["A"], "1")), ["A"]);
  assert.deepEqual(readBy(({ B, Z = "none" }) => assert.equal(B + Z, "2none")), ["B", "Z"]);
  assert.deepEqual(readBy((buildArgs) => assert.ok("C" in buildArgs)), ["C"]);
  assert.deepEqual(readBy((buildArgs) => assert.deepEqual({ ...buildArgs }, given)), [
    "A",
    "B",
    "C",
  ]);
});
