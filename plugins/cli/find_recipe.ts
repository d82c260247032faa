/**
 * Which file is the recipe, and which folder the build context.
 *
 * @module
 */
import { readdirSync, statSync } from "node:fs";
import { basename, dirname, extname, join, relative, resolve } from "node:path";
import { LayerwrightError, nearestName } from "../../core/mod.ts";

/** What the user named, as far as they did. */
export interface RecipeOperands {
  /** The positional operand: a recipe, or a folder that holds one. */
  readonly operand?: string | undefined;
  /** `--file`. */
  readonly file?: string | undefined;
  /** `--context`. */
  readonly context?: string | undefined;
  /** Absolute; relative names are below it. */
  readonly workingDirectory: string;
}

/** A recipe that is there, and the folder it is built for. Both absolute. */
export interface FoundRecipe {
  readonly file: string;
  readonly contextDirectory: string;
}

/** What a recipe is called that a folder alone names, in order of preference. */
const RECIPE_NAMES = ["layerwright.ts", "layerwright.mts", "layerwright.js", "layerwright.mjs"];
const MODULE_EXTENSIONS = [".ts", ".mts", ".js", ".mjs"];

/**
 * Finds the recipe. An operand that is a file is the recipe; one that is a folder is the build context and holds the
 * recipe `layerwright.ts`, unless `--file` names another; without an operand the working directory is meant.
 * The context is `--context`, else that folder, else the working directory.
 *
 * @throws {LayerwrightError} `RECIPE_NOT_FOUND` for what is not there, with the nearest name or what is there instead;
 * `RECIPE_INVALID` for what is no module; `OPTION_INVALID` for operands that contradict each other.
 */
export function findRecipe(operands: RecipeOperands): FoundRecipe {
  const { operand, file, workingDirectory } = operands;
  if (operand === "-" || operand !== undefined && /^[a-z][a-z0-9+.-]*:\/\/|^git@/.test(operand)) {
    throw new LayerwrightError(
      "OPTION_INVALID",
      `Cannot build ${JSON.stringify(operand)}: contexts from elsewhere are not supported yet`,
      { hint: "name a recipe or a folder of this machine" },
    );
  }
  const path = resolve(workingDirectory, operand ?? ".");
  const isFolder = existing(path, workingDirectory).isDirectory();
  if (file !== undefined && operand !== undefined && !isFolder) {
    throw new LayerwrightError(
      "OPTION_INVALID",
      `Cannot build ${JSON.stringify(operand)} with --file ${
        JSON.stringify(file)
      }: both are recipes`,
      { hint: "name one recipe; --context names the folder it is built for" },
    );
  }
  const recipe = file !== undefined
    ? resolve(workingDirectory, file)
    : isFolder
    ? recipeInFolder(path, workingDirectory)
    : path;
  checkModule(recipe, workingDirectory);
  const context = operands.context === undefined
    ? isFolder ? path : workingDirectory
    : resolve(workingDirectory, operands.context);
  return { file: recipe, contextDirectory: context };
}

function checkModule(recipe: string, workingDirectory: string): void {
  const shown = shownPath(recipe, workingDirectory);
  const isFile = existing(recipe, workingDirectory).isFile();
  if (isFile && MODULE_EXTENSIONS.includes(extname(recipe))) return;
  const why = /dockerfile$/i.test(recipe) || /^dockerfile/i.test(basename(recipe))
    ? "Dockerfiles are not supported yet"
    : isFile
    ? `it is not a module (${MODULE_EXTENSIONS.join(", ")})`
    : "it is not a file";
  throw new LayerwrightError(
    "RECIPE_INVALID",
    `Cannot use recipe ${JSON.stringify(shown)}: ${why}`,
    {
      hint: "name a TypeScript or JavaScript module that exports an image as its default",
    },
  );
}

function existing(
  path: string,
  workingDirectory: string,
): { isDirectory(): boolean; isFile(): boolean } {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats !== undefined) return stats;
  const shown = shownPath(path, workingDirectory);
  const nearest = nearestName(basename(path), namesIn(dirname(path)));
  throw new LayerwrightError(
    "RECIPE_NOT_FOUND",
    `Cannot find recipe ${JSON.stringify(shown)}: no such file or folder` +
      (nearest === undefined
        ? ""
        : `, did you mean ${JSON.stringify(join(dirname(shown), nearest))}?`),
    { hint: "name a recipe, or a folder that holds a layerwright.ts" },
  );
}

function recipeInFolder(folder: string, workingDirectory: string): string {
  const names = namesIn(folder);
  const name = RECIPE_NAMES.find((known) => names.includes(known));
  if (name !== undefined) return join(folder, name);
  const recipes = namesIn(join(folder, "recipes"))
    .filter((other) => MODULE_EXTENSIONS.includes(extname(other)))
    .map((other) => shownPath(join(folder, "recipes", other), workingDirectory));
  const dockerfile = names.find((other) => /^dockerfile/i.test(other));
  throw new LayerwrightError(
    "RECIPE_NOT_FOUND",
    `Cannot find a recipe in ${JSON.stringify(shownPath(folder, workingDirectory))}: ` +
      `it has no ${JSON.stringify(RECIPE_NAMES[0])}`,
    {
      details: [
        ...recipes.sort().slice(0, 5).map((other) => `found ${JSON.stringify(other)}`),
        ...dockerfile === undefined
          ? []
          : [`found ${JSON.stringify(dockerfile)}: Dockerfiles are not supported yet`],
      ],
      hint: `name the recipe: layerwright build ${recipes[0] ?? "path/to/recipe.ts"}`,
    },
  );
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** A path as the user would type it: relative below the working directory, else as it is. */
export function shownPath(path: string, workingDirectory: string): string {
  const below = relative(workingDirectory, path);
  if (below === "") return ".";
  return below.startsWith("..") ? path : below;
}
