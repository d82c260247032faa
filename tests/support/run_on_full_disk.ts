/**
 * A child process that builds RUN steps on a disk too small for them, has it made larger, and builds again. Prints the
 * errors, then the image IDs. Runs as root in a mount namespace of its own, with the store on a tmpfs.
 * Arguments: home of the store, name of the executor.
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { LayerwrightError } from "../../mod.ts";
import { validateStore } from "./validate_store.ts";
import { fillingImages } from "./filling_images.ts";
import { runEngine } from "./killable_step.ts";

const [home = "", executor = ""] = process.argv.slice(2);
const engine = runEngine(home, executor);
const images = fillingImages();
for (const image of images) {
  try {
    await engine.build(image, { progress: "none" });
    process.stdout.write("built\n");
  } catch (error) {
    if (!(error instanceof LayerwrightError)) throw error;
    process.stdout.write(`${JSON.stringify(error.format())}\n`);
  }
  await validateStore(engine, home);
  process.stdout.write(`left: ${readdirSync(join(home, "tmp")).length}\n`);
}
spawnSync("mount", ["-o", "remount,size=200m", home], { stdio: "inherit" });
for (const image of images) {
  const { imageId } = await engine.build(image, { progress: "none" });
  process.stdout.write(`${imageId}\n`);
}
await validateStore(engine, home);
