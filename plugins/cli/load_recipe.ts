/**
 * Recipes as modules: what they export, run and checked.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import {
  type AnyImage,
  isImage,
  LayerwrightError,
  resolveCallSite,
  type SourceLocation,
} from "../../core/mod.ts";
import { shownPath } from "./find_recipe.ts";

/** What a recipe's function is called with. */
export interface RecipeArguments {
  /** `--build-arg`. */
  readonly buildArgs: Readonly<Record<string, string>>;
  /** `--platform`; absent: that of the machine. */
  readonly platform?: string;
}

/** How a recipe is loaded. */
export interface LoadRecipeOptions {
  readonly arguments: RecipeArguments;
  /** Absolute; places in errors are shown relative to it. */
  readonly workingDirectory: string;
}

/** Build arguments that remember which of them were read. */
export function watchedArguments(
  buildArgs: Readonly<Record<string, string>>,
): { readonly buildArgs: Readonly<Record<string, string>>; readonly read: ReadonlySet<string> } {
  const read = new Set<string>();
  const watched = new Proxy({ ...buildArgs }, {
    get(target, name): unknown {
      if (typeof name === "string") read.add(name);
      return Reflect.get(target, name);
    },
    has(target, name): boolean {
      if (typeof name === "string") read.add(name);
      return Reflect.has(target, name);
    },
    // What is about to be gone through, by spreading it for example, is all of it.
    ownKeys(target): (string | symbol)[] {
      for (const name of Object.keys(target)) read.add(name);
      return Reflect.ownKeys(target);
    },
  });
  return { buildArgs: watched, read };
}

/** What a recipe exports: one image, or several by name. */
export type Recipe = AnyImage | ReadonlyMap<string, AnyImage>;

/**
 * Imports a recipe. Its default export is an image, an object of images by name, or a function (possibly async)
 * that gives one of these and gets the {@link RecipeArguments}.
 *
 * @param file Absolute path of a module.
 * @throws {LayerwrightError} `RECIPE_INVALID` for another export, and for whatever the recipe throws, with the
 * line it came from; errors that are LayerwrightErrors already pass as they are.
 */
export async function loadRecipe(file: string, options: LoadRecipeOptions): Promise<Recipe> {
  const shown = shownPath(file, options.workingDirectory);
  let exported: unknown;
  try {
    const module = await import(pathToFileURL(file).href) as Record<string, unknown>;
    if (!("default" in module)) throw withoutDefault(shown, module);
    exported = typeof module.default === "function"
      ? await module.default(options.arguments)
      : await module.default;
  } catch (error) {
    throw thrownByRecipe(error, shown, options.workingDirectory);
  }
  if (isImage(exported)) return exported;
  if (typeof exported !== "object" || exported === null || Object.keys(exported).length === 0) {
    throw notImages(shown, describe(exported));
  }
  const images = new Map<string, AnyImage>();
  for (const [name, value] of Object.entries(exported)) {
    if (!isImage(value)) throw notImages(shown, `${JSON.stringify(name)} is ${describe(value)}`);
    images.set(name, value);
  }
  return images;
}

function describe(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value !== "object") return `a ${typeof value}`;
  // The builder's brand is private to a copy of the module: one of another copy looks like one without a base.
  if ("from" in value && typeof value.from === "function") {
    return 'an image without a "from", or of another copy of layerwright';
  }
  return Object.keys(value).length === 0
    ? "an object without images"
    : "an object that is no image";
}

function notImages(shown: string, found: string): LayerwrightError {
  return new LayerwrightError(
    "RECIPE_INVALID",
    `Cannot use recipe ${JSON.stringify(shown)}: its default export is no image: ${found}`,
    { hint: "export an image, an object of images by name, or a function that gives one of these" },
  );
}

function withoutDefault(
  shown: string,
  module: Readonly<Record<string, unknown>>,
): LayerwrightError {
  const images = Object.keys(module).filter((name) => isImage(module[name])).sort();
  return new LayerwrightError(
    "RECIPE_INVALID",
    `Cannot use recipe ${JSON.stringify(shown)}: it has no default export`,
    {
      details: images.slice(0, 5).map((name) => `found image ${JSON.stringify(name)}`),
      hint: `end it with "export default ${images[0] ?? "app"};"`,
    },
  );
}

/** A recipe's own failure, with the line of the user's that it came from. */
function thrownByRecipe(error: unknown, shown: string, workingDirectory: string): LayerwrightError {
  if (error instanceof LayerwrightError) return error;
  const [first = "", ...rest] = String(error instanceof Error ? error : JSON.stringify(error))
    .split("\n").map((line) => line.trim()).filter((line) => line !== "");
  // A bundler's error holds one error for each thing wrong.
  const parts = error instanceof AggregateError ? error.errors.map(String) : [];
  return new LayerwrightError(
    "RECIPE_INVALID",
    `Cannot load recipe ${JSON.stringify(shown)}: ${first}`,
    {
      at: error instanceof Error ? userLine(error, workingDirectory) : undefined,
      details: [...rest, ...parts].slice(0, 10),
      hint: "the recipe itself failed: correct it there",
      cause: error,
    },
  );
}

function userLine(error: Error, workingDirectory: string): SourceLocation | undefined {
  // What a dependency throws was called from somewhere: that line is the user's.
  const stack = error.stack?.split("\n").filter((line) => !line.includes("/node_modules/")).join(
    "\n",
  );
  const at = resolveCallSite({ stack });
  if (at === undefined) return undefined;
  const text = lineOf(at);
  return {
    ...at,
    file: shownPath(at.file, workingDirectory),
    ...text === undefined ? {} : { text },
  };
}

function lineOf(at: SourceLocation): string | undefined {
  try {
    return readFileSync(at.file, "utf8").split("\n")[at.line - 1]?.slice(0, 300);
  } catch {
    return undefined;
  }
}
