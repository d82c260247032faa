import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { decompressed } from "../../core/layer/decompress.ts";
import { LayerwrightError } from "../../core/errors.ts";
import { sampleBytes } from "../support/sample_bytes.ts";

const seed = 20260103;
const TAR = sampleBytes("mixed", 150_000);

async function* pieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += length) {
    yield bytes.subarray(offset, offset + length);
  }
}

/** The bytes, or undefined when they are refused. Anything but a refusal fails the test, an uncaught error too. */
async function readOrRefused(bytes: Uint8Array, length: number): Promise<Buffer | undefined> {
  const output: Uint8Array[] = [];
  try {
    for await (const piece of decompressed(pieces(bytes, length))) output.push(piece);
    return Buffer.concat(output);
  } catch (error) {
    assert.ok(
      error instanceof LayerwrightError && error.code === "COMPRESSION_INVALID",
      `${error}`,
    );
    return undefined;
  }
}

for (const [name, blob] of [["gzip", gzipSync(TAR)], ["zstd", zstdCompressSync(TAR)]] as const) {
  const change = fc.record({ at: fc.nat(blob.length - 1), bits: fc.integer({ min: 1, max: 255 }) });

  test(`decompressed() reads or refuses damaged ${name}, and never ends the process (seed ${seed})`, async () => {
    const changes = fc.array(change, { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(changes, fc.integer({ min: 300, max: 70_000 }), async (list, length) => {
        const bytes = Uint8Array.from(blob);
        // The first four bytes decide what it is read as.
        for (const { at, bits } of list) if (at >= 4) bytes[at] = (bytes[at] ?? 0) ^ bits;
        const output = await readOrRefused(bytes, length);
        // Of the two only gzip always has a checksum.
        if (name === "gzip" && output !== undefined) assert.ok(output.equals(TAR));
      }),
      { seed, numRuns: 120 },
    );
  });

  test(`decompressed() refuses ${name} cut short at any byte (seed ${seed})`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 4, max: blob.length - 1 }), async (length) => {
        assert.equal(await readOrRefused(blob.subarray(0, length), 10_000), undefined);
      }),
      { seed, numRuns: 80 },
    );
  });
}
