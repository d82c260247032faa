/** A store that saw other trees before gives every tree the layers that a new store gives it. */
import assert from "node:assert/strict";
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { LayerwrightError } from "../../core/errors.ts";
import type { FileEntry } from "../../core/layer/file_entry.ts";
import { parseImageConfig } from "../../core/oci/image_config.ts";
import { image } from "../../mod.ts";
import { type TempEngine, tempEngine } from "../support/temp_engine.ts";
import { treeArbitrary } from "../support/tree_arbitrary.ts";

const SEED = 20_265;

/** Trees that anybody may put on a disk, and read again. */
const tree = treeArbitrary({ onDisk: true, maxPaths: 10 }).map((entries) =>
  entries.filter(({ type }) => ["file", "directory", "symlink", "hardlink"].includes(type))
);

function putTree(entries: readonly FileEntry[], root: string): void {
  for (const name of readdirSync(root)) rmSync(join(root, name), { recursive: true });
  const made = new Set<string>();
  // The file that a hard link names may have been one of the devices that are left out.
  for (const { path, type, linkTarget = "", content, mode } of entries) {
    const target = join(root, path);
    mkdirSync(dirname(target), { recursive: true });
    if (type === "directory") mkdirSync(target, { recursive: true });
    else if (type === "symlink") symlinkSync(linkTarget, target);
    else if (type === "hardlink" && made.has(linkTarget)) linkSync(join(root, linkTarget), target);
    else writeFileSync(target, content?.kind === "bytes" ? content.bytes : "");
    made.add(path);
    if (type === "file" || type === "directory") chmodSync(target, mode | 0o700);
    if (type === "file") utimesSync(target, 1e9, mode);
  }
}

/** The DiffIDs, or the code of the error: a random tree may well have a link that leads nowhere good. */
async function layersOf(lw: TempEngine, folder: string): Promise<readonly string[]> {
  const recipe = image().from("scratch")
    .copy(".", "/", { mode: "preserve", keepTimes: true })
    .copy("a*", "/again/", { optional: true, exclude: ["**/b"] })
    .squash()
    .copy(".", "/", { optional: true });
  const options = { contextDirectory: folder, epochSeconds: 1_000_000_000 };
  try {
    const { imageId } = await lw.build(recipe, options);
    using store = await lw.engine.openStore();
    return parseImageConfig(await store.blobs.readBytes(imageId, 1 << 20)).rootfs.diff_ids;
  } catch (error) {
    if (error instanceof LayerwrightError) return [error.code];
    throw error;
  }
}

test(`layers of random trees do not depend on what was built before (seed ${SEED})`, {
  timeout: 60_000,
}, async () => {
  let [reused, builds] = [0, 0];
  await fc.assert(
    fc.asyncProperty(
      fc.array(tree, { minLength: 2, maxLength: 3 }),
      fc.array(fc.nat(), { minLength: 3, maxLength: 4 }),
      async (trees, order) => {
        using grown = tempEngine();
        const seen = new Set<string>();
        for (const pick of order) {
          putTree(trees[pick % trees.length] ?? [], grown.context);
          using clean = tempEngine();
          const layers = await layersOf(grown, grown.context);
          assert.deepEqual(layers, await layersOf(clean, grown.context));
          builds++;
          const found = layers.filter((layer) => layer.startsWith("sha256:"));
          if (found.some((layer) => seen.has(layer))) reused++;
          for (const layer of found) seen.add(layer);
        }
      },
    ),
    { seed: SEED, numRuns: 20 },
  );
  assert.ok(reused > 10, `${reused} of ${builds} builds met a layer again: too few to tell`);
});
