import assert from "node:assert/strict";
import { chmodSync, closeSync, openSync, readSync, writeSync } from "node:fs";
import { describe, test } from "node:test";
import { KnownChunks } from "../../../core/execute/known_chunks.ts";
import { encodeImage } from "../../../core/execute/encode_image.ts";
import { gzipEncoder } from "../../../core/layer/compress.ts";
import type { DiffID } from "../../../core/oci/digest.ts";
import { parseImageConfig } from "../../../core/oci/image_config.ts";
import type { Store } from "../../../core/store/store.ts";
import { image } from "../../../mod.ts";
import { sampleBytes } from "../../support/sample_bytes.ts";
import { type TempEngine, tempEngine } from "../../support/temp_engine.ts";

const recipe = image().from("scratch").copy(".", "/app/");
const encoder = gzipEncoder();
/** Enough for threads to write the layer: only they know what is in its chunks. */
const files = Object.fromEntries(
  Array.from(
    { length: 90 },
    (_, index) =>
      [`f${String(index).padStart(3, "0")}`, sampleBytes("text", 170_000, index + 1)] as const,
  ),
);

async function layerOf(lw: TempEngine, store: Store): Promise<DiffID> {
  const { imageId } = await lw.build(recipe);
  const [diffId] = parseImageConfig(await store.blobs.readBytes(imageId, 1 << 20)).rootfs.diff_ids;
  assert.ok(diffId !== undefined);
  return diffId;
}

/** The manifest that leaves, from a store that knows nothing. */
async function freshDigest(changed: Uint8Array): Promise<string> {
  using lw = tempEngine({ ...files, f007: changed });
  return await (await lw.build(recipe)).digest();
}

test("a layer that is compressed while it is written becomes the blob that it becomes later", async () => {
  using one = tempEngine(files);
  using other = tempEngine(files);
  for (const level of ["gzip:1", "gzip", "gzip:3"] as const) {
    const { encoded } = await one.build(recipe, { compression: level, noCache: true });
    await other.build(recipe);
    const later = await other.build(recipe, { compression: level });
    assert.equal(encoded?.digest, later.encoded?.digest);
  }
  using store = await one.engine.openStore();
  assert.equal(Number(store.database.get("SELECT count(*) AS n FROM encoded")?.n), 3);
});

describe("KnownChunks", () => {
  test("finds all chunks but those of the file that changed, and the blob is that of a fresh store", async () => {
    using lw = tempEngine(files);
    using store = await lw.engine.openStore();
    await (await lw.build(recipe)).digest();
    const changed = sampleBytes("text", 170_001, 1000);
    lw.write({ f007: changed });
    const diffId = await layerOf(lw, store);
    const { chunkLengths = [], sizeBytes = 0 } = store.layers.get(diffId) ?? {};
    using known = new KnownChunks(store, { diffId, chunkLengths }, encoder);
    const found = chunkLengths.filter((_, index) => known.find(index) !== undefined);
    assert.ok(found.length >= chunkLengths.length - 3, `${found.length} of ${chunkLengths.length}`);
    assert.equal(known.missingBytes, sizeBytes - found.reduce((sum, length) => sum + length, 0));
    assert.equal(await (await lw.build(recipe)).digest(), await freshDigest(changed));
  });

  test("does not believe a damaged blob", async () => {
    using lw = tempEngine(files);
    using store = await lw.engine.openStore();
    const { descriptor } = await lw.build(recipe);
    const { layers: [layer] } = await encodeImage(store, descriptor, { encoder: encoder.name });
    const path = store.blobs.path(layer?.descriptor.digest ?? descriptor.digest) ?? "";
    chmodSync(path, 0o600);
    const fd = openSync(path, "r+");
    const byte = new Uint8Array(1);
    readSync(fd, byte, 0, 1, 600_000);
    writeSync(fd, byte.map((value) => value ^ 1), 0, 1, 600_000);
    closeSync(fd);
    const changed = sampleBytes("text", 170_001, 1000);
    lw.write({ f007: changed });
    const diffId = await layerOf(lw, store);
    const { chunkLengths = [] } = store.layers.get(diffId) ?? {};
    {
      using known = new KnownChunks(store, { diffId, chunkLengths }, encoder);
      const missing = chunkLengths.filter((_, index) => known.find(index) === undefined);
      assert.ok(missing.length >= 2, "the changed chunk and the damaged one");
    }
    assert.equal(await (await lw.build(recipe)).digest(), await freshDigest(changed));
  });
});
