/** Promises about images that leave: the same whenever they are compressed, with the layers that were built. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { encoderNameOf } from "../../core/layer/compression.ts";
import { decompressed } from "../../core/layer/decompress.ts";
import { type Digest, encodeImage, validateImage } from "../../mod.ts";
import { type FilesSpec, recipeOf, recipeSpec } from "../support/recipe_arbitrary.ts";
import { tempEngine } from "../support/temp_engine.ts";

const SEED = 20261126;

function writeContext(folder: string, files: FilesSpec): void {
  for (const [path, { text, executable }] of Object.entries(files)) {
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text, { mode: executable ? 0o755 : 0o644 });
  }
}

test(`any image, by any encoder, is whole and the one an eager build makes (seed ${SEED})`, {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      recipeSpec,
      fc.constantFrom("gzip", "gzip:1", "gzip:3", "zstd", "zstd:1", "zstd:9", "uncompressed"),
      async (spec, compression) => {
        using eager = tempEngine();
        using lazy = tempEngine();
        for (const { context } of [eager, lazy]) writeContext(context, spec.files);
        const recipe = recipeOf(spec);
        const expected = await eager.build(recipe, { compression });
        const { descriptor, imageId } = await lazy.build(recipe);
        assert.deepEqual([descriptor, imageId], [expected.descriptor, expected.imageId]);
        using store = await lazy.engine.openStore();
        const encoder = encoderNameOf(compression);
        const { manifest } = await encodeImage(store, descriptor, { encoder });
        assert.equal(manifest.digest, await expected.digest());
        assert.equal((await lazy.plan(recipe, { compression })).digest, manifest.digest);
        const blobs = {
          size: (digest: Digest) => store.blobs.size(digest),
          open: (digest: Digest) => store.blobs.openRead(digest),
        };
        // Unpacks each layer and compares it with its DiffID, among much else.
        assert.deepEqual(await validateImage(blobs, manifest, { decompressed }), []);
      },
    ),
    { seed: SEED, numRuns: 40 },
  );
});
