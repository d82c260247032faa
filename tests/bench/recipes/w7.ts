/** A graph of about `VERTICES` vertices: stages of one file and some variables, and an image of all files. */
import { image, type ImageBuilder, inlineFile } from "../../../mod.ts";
import type { RecipeArguments } from "../../../plugins/cli/load_recipe.ts";

/** Of one stage: the inline file, its copy, the variables, and the copy into the image. */
const VERTICES_PER_STAGE = 10;

/** Called by the command line, with `--build-arg VERTICES=1000`. */
export default function graph({ buildArgs }: RecipeArguments): ImageBuilder {
  const stages = Math.max(1, Math.round(Number(buildArgs["VERTICES"]) / VERTICES_PER_STAGE));
  let all: ImageBuilder = image("all").from("scratch");
  for (let index = 0; index < stages; index += 1) {
    let stage: ImageBuilder = image(`stage-${index}`).from("scratch")
      .copy(inlineFile(`${index}.txt`, `${index}\n`), "/");
    for (let at = 0; at < VERTICES_PER_STAGE - 2; at += 1) {
      stage = stage.env(`NAME_${at}`, `${index}`);
    }
    all = all.copy(`/${index}.txt`, "/out/", { from: stage });
  }
  return all;
}
