/**
 * Whether a store is whole.
 *
 * @module
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseManifest } from "../../core/oci/manifest.ts";
import type { Engine } from "../../mod.ts";

/** Every blob has the digest it is named after, and every tag names an image that is there. */
export async function validateStore(engine: Engine, home: string): Promise<void> {
  const folder = join(home, "blobs", "sha256");
  for (const name of readdirSync(folder)) {
    assert.equal(createHash("sha256").update(readFileSync(join(folder, name))).digest("hex"), name);
  }
  using store = await engine.openStore();
  for (const { descriptor } of store.refs.list()) {
    const manifest = parseManifest(await store.blobs.readBytes(descriptor.digest, 1 << 20));
    for (const { digest, size } of [manifest.config, ...manifest.layers]) {
      assert.equal(await store.blobs.size(digest), size, `blob ${digest} of a tagged image`);
    }
  }
}
