/**
 * Digests of whole images, pinned: of the manifest, of the config, of each layer's tar and of its blob at each level of
 * `gz-1`. They move with no version of Bun, Deno or this project, unless a commit says why.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { GOLDEN_IMAGES, goldenDigests, type ImageDigests } from "../support/golden_images.ts";
import { programPath } from "../support/program_path.ts";

/** Written by `tests/support/print_golden_images.ts`. */
const pinned = JSON.parse(
  readFileSync(new URL("./image_digests.json", import.meta.url), "utf8"),
) as Readonly<Record<string, ImageDigests>>;

for (const [name, { needs }] of Object.entries(GOLDEN_IMAGES)) {
  const skip = needs !== undefined && programPath(needs) === undefined && `needs ${needs}`;
  test(
    `the image of ${name} has its pinned digests${needs === undefined ? "" : ` (needs ${needs})`}`,
    {
      skip,
    },
    async () => {
      assert.deepEqual(await goldenDigests(name), pinned[name]);
    },
  );
}

test("every pinned digest is that of an image", () => {
  assert.deepEqual(Object.keys(pinned), Object.keys(GOLDEN_IMAGES));
});

test("an archive has one layer, however it is compressed", () => {
  const diffIds = Object.keys(GOLDEN_IMAGES).filter((name) => /^an archive(?: in|$)/.test(name))
    .map((name) => pinned[name]?.layers[0]?.diffId);
  assert.equal(diffIds.length, 5);
  assert.equal(new Set(diffIds).size, 1);
});
