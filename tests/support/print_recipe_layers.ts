/**
 * Builds recipes and prints their layers. argv: names of recipes. A line of JSON for each: the DiffIDs, base first. An error
 * goes to stderr as a terminal shows it.
 */
import { createEngine, LayerwrightError } from "../../core/mod.ts";
import { parseImageConfig } from "../../core/oci/image_config.ts";
import { defaultPlugins } from "../../mod.ts";

const engine = createEngine({ plugins: defaultPlugins });
try {
  for (const name of process.argv.slice(2)) {
    const { default: recipe } = await import(`../../recipes/${name}.ts`);
    const { imageId } = await engine.build(recipe, { progress: "none" });
    using store = await engine.openStore();
    const { rootfs } = parseImageConfig(await store.blobs.readBytes(imageId, 1 << 20));
    process.stdout.write(`${JSON.stringify(rootfs.diff_ids)}\n`);
  }
} catch (error) {
  process.stderr.write(error instanceof LayerwrightError ? error.format() : String(error));
  process.exitCode = 1;
}
