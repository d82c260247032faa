/** A busybox root, and one RUN step that writes a large file. */
import { context, image, type ImageBuilder } from "../../../mod.ts";
import type { RecipeArguments } from "../../../plugins/cli/load_recipe.ts";

/** Called by the command line, with `--build-arg MIB=2048`. */
export default function large({ buildArgs }: RecipeArguments): ImageBuilder {
  const root = context("./root", { name: "root" });
  return image("large").from("scratch").copy(".", "/", { from: root })
    .run(`busybox dd if=/dev/zero of=/large bs=1048576 count=${buildArgs["MIB"]}`);
}
