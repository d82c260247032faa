import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import type { ChunkCompressor, CompressedChunk } from "../../core/layer/compress.ts";
import { CompressionWorkers } from "../../core/layer/compression_workers.ts";
import { chunkCompressor, loadEncoder } from "../../core/layer/encoders.ts";
import { crc32 } from "../../core/layer/gzip.ts";
import { sampleBytes } from "../support/sample_bytes.ts";
import { temporaryDirectory } from "../support/temporary_directory.ts";

const seed = 20261122;
const timeout = 60_000;

/** Bytes of a kind, cut into chunks anywhere. */
const layer = fc.record({
  kind: fc.constantFrom("zeros", "text", "random", "mixed"),
  chunkLengths: fc.array(
    fc.oneof(fc.integer({ min: 1, max: 40_000 }), fc.constantFrom(65_535, 262_144)),
    { maxLength: 20 },
  ),
  encoderName: fc.constantFrom("gz-1:1", "gz-1:2", "gz-1:3", "zstd-1:1", "zstd-1:3"),
});
type Layer = typeof layer extends fc.Arbitrary<infer T> ? T : never;

async function assertSameBlob(
  { kind, chunkLengths, encoderName }: Layer,
  compressor: ChunkCompressor,
  until: <T>(work: Promise<T>) => Promise<T> = (work) => work,
): Promise<void> {
  using folder = temporaryDirectory();
  const path = join(folder.path, "layer.tar");
  writeFileSync(path, sampleBytes(kind, chunkLengths.reduce((sum, length) => sum + length, 0)));
  const tar = { path, chunkLengths };
  const encoder = await loadEncoder(encoderName);
  const [here, there]: [Uint8Array[], Uint8Array[]] = [[], []];
  const expected = encoder.encode(tar, (bytes) => void here.push(bytes.slice()));
  const found = await until(
    encoder.encodeWith(compressor, tar, (bytes) => void there.push(bytes.slice())),
  );
  assert.deepEqual(found, expected);
  assert.ok(Buffer.concat(there).equals(Buffer.concat(here)));
}

/** `deno test` checks the types of a thread's modules anew for each thread, which takes seconds. */
const COUNTS = "Deno" in globalThis ? [2] : [1, 2, 3, 8];

for (const count of COUNTS) {
  test(`LayerEncoder gives the same blob with ${count} threads as with none (seed ${seed})`, {
    timeout,
  }, async () => {
    await using workers = new CompressionWorkers({ count });
    await fc.assert(fc.asyncProperty(layer, (value) => assertSameBlob(value, workers)), {
      seed,
      numRuns: 12,
    });
  });
}

test(`LayerEncoder gives the same blob whichever chunks are done first (seed ${seed})`, {
  timeout,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      layer,
      fc.integer({ min: 1, max: 24 }),
      fc.scheduler(),
      async (value, lookAhead, scheduler) => {
        let underWay = 0;
        const compressor: ChunkCompressor = {
          lookAhead,
          async compress(chunk, encoder): Promise<CompressedChunk> {
            assert.ok(++underWay <= lookAhead);
            const compress = await chunkCompressor(encoder);
            const answer = { bytes: compress(chunk).slice(), crc: crc32(chunk) };
            await scheduler.schedule(Promise.resolve());
            underWay--;
            return answer;
          },
        };
        await assertSameBlob(value, compressor, (work) => scheduler.waitFor(work));
      },
    ),
    { seed, numRuns: 60 },
  );
});

test(`two layers share threads without mixing their chunks (seed ${seed})`, {
  timeout,
}, async () => {
  await using workers = new CompressionWorkers({ count: 2 });
  await fc.assert(
    fc.asyncProperty(layer, layer, async (one, other) => {
      await Promise.all([assertSameBlob(one, workers), assertSameBlob(other, workers)]);
    }),
    { seed, numRuns: 10 },
  );
});
