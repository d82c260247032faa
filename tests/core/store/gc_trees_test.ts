import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { chainIds } from "../../../core/oci/chain_id.ts";
import { type ChainID, type DiffID, sha256 } from "../../../core/oci/digest.ts";
import { collectGarbage, planGc } from "../../../core/store/gc.ts";
import type { Snapshot } from "../../../core/store/snapshot_store.ts";
import type { Store } from "../../../core/store/store.ts";
import { bytesOf, withTempStore } from "../../support/temp_store.ts";

const NOW = { graceMs: -60_000 };
const DAY_MS = 86_400_000;

async function layer(store: Store, text: string): Promise<DiffID> {
  const tar = bytesOf(text);
  const path = store.temp.newPath();
  writeFileSync(path, tar);
  const diffId = sha256<DiffID>(tar);
  const chunkLengths = [tar.length];
  await store.layers.addFromTemp(path, { diffId, sizeBytes: tar.length, chunkLengths });
  return diffId;
}

/** The trees of a stack, as a build unpacks them. Each counts as 10 bytes. */
function unpack(store: Store, stack: readonly DiffID[], variant = "root"): Snapshot[] {
  return chainIds(stack).map((chainId) => {
    const known = store.snapshots.get(chainId, variant);
    if (known !== undefined) return known;
    const directory = store.snapshots.prepare();
    mkdirSync(join(directory, "in"), { mode: 0o500 });
    return store.snapshots.commit(directory, { chainId, variant, sizeBytes: 10 });
  });
}

function makeOld(store: Store, ageMs = DAY_MS): void {
  store.database.run("UPDATE snapshots SET used = used - ?", ageMs);
}

function chainsOf(trees: readonly { readonly chainId: ChainID }[]): Set<ChainID> {
  return new Set(trees.map(({ chainId }) => chainId));
}

test("collectGarbage() removes the trees of layers that go, and those above them", () =>
  withTempStore(async (store) => {
    const [base, next, other] = [
      await layer(store, "base"),
      await layer(store, "next"),
      await layer(store, "other"),
    ];
    const kept = unpack(store, [base]);
    const gone = [...unpack(store, [base, next, base]).slice(1), ...unpack(store, [other], "user")];
    makeOld(store);
    using lease = store.leases.acquire([base]);
    // The lease would keep what was written since, too.
    store.database.run("UPDATE leases SET created = created + ? WHERE id = ?", DAY_MS, lease.id);
    const plan = planGc(store, NOW);
    assert.deepEqual(chainsOf(plan.keptTrees), chainsOf(kept));
    assert.deepEqual(chainsOf(plan.freedTrees), chainsOf(gone));
    assert.ok(plan.freedTrees.every(({ why }) => why === "a layer it is made of goes"));
    assert.ok(existsSync(gone[0]?.directory ?? ""));
    assert.deepEqual(collectGarbage(store, NOW), { ...plan, leftovers: [] });
    assert.deepEqual(chainsOf(store.snapshots.list()), chainsOf(kept));
    for (const { directory } of gone) assert.equal(existsSync(directory), false);
    for (const { directory } of kept) assert.equal(existsSync(directory), true);
  }));

test("collectGarbage() keeps trees that a running build may use, whatever they are of", () =>
  withTempStore(async (store) => {
    const trees = unpack(store, [await layer(store, "a"), await layer(store, "b")]);
    makeOld(store, 30_000);
    {
      using _lease = store.leases.acquire();
      const plan = planGc(store, { ...NOW, cacheLimitBytes: 0 });
      assert.deepEqual(plan.freedTrees, []);
      assert.ok(plan.keptTrees.every(({ why }) => why === "used while a build runs"));
    }
    assert.equal(planGc(store, { ...NOW, cacheLimitBytes: 0 }).freedTrees.length, trees.length);
  }));

test("planGc() frees the least recently used trees first, and none that was used since", () =>
  withTempStore(async (store) => {
    const layers = await Promise.all(["a", "b", "c"].map((text) => layer(store, text)));
    for (const [index, diffId] of layers.entries()) {
      unpack(store, [diffId]);
      const age = (index + 1) * DAY_MS;
      store.database.run(
        "UPDATE snapshots SET used = ? WHERE number = ?",
        Date.now() - age,
        index + 1,
      );
      store.cache.put({
        ...{ key: `key-${index}`, kind: "run", identity: "i", preimage: {}, compat: 1 },
        result: { diffId },
      });
    }
    const keptOf = (options: Parameters<typeof planGc>[1]): number[] =>
      planGc(store, { ...NOW, ...options }).keptTrees.map(({ directory }) =>
        Number(directory.slice(directory.lastIndexOf("/") + 1))
      );
    const records = store.database.get(
      "SELECT sum(length(preimage) + length(result)) AS n FROM cache",
    );
    // Each layer has one byte.
    const cached = Number(records?.n) + layers.length;
    assert.deepEqual(keptOf({}), [1, 2, 3]);
    assert.deepEqual(keptOf({ cacheLimitBytes: cached + 25 }), [1, 2]);
    assert.deepEqual(keptOf({ cacheLimitBytes: cached + 9 }), []);
    assert.deepEqual(keptOf({ cacheLimitBytes: 0, usedSinceMs: Date.now() - 1.5 * DAY_MS }), [1]);
  }));

test("collectGarbage() removes directories that no record names", () =>
  withTempStore((store) => {
    const orphan = join(store.home, "snapshots", "7");
    mkdirSync(orphan);
    assert.deepEqual(collectGarbage(store, NOW).leftovers, []);
    assert.equal(existsSync(orphan), false);
  }));
