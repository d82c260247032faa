import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { keepsChangeTimes } from "../../../core/context/change_times.ts";
import { StatIndex, type StatIndexOptions } from "../../../core/context/stat_index.ts";
import type { FileIdentity } from "../../../core/layer/file_entry.ts";
import { type Digest, sha256 } from "../../../core/oci/digest.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const skip = !keepsChangeTimes(tmpdir());
const suffix = skip ? " (needs a local file system)" : "";
const SECOND_NS = 1_000_000_000n;
const NOW_MS = 1_000_000_000;
const NOW_NS = 1_000_000n * BigInt(NOW_MS);
const DIGEST = sha256("content");

const settled: FileIdentity = {
  dev: 0xffff_ffff_ffff_fffen,
  ino: 0xffff_ffff_ffff_ffffn,
  sizeBytes: 2 ** 40,
  mtimeNs: -1n,
  ctimeNs: NOW_NS - 3n * SECOND_NS - 1n,
};

interface Place extends Disposable {
  readonly file: string;
  /** An index of the place as a build opens it. */
  open(options?: Partial<StatIndexOptions>): StatIndex;
  /** The index file after a build that read files. */
  saved(
    digests: readonly (readonly [string, FileIdentity, Digest])[],
    from?: Uint8Array,
  ): Uint8Array;
}

