/** A process may be killed at any moment: the store stays valid, and the next one goes on. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { host } from "../../../core/host/mod.ts";
import { sha256 } from "../../../core/oci/digest.ts";
import { parseImageIndex } from "../../../core/oci/image_index.ts";
import { hashFile } from "../../../core/store/durability.ts";
import { collectGarbage } from "../../../core/store/gc.ts";
import { bootId } from "../../../core/store/process_token.ts";
import { openStore } from "../../../core/store/store.ts";
import { startChild } from "../../support/child.ts";
import { withTempFolder } from "../../support/temp_store.ts";
import { blobOfNumber } from "./store_worker.ts";

const WORKER = fileURLToPath(new URL("./store_worker.ts", import.meta.url));
const ROUNDS = 30;

/** A fixed pseudo-random sequence (mulberry32), from 0 to 1. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function assertValid(home: string): Promise<void> {
  using store = openStore({ home, durability: "fast" });
  for await (const digest of store.blobs.list()) {
    assert.equal(hashFile(store.blobs.path(digest) ?? "", "sha256"), digest);
  }
  // Blob, record, index.json: each is written after the one before.
  const refs = new Map(store.refs.list().map((ref) => [ref.name, ref.descriptor.digest]));
  for (const digest of refs.values()) assert.equal(await store.blobs.has(digest), true);
  for (
    const { annotations, digest } of parseImageIndex(readFileSync(join(home, "index.json")))
      .manifests
  ) {
    assert.equal(refs.get(annotations?.["io.containerd.image.name"] ?? ""), digest);
  }
}

for (const durability of ["fast", "safe"] as const) {
  test(`a store is valid after ${ROUNDS / 2} kills of a ${durability} writer, seed 7`, () =>
    withTempFolder(async (home) => {
      const random = randomOf(7);
      for (let round = 0; round < ROUNDS / 2; round++) {
        await using child = startChild([
          ...host.selfCommand(WORKER),
          home,
          durability,
          "put",
          "400",
        ]);
        // Some are killed while they open or make the store.
        if (round % 3 !== 0) await child.printed("started");
        await sleep(random() * (round % 3 === 0 ? 120 : 150));
        await child.kill();
        await assertValid(home);
      }
      using store = openStore({ home, durability });
      const blob = await store.blobs.put([blobOfNumber(3)]);
      assert.equal(blob.digest, sha256(blobOfNumber(3)));
      assert.deepEqual(collectGarbage(store).leftovers, []);
      assert.equal(store.temp.abandoned().length, 0);
    }));
}

test("what a killed process leased and left is void, and collected (needs Linux)", {
  skip: bootId() === undefined && "needs Linux",
}, () =>
  withTempFolder(async (home) => {
    using store = openStore({ home, durability: "fast" });
    await using child = startChild([...host.selfCommand(WORKER), home, "fast", "lease"]);
    await child.printed("leased");
    const digest = sha256(blobOfNumber(1));
    assert.equal(collectGarbage(store, { graceMs: 0 }).kept[0]?.why, "written while a build runs");
    assert.equal(store.temp.abandoned().length, 0);
    await child.kill();
    assert.equal(store.temp.abandoned().length, 1);
    assert.deepEqual(collectGarbage(store, { graceMs: 0 }).freed.map((item) => item.digest), [
      digest,
    ]);
    assert.equal(store.blobs.path(digest), undefined);
    assert.equal(store.temp.abandoned().length, 0);
  }));

test("withLock() passes to the next process when its holder is killed", () =>
  withTempFolder(async (home) => {
    using store = openStore({ home, durability: "fast" });
    await using child = startChild([...host.selfCommand(WORKER), home, "fast", "hold", "0", "key"]);
    await child.printed("held");
    let got = false;
    const waiting = store.withLock("key", undefined, () => {
      got = true;
    });
    await store.withLock("another key", undefined, () => assert.equal(got, false));
    await sleep(100);
    assert.equal(got, false);
    await child.kill();
    await waiting;
    assert.equal(got, true);
    assert.equal(existsSync(join(home, "locks")), true);
  }));
