import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type ChainID, type Digest, sha256 } from "../../../core/oci/digest.ts";
import { blobPath } from "../../../core/oci/layout.ts";
import type { Database } from "../../../core/store/database.ts";
import { bootId, processToken } from "../../../core/store/process_token.ts";
import { openStore, type Store } from "../../../core/store/store.ts";
import { bytesOf, withTempFolder } from "../../support/temp_store.ts";

const noBootId = bootId() === undefined && "needs Linux: no boot id";
const OTHER_BOOT = "00000000-0000-0000-0000-000000000000";
const A = bytesOf("synced");
const B = bytesOf("not synced, but whole");
const C = bytesOf("not synced, and damaged");

/** Damages a blob as a crash does: the name is there, the bytes are not. */
function damage({ home }: Store, digest: Digest, size: number): void {
  const path = join(home, blobPath(digest));
  rmSync(path);
  writeFileSync(path, new Uint8Array(size));
}

/** Makes it look as if the machine had stopped since: all marks are of an earlier boot. */
function moveToEarlierBoot(database: Database): void {
  const here = bootId() ?? "";
  database.run("UPDATE unsynced_writers SET writer = replace(writer, ?, ?)", here, OTHER_BOOT);
  database.run("UPDATE snapshots SET unsynced_boot = ? WHERE unsynced_boot = ?", OTHER_BOOT, here);
}

function writers(database: Database): number {
  return Number(database.get("SELECT count(*) AS n FROM unsynced_writers")?.n);
}

test(
  "after a crash openStore() removes damaged blobs that were not synced, and no others (needs a boot id)",
  {
    skip: noBootId,
  },
  () =>
    withTempFolder(async (home) => {
      const store = openStore({ home, durability: "fast" });
      await store.blobs.put([A]);
      store.sync();
      await store.blobs.put([B]);
      await store.blobs.put([C]);
      damage(store, sha256(C), C.length);
      moveToEarlierBoot(store.database);
      // Not disposed: a crash does not sync.
      store.database[Symbol.dispose]();

      using after = openStore({ home, durability: "fast" });
      assert.equal(await after.blobs.has(sha256(A)), true);
      assert.equal(await after.blobs.has(sha256(B)), true);
      assert.equal(await after.blobs.has(sha256(C)), false);
      assert.equal(writers(after.database), 0);
      await after.blobs.put([C]);
      assert.deepEqual(await after.blobs.readBytes(sha256(C), 100), C);
    }),
);

test("after a crash a synced blob is trusted without being read (needs a boot id)", {
  skip: noBootId,
}, () =>
  withTempFolder(async (home) => {
    const store = openStore({ home, durability: "fast" });
    await store.blobs.put([A]);
    store.sync();
    damage(store, sha256(A), A.length);
    await store.blobs.put([B]);
    moveToEarlierBoot(store.database);
    store.database[Symbol.dispose]();

    using after = openStore({ home, durability: "fast" });
    assert.equal(await after.blobs.has(sha256(A)), true);
  }));

for (
  const [how, remove] of [
    ["by the store", (store: Store) => store.blobs.deleteSync(sha256(A))],
    ["behind its back", (store: Store) => rmSync(join(store.home, blobPath(sha256(A))))],
  ] as const
) {
  test(
    `a blob put again after it was removed ${how} is not taken for the synced one (needs a boot id)`,
    {
      skip: noBootId,
    },
    () =>
      withTempFolder(async (home) => {
        const store = openStore({ home, durability: "fast" });
        await store.blobs.put([A]);
        store.sync();
        remove(store);
        await store.blobs.put([A]);
        damage(store, sha256(A), A.length);
        moveToEarlierBoot(store.database);
        store.database[Symbol.dispose]();

        using after = openStore({ home, durability: "fast" });
        assert.equal(await after.blobs.has(sha256(A)), false);
      }),
  );
}

test(
  "after a crash openStore() forgets trees that were not synced, and keeps the others (needs a boot id)",
  {
    skip: noBootId,
  },
  () =>
    withTempFolder((home) => {
      const [synced, unsynced] = [sha256<ChainID>("1"), sha256<ChainID>("2")];
      const store = openStore({ home, durability: "fast" });
      const commit = (chainId: ChainID): void => {
        store.snapshots.commit(store.snapshots.prepare(), {
          chainId,
          variant: "root",
          sizeBytes: 0,
        });
      };
      commit(synced);
      store.sync();
      commit(unsynced);
      moveToEarlierBoot(store.database);
      store.database[Symbol.dispose]();

      using after = openStore({ home, durability: "fast" });
      assert.ok(after.snapshots.get(synced, "root"));
      assert.equal(after.snapshots.get(unsynced, "root"), undefined);
      assert.equal(after.snapshots.orphans().length, 1);
    }),
);

test("Store.sync() takes back its mark, and those of writers that were killed (needs a boot id)", {
  skip: noBootId,
}, () =>
  withTempFolder(async (home) => {
    using store = openStore({ home, durability: "fast" });
    using other = openStore({ home, durability: "fast" });
    await store.blobs.put([A]);
    await other.blobs.put([B]);
    const gone = processToken().replace(/_\d+$/, "_1");
    store.database.run("INSERT INTO unsynced_writers VALUES (?)", `${gone}_x`);
    assert.equal(writers(store.database), 3);
    store.sync();
    // The other one lives, and what it wrote may be younger than the sync.
    assert.equal(writers(store.database), 1);
    other.sync();
    assert.equal(writers(store.database), 0);
    const synced = store.database.all("SELECT digest FROM synced_blobs ORDER BY digest").map((
      row,
    ) => row.digest);
    assert.deepEqual(synced, [sha256(A), sha256(B)].sort());
  }));

test("a safe store leaves no mark: all it names is on disk", () =>
  withTempFolder(async (home) => {
    using store = openStore({ home, durability: "safe" });
    await store.blobs.put([A]);
    assert.equal(writers(store.database), 0);
    assert.equal(store.database.get("SELECT digest FROM synced_blobs")?.digest, sha256(A));
  }));
