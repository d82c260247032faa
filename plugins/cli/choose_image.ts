/**
 * `--target`: which image of a recipe, and which stage of it.
 *
 * @module
 */
import { type AnyImage, isImage, LayerwrightError, nearestName } from "../../core/mod.ts";
import type { Recipe } from "./load_recipe.ts";

/** One image of a recipe, and the stage to build if not the last. */
export interface ChosenImage {
  readonly image: AnyImage;
  readonly stage?: string;
}

/** The name that is built when none is asked for. */
const DEFAULT_NAME = "default";

/**
 * Chooses what to build. A recipe of one image takes `--target STAGE`; one of several `--target NAME` or
 * `NAME:STAGE`, and `STAGE` alone for the image named `default`. Without a target several images need a `default`.
 * Whether a stage exists is the engine's to say.
 *
 * @throws {LayerwrightError} `TARGET_UNKNOWN` with the names there are.
 */
export function chooseImage(recipe: Recipe, target: string | undefined): ChosenImage {
  if (isImage(recipe)) return chosen(recipe, target);
  const fallback = recipe.size === 1 ? [...recipe.values()][0] : recipe.get(DEFAULT_NAME);
  if (target !== undefined) {
    const whole = recipe.get(target);
    if (whole !== undefined) return chosen(whole, undefined);
    const colon = target.indexOf(":");
    const named = colon < 0 ? undefined : recipe.get(target.slice(0, colon));
    if (named !== undefined) return chosen(named, target.slice(colon + 1));
  }
  if (fallback !== undefined) return chosen(fallback, target);
  const names = [...recipe.keys()];
  const list = names.map((name) => JSON.stringify(name)).join(", ");
  if (target === undefined) {
    throw new LayerwrightError(
      "TARGET_UNKNOWN",
      "Cannot choose an image: the recipe exports several",
      {
        details: [`found ${list}`],
        hint: `choose one with --target ${names[0]}, or name one "${DEFAULT_NAME}"`,
      },
    );
  }
  const nearest = nearestName(target.split(":")[0] ?? "", names);
  throw new LayerwrightError(
    "TARGET_UNKNOWN",
    `Cannot build ${JSON.stringify(target)}: the recipe exports no such image` +
      (nearest === undefined ? "" : `, did you mean ${JSON.stringify(nearest)}?`),
    { details: [`found ${list}`] },
  );
}

function chosen(image: AnyImage, stage: string | undefined): ChosenImage {
  return stage === undefined || stage === "" ? { image } : { image, stage };
}
