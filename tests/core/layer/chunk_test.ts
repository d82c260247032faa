import assert from "node:assert/strict";
import { test } from "node:test";
import { ChunkCutter, fixedChunks } from "../../../core/layer/chunk.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

function cut(members: readonly (readonly [string, number])[], endBytes = 1024): number[] {
  const cutter = new ChunkCutter();
  for (const [path, totalBytes] of members) cutter.member(path, totalBytes);
  return cutter.finish(endBytes);
}

test("ChunkCutter gives one chunk for an empty tar, and none for no bytes", () => {
  assert.deepEqual(cut([]), [1024]);
  assert.deepEqual(cut([], 0), []);
});

test("ChunkCutter keeps members together below 256 KiB", () => {
  const members = Array.from({ length: 255 }, (_, i) => [`f${i}`, KIB] as const);
  assert.deepEqual(cut(members), [256 * KIB]);
});

test("ChunkCutter cuts before the member that would pass 1.5 MiB", () => {
  // A member of 512 bytes has one chance in 512: none of these few names takes it.
  const members = [["a", 1.25 * MIB], ["b", 512], ["c", 0.25 * MIB], ["d", 512]] as const;
  assert.equal(cut([["a", 1.25 * MIB], ["b", 512]]).length, 1);
  assert.deepEqual(cut(members)[0], 1.25 * MIB + 512);
});

test("ChunkCutter cuts a member over 1.375 MiB into 1 MiB slices of its own", () => {
  assert.deepEqual(cut([["a", 512], ["big", 2 * MIB + 512], ["z", 512]]), [
    512,
    MIB,
    MIB,
    512,
    1536,
  ]);
  assert.deepEqual(cut([["big", 1.375 * MIB]]), [1.375 * MIB + 1024]);
  assert.deepEqual(cut([["big", 1.375 * MIB + 512]]), [MIB, 0.375 * MIB + 512, 1024]);
});

/** Part of gz-1: a change here moves the digest of every larger layer. */
const CUTS = [
  105,
  241,
  463,
  679,
  877,
  1023,
  1230,
  1339,
  1448,
  1615,
  1988,
  2122,
  2258,
  2489,
  2644,
  2878,
];

test("ChunkCutter cuts at the names it always cut at", () => {
  const members = Array.from(
    { length: 3000 },
    (_, i) => [`srv/app/module_${i}.js`, 512 + 512 * (i % 9)] as const,
  );
  const names: string[] = [];
  let offset = 0;
  const starts = new Map(members.map(([path, totalBytes]) => {
    offset += totalBytes;
    return [offset - totalBytes, path];
  }));
  let start = 0;
  for (const length of cut(members).slice(0, -1)) names.push(starts.get(start += length) ?? "");
  assert.deepEqual(names.map((name) => Number(name.match(/\d+/)?.[0])), CUTS);
});

test("ChunkCutter.finish() slices an end of any length", () => {
  assert.deepEqual(cut([["a", 512]], 3 * MIB), [512, MIB, MIB, MIB]);
});

test("fixedChunks() gives 1 MiB each, the rest last", () => {
  assert.deepEqual(fixedChunks(0), []);
  assert.deepEqual(fixedChunks(10_240), [10_240]);
  assert.deepEqual(fixedChunks(2 * MIB), [MIB, MIB]);
  assert.deepEqual(fixedChunks(2 * MIB + 1), [MIB, MIB, 1]);
});
