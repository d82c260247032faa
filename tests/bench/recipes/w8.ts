/** A busybox root, then some RUN steps that write one file each. */
import { context, image, type ImageBuilder } from "../../../mod.ts";
import type { RecipeArguments } from "../../../plugins/cli/load_recipe.ts";

/** Called by the command line, with `--build-arg STEPS=31`. */
export default function runs({ buildArgs }: RecipeArguments): ImageBuilder {
  const root = context("./root", { name: "root" });
  let runs: ImageBuilder = image("runs").from("scratch").copy(".", "/", { from: root });
  for (let index = 1; index <= Number(buildArgs["STEPS"]); index += 1) {
    runs = runs.run(`echo ${index} > /run-${index}.txt`);
  }
  return runs;
}
