import assert from "node:assert/strict";
import { test } from "node:test";
import { inflateRawSync } from "node:zlib";
import fc from "fast-check";
import { compressChunk } from "../../core/layer/compress.ts";
import { randomNumbers, sampleBytes, type SampleKind } from "../support/sample_bytes.ts";

const seed = 20260102;
const KINDS: readonly SampleKind[] = ["zeros", "text", "base64", "random", "mixed", "records"];
const LEVELS = [1, 2, 3] as const;
/** Lengths at which something ends: a load, a match, a window, a stored block, a block, a slice, the input. */
const BORDERS = [0, 8, 258, 4096, 32_768, 65_535, 65_536, 98_304, 131_072, 1_048_576, 2_097_152];

function assertRestored(bytes: Uint8Array, level: 1 | 2 | 3): void {
  const output = compressChunk(bytes, level);
  const restored = inflateRawSync(Buffer.concat([output, Uint8Array.of(3, 0)]));
  assert.ok(restored.equals(bytes), `${bytes.length} bytes, level ${level}`);
}

test(`inflate(compressChunk(x)) is x for small inputs of few and many values (seed ${seed})`, () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 600 }),
    fc.uint8Array({ maxLength: 3000, max: 3, size: "max" }),
    fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 40 }).map((parts) =>
      Buffer.concat([...parts, ...parts])
    ),
  );
  fc.assert(
    fc.property(bytes, fc.constantFrom(...LEVELS), assertRestored),
    { seed, numRuns: 1500 },
  );
});

test(`inflate(compressChunk(x)) is x for content of every kind (seed ${seed})`, () => {
  const sample = fc.record({
    kind: fc.constantFrom(...KINDS),
    length: fc.oneof(fc.nat(400_000), fc.constantFrom(...BORDERS.slice(0, -2))),
    seed: fc.nat(),
  }).map((options) => sampleBytes(options.kind, options.length, options.seed));
  fc.assert(
    fc.property(sample, fc.constantFrom(...LEVELS), assertRestored),
    { seed, numRuns: 60 },
  );
});

test("inflate(compressChunk(x)) is x one byte around every border", () => {
  for (const kind of ["zeros", "mixed", "random"] as const) {
    const bytes = sampleBytes(kind, 2_097_152, 5);
    for (const border of BORDERS) {
      for (const length of [border - 1, border, border + 1]) {
        if (length < 0 || length > bytes.length) continue;
        for (const level of length > 200_000 ? [1 + (length % 3) as 1 | 2 | 3] : LEVELS) {
          assertRestored(bytes.subarray(0, length), level);
        }
      }
    }
  }
});

test("inflate(compressChunk(x)) is x where codes would pass 15 bits", () => {
  // 64 even values leave nothing to match; counts that grow as the Fibonacci numbers add the deepest tree there is.
  const bytes = sampleBytes("base64", 98_304);
  const random = randomNumbers(1);
  for (let value = 200, [a, b] = [1, 1]; a < 2000; value++, [a, b] = [b, a + b]) {
    for (let count = 0; count < a; count++) bytes[random() % bytes.length] = value;
  }
  for (const level of LEVELS) assertRestored(bytes, level);
});

test(`compressChunk() outputs can be joined in any number (seed ${seed})`, () => {
  const bytes = sampleBytes("mixed", 200_000, 8);
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 8 }), (cuts) => {
      const borders = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      const chunks = borders.slice(1).map((end, index) =>
        compressChunk(bytes.subarray(borders[index], end), LEVELS[index % 3] ?? 1)
      );
      assert.ok(inflateRawSync(Buffer.concat([...chunks, Uint8Array.of(3, 0)])).equals(bytes));
    }),
    { seed, numRuns: 40 },
  );
});
