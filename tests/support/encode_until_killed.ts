/**
 * A child process that builds an image and compresses its layer the slow way; somebody ends it meanwhile.
 * Arguments: home of the store, build context.
 */
import process from "node:process";
import { createEngine, defaultPlugins, image } from "../../mod.ts";

const [home = "", contextDirectory = ""] = process.argv.slice(2);
const engine = createEngine({ plugins: defaultPlugins, home });
await engine.build(image().from("scratch").copy("data", "/data"), {
  contextDirectory,
  progress: "none",
  compression: "zstd:12",
});
process.stdout.write("done\n");
