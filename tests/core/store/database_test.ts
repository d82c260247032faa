import assert from "node:assert/strict";
import { readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { DATABASE_FILE } from "../../../core/store/database.ts";
import { openStore } from "../../../core/store/store.ts";
import { bytesOf, withTempFolder, withTempStore } from "../../support/temp_store.ts";

const open = (home: string): Disposable => openStore({ home, durability: "fast" });

/** Opening must fail with this code and leave the bytes of the database as they are. */
function assertRefused(home: string, code: string): void {
  const path = join(home, DATABASE_FILE);
  const before = readFileSync(path);
  assert.throws(() => open(home), (error: Error & { code?: string; hint?: string }) => {
    assert.equal(error.code, code);
    assert.ok(error.message.includes(path), error.message);
    assert.ok(error.hint);
    return true;
  });
  assert.deepEqual(readFileSync(path), before);
}

/** Changes a database behind our back. */
function sql(home: string, statements: string): void {
  const handle = new DatabaseSync(join(home, DATABASE_FILE));
  handle.exec(statements);
  handle.close();
}

test("openStore() refuses the database of a later version and leaves it alone", () =>
  withTempFolder((home) => {
    open(home)[Symbol.dispose]();
    sql(home, "PRAGMA user_version = 4711");
    assertRefused(home, "STORE_NEWER");
  }));

test("openStore() sees a later version that is still in the write-ahead log", () =>
  withTempFolder((home) => {
    open(home)[Symbol.dispose]();
    const writer = new DatabaseSync(join(home, DATABASE_FILE));
    writer.exec(
      "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA user_version = 4711",
    );
    assertRefused(home, "STORE_NEWER");
    writer.close();
  }));

test("openStore() refuses what is no database and leaves it alone", () =>
  withTempFolder((home) => {
    writeFileSync(join(home, DATABASE_FILE), "This was a shopping list. ".repeat(200));
    assertRefused(home, "STORE_CORRUPT");
  }));

test("openStore() refuses an empty file and leaves it alone", () =>
  withTempFolder((home) => {
    writeFileSync(join(home, DATABASE_FILE), "");
    assertRefused(home, "STORE_CORRUPT");
  }));

test("openStore() refuses the database of another program and leaves it alone", () =>
  withTempFolder((home) => {
    sql(home, "CREATE TABLE songs (title TEXT); INSERT INTO songs VALUES ('x')");
    assertRefused(home, "STORE_CORRUPT");
  }));

test("openStore() refuses a database that was cut short and leaves it alone", () =>
  withTempFolder((home) => {
    open(home)[Symbol.dispose]();
    truncateSync(join(home, DATABASE_FILE), 3000);
    assertRefused(home, "STORE_CORRUPT");
  }));

test("a store whose database is damaged later says STORE_CORRUPT", () =>
  withTempFolder((home) => {
    {
      using store = openStore({ home, durability: "fast" });
      for (let i = 0; i < 200; i++) {
        store.cache.put({
          key: `k${i}`,
          kind: "copy",
          identity: "i",
          compat: 1,
          preimage: "p".repeat(500),
          result: i,
        });
      }
    }
    const path = join(home, DATABASE_FILE);
    const bytes = readFileSync(path);
    // The first page holds the schema, which opening reads.
    writeFileSync(path, bytes.fill(0xa5, 4096));
    assert.throws(() => {
      using store = openStore({ home, durability: "fast" });
      for (let i = 0; i < 200; i++) store.cache.get(`k${i}`);
    }, { code: "STORE_CORRUPT" });
  }));

test("openStore() takes tags over from index.json when the database was moved away", () =>
  withTempFolder(async (home) => {
    const mediaType = "application/vnd.oci.image.manifest.v1+json";
    const annotations = { "com.example.kept": "yes" };
    let refs: unknown;
    {
      using store = openStore({ home, durability: "safe" });
      const blob = await store.blobs.put([bytesOf("{}")]);
      store.refs.set("registry.example/team/app:1", { mediaType, ...blob, annotations });
      store.refs.set("app:dev", { mediaType, ...blob });
      refs = store.refs.list().map(({ name, descriptor }) => ({ name, descriptor }));
    }
    for (const suffix of ["", "-wal", "-shm"]) {
      rmSync(join(home, DATABASE_FILE + suffix), { force: true });
    }
    using store = openStore({ home, durability: "safe" });
    assert.deepEqual(store.refs.list().map(({ name, descriptor }) => ({ name, descriptor })), refs);
  }));

test("openStore() refuses a damaged index.json rather than lose its tags", () =>
  withTempFolder((home) => {
    writeFileSync(join(home, "index.json"), '{"schemaVersion":2,"manif');
    assert.throws(() => open(home), { code: "IMAGE_INDEX_INVALID" });
    assert.throws(() => open(home), { code: "IMAGE_INDEX_INVALID" }, "the second time too");
  }));

test("Database.transaction() undoes all of what fails, and the store goes on", () =>
  withTempStore(({ database, cache }) => {
    const entry = { kind: "copy", identity: "i", compat: 1, preimage: null, result: null };
    assert.throws(() =>
      database.transaction(() => {
        cache.put({ ...entry, key: "a" });
        database.transaction(() => cache.put({ ...entry, key: "b" }));
        throw new Error("stop");
      }), /stop/);
    assert.equal(cache.get("a"), undefined);
    assert.equal(cache.get("b"), undefined);
    database.durably(() => cache.put({ ...entry, key: "a" }));
    assert.equal(cache.get("a")?.key, "a");
  }));

test("two stores of one home in one process see each other's writes", () =>
  withTempFolder((home) => {
    using one = openStore({ home, durability: "fast" });
    using two = openStore({ home, durability: "safe" });
    one.cache.put({ key: "k", kind: "copy", identity: "i", compat: 1, preimage: 1, result: 2 });
    assert.equal(two.cache.get("k")?.result, 2);
    one[Symbol.dispose]();
    assert.equal(two.cache.get("k")?.result, 2);
  }));
