import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { type Digest, sha256 } from "../../../core/oci/digest.ts";
import { buildTime, newBuildId } from "../../../core/store/build_id.ts";
import type { BuildRecord, KeptState } from "../../../core/store/build_record.ts";
import { failedReference, KEPT_BUILDS } from "../../../core/store/build_records.ts";
import { collectGarbage } from "../../../core/store/gc.ts";
import { processToken } from "../../../core/store/process_token.ts";
import { openStore, type Store } from "../../../core/store/store.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

function tempStore(): Store {
  const directory = temporaryDirectory();
  const store = openStore({ home: join(directory.path, "home"), durability: "fast" });
  return {
    ...store,
    [Symbol.dispose]: () => {
      store[Symbol.dispose]();
      directory[Symbol.dispose]();
    },
  };
}

/** Makes the folder of a build and its record. */
function remember(store: Store, startedMs: number, more: Partial<BuildRecord> = {}): BuildRecord {
  const id = store.builds.create(startedMs);
  const record: BuildRecord = {
    ...{ version: 1, id, startedMs, endedMs: startedMs + 1, holder: processToken(), image: "app" },
    ...{ outcome: "succeeded", steps: [], layers: {} },
    ...more,
  };
  store.builds.write(record);
  return record;
}

/** Of a build that failed, with files that it left. */
function keep(store: Store, startedMs: number, more: Partial<KeptState> = {}): BuildRecord {
  const kept = { roots: [1], sizeBytes: 4096, digests: [], ...more };
  const record = remember(store, startedMs, { outcome: "failed", kept });
  mkdirSync(store.builds.rootOf(record.id, 1), { recursive: true });
  return record;
}

test("newBuildId() sorts by time, is typeable, and tells its time (seed 1)", () => {
  const time = fc.integer({ min: 0, max: Date.UTC(2109, 0) });
  fc.assert(
    fc.property(time, time, (a, b) => {
      const [first, second] = [newBuildId(a), newBuildId(b)];
      assert.match(first, /^[0-9a-hjkmnp-tv-z]{10}$/);
      assert.equal(buildTime(first), a);
      if (a !== b) assert.equal(first < second, a < b);
    }),
    { seed: 1 },
  );
});

test("BuildRecords.create() gives each of many builds of one moment a name of its own", () => {
  using store = tempStore();
  const ids = Array.from({ length: 100 }, () => store.builds.create(1000));
  assert.equal(new Set(ids).size, 100);
});

test("BuildRecords.find() knows a build by its name, and by an end that no other has", () => {
  using store = tempStore();
  const { id } = remember(store, 1_700_000_000_000);
  remember(store, 1_700_000_000_500);
  assert.equal(store.builds.find(id).id, id);
  assert.equal(store.builds.find(id.slice(-4).toUpperCase()).id, id);
  for (const text of ["", "../../etc", "zzzzzzzzzz", "u"]) {
    assert.throws(() => store.builds.find(text), { code: "BUILD_UNKNOWN" });
  }
  assert.throws(
    () => store.builds.find(`${id.slice(0, -1)}u`),
    new RegExp(`did you mean "${id}"`),
  );
});

test("BuildRecords.list() is the latest first, and leaves out what is no record", () => {
  using store = tempStore();
  const first = remember(store, 1000);
  const second = remember(store, 2000);
  const cut = remember(store, 3000);
  truncateSync(join(store.builds.directory(cut.id), "record.json"), 20);
  const foreign = remember(store, 4000);
  writeFileSync(
    join(store.builds.directory(foreign.id), "record.json"),
    JSON.stringify({ ...foreign, id: first.id }),
  );
  const escaping = remember(store, 5000, {
    steps: [{ number: 1, name: "x", vertex: "v", log: "../../../etc/passwd" }],
  });
  store.builds.create(6000);
  mkdirSync(join(store.home, "builds", "something"));
  assert.deepEqual(store.builds.list().map(({ id }) => id), [second.id, first.id]);
  assert.equal(store.builds.get(escaping.id), undefined);
});

