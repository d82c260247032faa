/**
 * A child process that builds one image with a RUN step that lasts a moment, unless somebody ends it, the worker, the
 * runtime or the step before. Prints the image ID, or the code of the error.
 * Arguments: home of the store, name of the executor, number of the image.
 */
import process from "node:process";
import { LayerwrightError } from "../../mod.ts";
import { killableImage, runEngine } from "./killable_step.ts";

const [home = "", executor = "", number = "0"] = process.argv.slice(2);
try {
  const { imageId } = await runEngine(home, executor).build(killableImage(Number(number), home), {
    progress: "none",
    // One that is known to be unchanged would be right, too, but clean up nothing.
    paranoid: true,
  });
  process.stdout.write(`${imageId}\n`);
} catch (error) {
  if (!(error instanceof LayerwrightError)) throw error;
  process.stdout.write(`${error.code} ${error.message}\n`);
  process.exitCode = 1;
}
