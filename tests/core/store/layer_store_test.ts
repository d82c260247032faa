import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { type BlobDigest, type DiffID, sha256 } from "../../../core/oci/digest.ts";
import type { StoredLayer } from "../../../core/store/layer_store.ts";
import type { Store } from "../../../core/store/store.ts";
import { bytesOf, withTempStore } from "../../support/temp_store.ts";

const TAR = new Uint8Array(3072).fill(7);
const DIFF_ID = sha256<DiffID>(TAR);

async function add({ layers, temp }: Store, chunkLengths: readonly number[]): Promise<StoredLayer> {
  const path = temp.newPath();
  writeFileSync(path, TAR);
  try {
    return await layers.addFromTemp(path, { diffId: DIFF_ID, sizeBytes: TAR.length, chunkLengths });
  } finally {
    assert.equal(existsSync(path), false);
  }
}

test("LayerStore.addFromTemp() moves a tar in, under its DiffID", () =>
  withTempStore(async (store) => {
    const added = await add(store, [1024, 2048]);
    assert.deepEqual(store.layers.get(DIFF_ID), added);
    assert.deepEqual(added.chunkLengths, [1024, 2048]);
    assert.deepEqual(new Uint8Array(readFileSync(added.path)), TAR);
    assert.equal(await store.blobs.size(DIFF_ID), TAR.length);
    assert.deepEqual(await add(store, [1024, 2048]), added);
  }));

test("LayerStore.addFromTemp() refuses chunks that do not add up", () =>
  withTempStore(async (store) => {
    await assert.rejects(add(store, [1024]), RangeError);
    assert.equal(store.layers.get(DIFF_ID), undefined);
  }));

test("LayerStore.get() is a miss without the tar, without the record, or when either is damaged", () =>
  withTempStore(async (store) => {
    const { layers, blobs, database } = store;
    assert.equal(layers.get(DIFF_ID), undefined);
    await blobs.put([TAR]);
    assert.equal(layers.get(DIFF_ID), undefined);
    await add(store, [3072]);
    await blobs.delete(DIFF_ID);
    assert.equal(layers.get(DIFF_ID), undefined);
    for (const damaged of ["[", "{}", "[3071]", '["3072"]']) {
      await add(store, [3072]);
      assert.ok(layers.get(DIFF_ID));
      database.run("UPDATE layers SET chunk_lengths = ?", damaged);
      assert.equal(layers.get(DIFF_ID), undefined, damaged);
    }
    const { path } = await add(store, [3072]);
    rmSync(path);
    writeFileSync(path, TAR.subarray(1));
    assert.equal(layers.get(DIFF_ID), undefined);
  }));

test("LayerStore.encoded() remembers the blob of each encoder as long as it is there", () =>
  withTempStore(async ({ layers, blobs }) => {
    const stored = await blobs.put([bytesOf("compressed")]);
    const blob = { digest: stored.digest as BlobDigest, size: stored.size };
    assert.equal(layers.encoded(DIFF_ID, "gz-1:2"), undefined);
    layers.setEncoded(DIFF_ID, "gz-1:2", blob);
    assert.deepEqual(layers.encoded(DIFF_ID, "gz-1:2"), blob);
    assert.equal(layers.encoded(DIFF_ID, "gz-1:3"), undefined);
    await blobs.delete(blob.digest);
    assert.equal(layers.encoded(DIFF_ID, "gz-1:2"), undefined);
  }));