test("BuildRecords.trim() forgets the oldest builds, never one that runs", () => {
  using store = tempStore();
  const gone = processToken().replace(/_\d+$/, "_1");
  const running = remember(store, 1, { outcome: "running" });
  remember(store, 2, { outcome: "running", holder: gone });
  const records = Array.from(
    { length: KEPT_BUILDS + 3 },
    (_, index) => remember(store, 1000 + index),
  );
  const removed = store.builds.trim(2000);
  assert.equal(removed.length, 4);
  const left = store.builds.list().map(({ id }) => id);
  assert.deepEqual(left, [...records.slice(3).map(({ id }) => id).reverse(), running.id]);
  // What is to be removed has no name any more, and is somebody's in the meantime.
  for (const path of removed) assert.ok(existsSync(path) && path.startsWith(store.temp.directory));
});

test("BuildRecords.trim() forgets folders without a record, once they are old", () => {
  using store = tempStore();
  const empty = store.builds.create(6000);
  for (let index = 0; index < KEPT_BUILDS; index += 1) remember(store, 10_000 + index);
  assert.deepEqual(store.builds.trim(6000 + 59 * 60 * 1000), []);
  assert.ok(existsSync(store.builds.directory(empty)));
  assert.equal(store.builds.trim(6000 + 61 * 60 * 1000).length, 1);
  assert.equal(existsSync(store.builds.directory(empty)), false);
});

test("BuildRecords.trim() keeps the files of the last failures, by number and by size", () => {
  using store = tempStore();
  const small = Array.from({ length: 6 }, (_, index) => keep(store, 1000 + index));
  store.builds.trim(2000);
  assert.deepEqual(
    store.builds.list().filter(({ kept }) => kept !== undefined).map(({ id }) => id),
    small.slice(1).map(({ id }) => id).reverse(),
  );
  const huge = keep(store, 3000, { sizeBytes: 1024 ** 4 });
  store.builds.trim(4000);
  assert.deepEqual(
    store.builds.list().filter(({ kept }) => kept !== undefined).map(({ id }) => id),
    [huge.id],
  );
  assert.ok(existsSync(store.builds.rootOf(huge.id, 1)));
  assert.equal(existsSync(store.builds.rootOf(small[5]?.id ?? "", 1)), false);
});

test("BuildRecords.drop() takes the tag of the build with it, and no other", () => {
  using store = tempStore();
  const manifest = {
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    digest: sha256("m") as Digest,
    size: 1,
  };
  store.refs.set("app:1", manifest);
  const own = keep(store, 1000);
  const reference = failedReference(own.id);
  store.refs.set(reference, manifest);
  store.builds.drop({ ...own, kept: { ...own.kept as KeptState, reference } });
  assert.equal(store.refs.get(reference), undefined);
  const other = keep(store, 2000);
  store.builds.drop({ ...other, kept: { ...other.kept as KeptState, reference: "app:1" } });
  assert.notEqual(store.refs.get("app:1"), undefined);
});

test("collectGarbage() leaves alone what a failed build needs, until its files are forgotten", async () => {
  using store = tempStore();
  const { digest } = await store.blobs.put([new Uint8Array([1, 2, 3])]);
  const record = keep(store, 1000, { digests: [digest] });
  const options = { graceMs: -10_000 };
  assert.match(
    collectGarbage(store, options).kept.find((item) => item.digest === digest)?.why ?? "",
    new RegExp(`failed build ${record.id}`),
  );
  store.builds.drop(record);
  assert.deepEqual(collectGarbage(store, options).freed.map((item) => item.digest), [digest]);
});

test("BuildRecords.write() leaves the old record or the new one, and nothing beside it", () => {
  using store = tempStore();
  const record = remember(store, 1000);
  store.builds.write({ ...record, image: "other" });
  assert.equal(store.builds.get(record.id)?.image, "other");
  assert.deepEqual(readdirSync(store.builds.directory(record.id)).sort(), ["logs", "record.json"]);
  assert.equal(
    JSON.parse(readFileSync(join(store.builds.directory(record.id), "record.json"), "utf8")).id,
    record.id,
  );
});
