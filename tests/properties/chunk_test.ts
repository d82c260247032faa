import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ChunkCutter } from "../../core/layer/chunk.ts";

interface Member {
  readonly path: string;
  readonly totalBytes: number;
}

const seed = 20260101;

/** Sizes of a real tree: half of the files below 1 KiB, one in a hundred above 128 KiB, and a few large ones. */
const totalBytes = fc.oneof(
  { weight: 60, arbitrary: fc.integer({ min: 1, max: 3 }) },
  { weight: 30, arbitrary: fc.integer({ min: 3, max: 40 }) },
  { weight: 8, arbitrary: fc.integer({ min: 40, max: 500 }) },
  { weight: 2, arbitrary: fc.integer({ min: 500, max: 6000 }) },
).map((blocks) => blocks * 512);

const members: fc.Arbitrary<Member[]> = fc.array(
  fc.record({ path: fc.stringMatching(/^[a-z]{1,8}\/[a-z0-9_]{1,12}\.js$/), totalBytes }),
  { minLength: 1, maxLength: 1500, size: "max" },
);

function cut(list: readonly Member[]): number[] {
  const cutter = new ChunkCutter();
  for (const { path, totalBytes } of list) cutter.member(path, totalBytes);
  return cutter.finish(1024);
}

/** Each chunk as the members, or the slice of one, that it holds: equal text, equal bytes. */
function contents(list: readonly Member[]): Set<string> {
  const lengths = cut(list);
  const chunks: string[] = [];
  let index = 0;
  let within = 0;
  for (const length of lengths) {
    let text = "";
    for (let left = length; left > 0 && index < list.length;) {
      const member = list[index];
      if (member === undefined) break;
      const taken = Math.min(left, member.totalBytes - within);
      text += `${member.path}:${member.totalBytes}:${within}+${taken};`;
      left -= taken;
      within += taken;
      if (within === member.totalBytes) {
        index++;
        within = 0;
      }
    }
    chunks.push(text);
  }
  return new Set(chunks);
}

test(`ChunkCutter covers every byte with chunks of at most 1.5 MiB and an end (seed ${seed})`, () => {
  fc.assert(
    fc.property(members, (list) => {
      const lengths = cut(list);
      const total = list.reduce((sum, member) => sum + member.totalBytes, 1024);
      assert.equal(lengths.reduce((sum, length) => sum + length, 0), total);
      assert.ok(lengths.every((length) => length > 0 && length <= 1.5 * 1024 * 1024));
    }),
    { seed, numRuns: 60 },
  );
});

test(`ChunkCutter leaves all but three chunks alone after one edit (seed ${seed})`, () => {
  fc.assert(
    fc.property(members, fc.nat(), totalBytes, (list, position, size) => {
      const at = position % list.length;
      const member = { path: "changed/name.js", totalBytes: size };
      const before = contents(list);
      const edited = [
        list.toSpliced(at, 0, member),
        list.toSpliced(at, 1),
        list.toSpliced(at, 1, { path: list[at]?.path ?? "", totalBytes: size }),
      ];
      for (const after of edited) {
        // A member of several mebibytes has chunks of its own, all of them changed.
        const own = Math.floor(size / (1024 * 1024));
        const changed = [...contents(after)].filter((chunk) => !before.has(chunk)).length;
        assert.ok(changed <= 3 + own, `${changed} of ${before.size} chunks`);
      }
    }),
    { seed, numRuns: 60 },
  );
});
