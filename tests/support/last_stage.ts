/**
 * A recipe of several stages, made of steps that are plain data.
 *
 * @module
 */
import { image, type ImageBuilder } from "../../mod.ts";

/**
 * Builds the stages `stage0`, `stage1`… from scratch.
 *
 * @param withStep Adds a step to a stage; `earlier` are those before it.
 * @returns The last stage; an empty image where there is none.
 */
export function lastStage<Step>(
  stages: readonly (readonly Step[])[],
  withStep: (stage: ImageBuilder, step: Step, earlier: readonly ImageBuilder[]) => ImageBuilder,
): ImageBuilder {
  const built: ImageBuilder[] = [];
  for (const [index, steps] of stages.entries()) {
    let stage = image(`stage${index}`).from("scratch");
    for (const step of steps) stage = withStep(stage, step, built);
    built.push(stage);
  }
  return built.at(-1) ?? image().from("scratch");
}
