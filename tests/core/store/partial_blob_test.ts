import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { type ByteSink, type EarlierAttempt, gzipEncoder } from "../../../core/layer/compress.ts";
import { zstdEncoder } from "../../../core/layer/zstd.ts";
import { PartialBlob } from "../../../core/store/partial_blob.ts";
import { sampleBytes } from "../../support/sample_bytes.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const SEED = 20261126;
const SIZE = 1_200_000;
const CHUNK = 100_000;
const BYTES = sampleBytes("mixed", SIZE);
const LENGTHS = Array<number>(SIZE / CHUNK).fill(CHUNK);

class Stopped extends Error {}

/** Compresses until so many chunks were compressed anew, then fails as a cancelled build does. */
function attempt(
  tarPath: string,
  blobPath: string,
  chunks: number,
  encoder = gzipEncoder(1),
): { readonly digest?: string; readonly anew: number; readonly takenOver: number } {
  using partial = new PartialBlob(blobPath);
  let [anew, takenOver] = [0, 0];
  const watched: EarlierAttempt = {
    next(tarBytes, tarCrc): Uint8Array | undefined {
      const bytes = partial.next(tarBytes, tarCrc);
      if (bytes !== undefined) takenOver++;
      return bytes;
    },
    done(chunk): void {
      partial.done(chunk);
      if (++anew === chunks) throw new Stopped();
    },
  };
  const sink: ByteSink = (bytes) => partial.write(bytes);
  try {
    const { digest } = encoder.encode({ path: tarPath, chunkLengths: LENGTHS }, sink, {
      earlier: watched,
    });
    partial.finish();
    return { digest, anew, takenOver };
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    return { anew, takenOver };
  }
}

function digestOf(path: string): string {
  return `sha256:${createHash("sha256").update(readFileSync(path)).digest("hex")}`;
}

interface Place extends Disposable {
  readonly tar: string;
  readonly blob: string;
  readonly expected: string;
}

function place(): Place {
  const folder = temporaryDirectory();
  const [tar, blob] = [join(folder.path, "tar"), join(folder.path, "blob")];
  writeFileSync(tar, BYTES);
  const expected = gzipEncoder(1).encode({ path: tar, chunkLengths: LENGTHS }, () => {}).digest;
  return { tar, blob, expected, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

test(`PartialBlob: any number of attempts come to the blob of one (seed ${SEED})`, () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 5 }), (stops) => {
      using at = place();
      let done = 0;
      for (const chunks of stops) {
        const { digest, takenOver, anew } = attempt(at.tar, at.blob, chunks);
        assert.equal(takenOver, done);
        done = digest === undefined ? takenOver + anew : 0;
        if (digest !== undefined) assert.equal(digest, at.expected);
      }
      const last = attempt(at.tar, at.blob, Infinity);
      assert.deepEqual([last.digest, digestOf(at.blob)], [at.expected, at.expected]);
      assert.ok(!existsSync(`${at.blob}.chunks`));
    }),
    { seed: SEED, numRuns: 30 },
  );
});

test(`PartialBlob: a damaged or shortened file costs chunks, never bytes (seed ${SEED})`, () => {
  fc.assert(
    fc.property(
      fc.constantFrom("", ".chunks"),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.boolean(),
      (suffix, where, cut) => {
        using at = place();
        attempt(at.tar, at.blob, 6);
        const path = `${at.blob}${suffix}`;
        const bytes = readFileSync(path);
        const position = Math.floor(where * bytes.length);
        if (cut) truncateSync(path, position);
        else {
          bytes[position] = (bytes[position] ?? 0) ^ 0x10;
          writeFileSync(path, bytes);
        }
        const { digest, takenOver, anew } = attempt(at.tar, at.blob, Infinity);
        assert.equal(takenOver + anew, LENGTHS.length);
        assert.deepEqual([digest, digestOf(at.blob)], [at.expected, at.expected]);
      },
    ),
    { seed: SEED, numRuns: 60 },
  );
});

test("PartialBlob: chunks of another tar do not count, and an encoder without a header or an end resumes too", async () => {
  using at = place();
  attempt(at.tar, at.blob, 6);
  const other = BYTES.slice();
  other[250_000] = (other[250_000] ?? 0) ^ 1;
  writeFileSync(at.tar, other);
  const changed = attempt(at.tar, at.blob, Infinity);
  assert.equal(changed.takenOver, 2);
  assert.equal(changed.digest, digestOf(at.blob));
  const zstd = await zstdEncoder(1);
  attempt(at.tar, `${at.blob}2`, 5, zstd);
  const resumed = attempt(at.tar, `${at.blob}2`, Infinity, zstd);
  assert.deepEqual([resumed.takenOver, resumed.digest], [5, digestOf(`${at.blob}2`)]);
});

test("PartialBlob.drop() leaves nothing", () => {
  using at = place();
  attempt(at.tar, at.blob, 3);
  new PartialBlob(at.blob).drop();
  assert.deepEqual([existsSync(at.blob), existsSync(`${at.blob}.chunks`)], [false, false]);
});
