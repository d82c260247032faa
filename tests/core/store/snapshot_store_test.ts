import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { type ChainID, sha256 } from "../../../core/oci/digest.ts";
import type { Snapshot } from "../../../core/store/snapshot_store.ts";
import { openStore, type Store } from "../../../core/store/store.ts";
import { withTempStore } from "../../support/temp_store.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const A = sha256<ChainID>("a");
const B = sha256<ChainID>("b");

function commit({ snapshots }: Store, chainId: ChainID, file: string, variant = "root"): Snapshot {
  const directory = snapshots.prepare();
  writeFileSync(join(directory, file), "");
  return snapshots.commit(directory, { chainId, variant, sizeBytes: 12 });
}

test("SnapshotStore.commit() gives a tree a short name, and get() finds it", () =>
  withTempStore((store) => {
    const committed = commit(store, A, "x");
    assert.ok(basename(committed.directory).length <= 8);
    assert.deepEqual(readdirSync(committed.directory), ["x"]);
    assert.deepEqual(store.snapshots.get(A, "root"), committed);
    assert.equal(store.snapshots.get(B, "root"), undefined);
    assert.equal(store.snapshots.get(A, "user-1000-single"), undefined);
    assert.deepEqual(readdirSync(store.temp.directory), []);
  }));

test("SnapshotStore.commit() keeps the first of two trees and leaves the second to its maker", () =>
  withTempStore((store) => {
    const first = commit(store, A, "first");
    const late = store.snapshots.prepare();
    const kept = store.snapshots.commit(late, { chainId: A, variant: "root", sizeBytes: 1 });
    assert.equal(kept.directory, first.directory);
    assert.deepEqual(readdirSync(kept.directory), ["first"]);
    assert.equal(existsSync(late), true);
  }));

test("SnapshotStore.commit() takes the place of a tree that was removed behind its back", () =>
  withTempStore((store) => {
    rmSync(commit(store, A, "x").directory, { recursive: true });
    assert.equal(store.snapshots.get(A, "root"), undefined);
    const again = commit(store, A, "y");
    assert.deepEqual(store.snapshots.get(A, "root"), again);
    assert.deepEqual(readdirSync(again.directory), ["y"]);
  }));

test("SnapshotStore.commit() passes over a folder that a killed process left", () =>
  withTempStore((store) => {
    const orphan = join(store.home, "snapshots", "1");
    mkdirSync(orphan);
    writeFileSync(join(orphan, "old"), "");
    assert.deepEqual(readdirSync(commit(store, A, "new").directory), ["new"]);
    assert.deepEqual(store.snapshots.orphans(), [orphan]);
  }));

test("SnapshotStore.delete() forgets one tree and says where it is", () =>
  withTempStore((store) => {
    const a = commit(store, A, "x");
    const b = commit(store, A, "x", "user");
    assert.equal(store.snapshots.delete(A, "root"), a.directory);
    assert.equal(store.snapshots.delete(A, "root"), undefined);
    assert.deepEqual(store.snapshots.list(), [b]);
    assert.deepEqual(store.snapshots.orphans(), [a.directory]);
  }));

test("SnapshotStore.list() has the least recently used first, and get() is a use", () =>
  withTempStore((store) => {
    commit(store, A, "x");
    commit(store, B, "x");
    store.database.run("UPDATE snapshots SET used = number");
    assert.deepEqual(store.snapshots.list().map(({ chainId }) => chainId), [A, B]);
    store.snapshots.get(A, "root");
    assert.deepEqual(store.snapshots.list().map(({ chainId }) => chainId), [B, A]);
  }));

test("a store keeps what steps made to itself, in a folder that is open to others too", () => {
  using directory = temporaryDirectory();
  const home = join(directory.path, "home");
  mkdirSync(home, { mode: 0o755 });
  for (const name of ["snapshots", "tmp", "builds", "cache-mounts"]) mkdirSync(join(home, name));
  openStore({ home, durability: "fast" })[Symbol.dispose]();
  for (const name of ["snapshots", "tmp", "builds", "cache-mounts"]) {
    assert.equal(statSync(join(home, name)).mode & 0o777, 0o700, name);
  }
  // Other tools read the layout.
  assert.notEqual(statSync(join(home, "blobs")).mode & 0o044, 0);
});
