import assert from "node:assert/strict";
import { test } from "node:test";
import type { CacheEntry } from "../../../core/store/cache_store.ts";
import { withTempStore } from "../../support/temp_store.ts";

const entry = (key: string, change: Partial<CacheEntry> = {}): CacheEntry => ({
  key,
  kind: "copy",
  identity: "app step 1",
  compat: 1,
  preimage: { op: { type: "copy" }, inputs: ["sha256:1"] },
  result: { size: 1 },
  ...change,
});

test("CacheStore.get() gives back what was put", () =>
  withTempStore(({ cache }) => {
    const before = Date.now();
    cache.put(entry("k"));
    const { createdMs, usedMs, ...rest } = cache.get("k") ?? assert.fail("a miss");
    assert.deepEqual(rest, entry("k"));
    assert.ok(createdMs >= before && usedMs === createdMs);
    assert.equal(cache.get("other"), undefined);
  }));

test("CacheStore.put() replaces an earlier result of the key", () =>
  withTempStore(({ cache }) => {
    cache.put(entry("k"));
    cache.put(entry("k", { result: [2] }));
    assert.deepEqual(cache.get("k")?.result, [2]);
  }));

test("CacheStore.get() marks a record as used", () =>
  withTempStore(({ cache, database }) => {
    cache.put(entry("k"));
    database.run("UPDATE cache SET used = 1");
    assert.equal(cache.get("k")?.usedMs, 1);
    assert.ok(Number(database.get("SELECT used FROM cache")?.used) > 1);
  }));

for (const column of ["preimage", "result"]) {
  test(`CacheStore.get() takes a damaged ${column} for a miss and removes the record`, () =>
    withTempStore(({ cache, database }) => {
      cache.put(entry("k"));
      database.run(`UPDATE cache SET ${column} = '{"op":'`);
      assert.equal(cache.get("k"), undefined);
      assert.equal(database.get("SELECT count(*) AS n FROM cache")?.n, 0);
    }));
}

test("CacheStore.similar() gives the records of a recipe, newest first", () =>
  withTempStore(({ cache, database }) => {
    for (
      const [key, kind, identity, created] of [
        ["old", "copy", "a#1", 1],
        ["new", "copy", "a#1", 3],
        ["other kind", "run", "a#1", 4],
        ["other place", "copy", "a#é", 5],
        ["other recipe", "copy", "a$1", 6],
      ] as const
    ) {
      cache.put(entry(key, { kind, identity }));
      database.run("UPDATE cache SET created = ? WHERE key = ?", created, key);
    }
    const keys = [...cache.similar("copy", "a#")].map(({ key }) => key);
    assert.deepEqual(keys, ["other place", "new", "old"]);
    assert.deepEqual([...cache.similar("copy", "c")], []);
  }));

test("CacheStore.similar() gives the latest few of each place, and skips damaged records", () =>
  withTempStore(({ cache, database }) => {
    for (const [place, count] of [["a#1", 30], ["a#2", 2]] as const) {
      for (let index = 0; index < count; index++) {
        cache.put(entry(`${place} ${index}`, { identity: place }));
        database.run(
          "UPDATE cache SET created = ? WHERE key = ?",
          place === "a#1" ? 100 + index : index,
          `${place} ${index}`,
        );
      }
    }
    database.run("UPDATE cache SET preimage = '{' WHERE key = 'a#1 29'");
    assert.deepEqual([...cache.similar("copy", "a#")].map(({ key }) => key), [
      "a#1 28",
      "a#1 27",
      "a#1 26",
      "a#1 25",
      "a#2 1",
      "a#2 0",
    ]);
  }));

test("CacheStore.delete() forgets one result", () =>
  withTempStore(({ cache }) => {
    cache.put(entry("k"));
    cache.put(entry("l"));
    assert.equal(cache.delete("k"), true);
    assert.equal(cache.delete("k"), false);
    assert.equal(cache.get("k"), undefined);
    assert.ok(cache.get("l"));
  }));
