/** A busybox root, then some pairs of steps: a COPY of one file, and a RUN that writes one. */
import { context, image, type ImageBuilder } from "../../../mod.ts";
import type { RecipeArguments } from "../../../plugins/cli/load_recipe.ts";

/** Called by the command line, with `--build-arg PAIRS=15`. */
export default function steps({ buildArgs }: RecipeArguments): ImageBuilder {
  const root = context("./root", { name: "root" });
  let steps: ImageBuilder = image("steps").from("scratch").copy(".", "/", { from: root });
  for (let index = 1; index <= Number(buildArgs["PAIRS"]); index += 1) {
    steps = steps.copy(`files/${index}.txt`, "/").run(`echo ${index} > /run-${index}.txt`);
  }
  return steps;
}