function place(): Place {
  const directory = temporaryDirectory();
  const file = join(directory.path, "f");
  for (const suffix of ["", "2", "3"]) writeFileSync(file + suffix, "");
  const open: Place["open"] = (options = {}) =>
    new StatIndex({ root: directory.path, nowMs: NOW_MS, load: () => undefined, ...options });
  return {
    file,
    open,
    saved(digests, from): Uint8Array {
      const index = open({ load: () => from });
      for (const [path, identity, digest] of digests) index.set(path, identity, digest);
      const bytes = index.changedBytes(NOW_MS);
      assert.ok(bytes !== undefined);
      return bytes;
    },
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}

test(
  `StatIndex knows what was saved, with numbers of any size and names of any language${suffix}`,
  { skip },
  () => {
    using at = place();
    const other = `${at.file}/../\ufeff日本\n😀`;
    const bytes = at.saved([[at.file, settled, DIGEST], [other, settled, sha256("b")]]);
    // A Buffer from a pool may begin anywhere.
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    for (const file of [bytes, shifted.subarray(1), Buffer.from(shifted.buffer, 1)]) {
      const index = at.open({ load: () => file });
      assert.equal(index.get(at.file, settled), DIGEST);
      assert.equal(index.get(other, settled), sha256("b"));
      assert.equal(index.get(`${at.file}2`, settled), undefined);
      assert.equal(index.changedBytes(NOW_MS), undefined);
    }
  },
);

test(`StatIndex.get() believes no file of which anything differs${suffix}`, { skip }, () => {
  using at = place();
  const file = at.saved([[at.file, settled, DIGEST]]);
  const index = at.open({ load: () => file });
  for (
    const change of [
      { dev: 1n },
      { ino: 1n },
      { sizeBytes: 2 ** 40 + 1 },
      { mtimeNs: 0n },
      { ctimeNs: settled.ctimeNs - 1n },
    ]
  ) {
    assert.equal(
      index.get(at.file, { ...settled, ...change }),
      undefined,
      String(Object.keys(change)),
    );
  }
  assert.equal(index.get(at.file, settled), DIGEST);
});

test(`StatIndex keeps no file that changed shortly before it was listed, or will have${suffix}`, {
  skip,
}, () => {
  using at = place();
  for (const time of [NOW_NS - 2n * SECOND_NS, NOW_NS, NOW_NS + 1000n * SECOND_NS]) {
    for (const change of [{ mtimeNs: time }, { ctimeNs: time }, { ino: 0n }]) {
      const index = at.open();
      index.set(at.file, { ...settled, ...change }, DIGEST);
      assert.equal(index.get(at.file, { ...settled, ...change }), undefined);
      assert.equal(index.changedBytes(NOW_MS), undefined);
    }
  }
});

test(`StatIndex keeps nothing of a file system that is not known to keep change times${suffix}`, {
  skip,
}, () => {
  using at = place();
  // On Linux, /proc stands for all that answer stat(2) as they like.
  const index = at.open({ root: "/proc" });
  index.set("/proc/version", settled, DIGEST);
  assert.equal(index.get("/proc/version", settled) === undefined, process.platform === "linux");
});

test(
  `StatIndex ignores a damaged file and one of another version, says so once, and replaces it${suffix}`,
  { skip },
  () => {
    using at = place();
    const good = at.saved([[at.file, settled, DIGEST]]);
    const bad: Uint8Array[] = [new Uint8Array(), new Uint8Array(200), good.slice(0, -1)];
    for (let position = 0; position < good.length; position++) {
      const damaged = good.slice();
      damaged[position] = (damaged[position] ?? 0) ^ 1;
      bad.push(damaged);
    }
    for (const file of bad) {
      const said: string[] = [];
      const index = at.open({ load: () => file, warn: (text) => said.push(text) });
      assert.equal(index.get(at.file, settled), undefined);
      assert.equal(index.get(at.file, settled), undefined);
      assert.deepEqual(said, ["its index is damaged or of another version"]);
      index.set(at.file, settled, DIGEST);
      assert.deepEqual(index.changedBytes(NOW_MS), good);
    }
  },
);

test(`StatIndex replaces a bad file even if nothing was read${suffix}`, { skip }, () => {
  using at = place();
  const index = at.open({ load: () => new Uint8Array(3) });
  index.get(at.file, settled);
  const bytes = index.changedBytes(NOW_MS);
  assert.ok(bytes !== undefined);
  const said: string[] = [];
  at.open({ load: () => bytes, warn: (text) => said.push(text) }).get(at.file, settled);
  assert.deepEqual(said, []);
});

test(
  `StatIndex believes nothing that was written later than now, and writes nothing when the clock went back${suffix}`,
  { skip },
  () => {
    using at = place();
    const file = at.saved([[at.file, settled, DIGEST]]);
    const said: string[] = [];
    const earlier = at.open({
      nowMs: NOW_MS - 1,
      load: () => file,
      warn: (text) => said.push(text),
    });
    assert.equal(earlier.get(at.file, settled), undefined);
    assert.deepEqual(said, ["the clock went back since its index was written"]);
    earlier.set(at.file, settled, DIGEST);
    assert.equal(earlier.changedBytes(NOW_MS - 2), undefined);
    assert.ok(earlier.changedBytes(NOW_MS - 1) !== undefined);
  },
);

test(
  `StatIndex believes nothing when paranoid, and writes what it is told${suffix}`,
  { skip },
  () => {
    using at = place();
    const file = at.saved([[at.file, settled, sha256("wrong")]]);
    const index = at.open({ load: () => file, paranoid: true });
    assert.equal(index.get(at.file, settled), undefined);
    index.set(at.file, settled, DIGEST);
    assert.equal(index.get(at.file, settled), undefined);
    const bytes = index.changedBytes(NOW_MS);
    assert.equal(at.open({ load: () => bytes }).get(at.file, settled), DIGEST);
  },
);

test(
  `StatIndex forgets what no build asked for, and nothing that one asked for${suffix}`,
  { skip },
  () => {
    using at = place();
    const [used, unused] = [`${at.file}2`, `${at.file}3`];
    let file = at.saved([[at.file, settled, DIGEST], [used, settled, DIGEST], [
      unused,
      settled,
      DIGEST,
    ]]);
    const sizes = new Set([file.length]);
    for (let build = 0; build < 40; build++) {
      // Another recipe's builds, which write each time, and then one that finds all it wants.
      file = at.saved([[at.file, settled, sha256(String(build))]], file);
      const index = at.open({ load: () => file });
      assert.equal(index.get(used, settled), DIGEST);
      file = index.changedBytes(NOW_MS) ?? file;
      sizes.add(file.length);
    }
    assert.equal(at.open({ load: () => file }).get(unused, settled), undefined);
    assert.equal(sizes.size, 2);
  },
);
