import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync, inflateRawSync } from "node:zlib";
import { fixedChunks } from "../../../core/layer/chunk.ts";
import {
  type ChunkCompressor,
  compressChunk,
  type CompressedChunk,
  type EncodedLayer,
  gzipEncoder,
  type LayerEncoder,
  uncompressedEncoder,
} from "../../../core/layer/compress.ts";
import { crc32 } from "../../../core/layer/gzip.ts";
import { sampleBytes } from "../../support/sample_bytes.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const ENCODERS: readonly LayerEncoder[] = [
  gzipEncoder(1),
  gzipEncoder(2),
  gzipEncoder(3),
  uncompressedEncoder,
];

function encoded(
  encoder: LayerEncoder,
  bytes: Uint8Array,
  chunkLengths: readonly number[],
): EncodedLayer & { blob: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), "lw-"));
  try {
    const path = join(folder, "layer.tar");
    writeFileSync(path, bytes);
    const pieces: Buffer[] = [];
    const result = encoder.encode(
      { path, chunkLengths },
      (piece) => pieces.push(Buffer.from(piece)),
    );
    return { ...result, blob: Buffer.concat(pieces) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("LayerEncoder.encode() reports the digest and size of what the sink got, and the DiffID", () => {
  const bytes = sampleBytes("mixed", 2_500_000);
  for (const encoder of ENCODERS) {
    const { digest, sizeBytes, diffId, blob } = encoded(encoder, bytes, fixedChunks(bytes.length));
    assert.equal(digest, `sha256:${createHash("sha256").update(blob).digest("hex")}`);
    assert.equal(sizeBytes, blob.length);
    assert.equal(diffId, `sha256:${createHash("sha256").update(bytes).digest("hex")}`);
  }
});

test("gzipEncoder() writes one gzip member that inflates to the tar", () => {
  const bytes = sampleBytes("mixed", 2_500_000);
  for (const level of [1, 2, 3] as const) {
    const { blob } = encoded(gzipEncoder(level), bytes, [
      1,
      2_097_152,
      100,
      bytes.length - 2_097_253,
    ]);
    assert.ok(gunzipSync(blob).equals(bytes));
    // One member: raw inflation of all between header and trailer reaches its end exactly.
    assert.ok(inflateRawSync(blob.subarray(10, -8)).equals(bytes));
    assert.deepEqual([...blob.subarray(0, 10)], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
  }
});

test("gzipEncoder() is named by its rule and level", () => {
  assert.deepEqual(ENCODERS.map((encoder) => encoder.name), ["gz-1:1", "gz-1:2", "gz-1:3", "tar"]);
  assert.equal(gzipEncoder().name, "gz-1:2");
  assert.deepEqual(ENCODERS.map((encoder) => encoder.mediaTypeSuffix), [
    "+gzip",
    "+gzip",
    "+gzip",
    "",
  ]);
});

test("gzipEncoder() keeps the bytes of chunks that did not change", () => {
  const [first, second, other] = [1, 2, 3].map((seed) => sampleBytes("text", 300_000, seed));
  assert.ok(first !== undefined && second !== undefined && other !== undefined);
  const before = encoded(gzipEncoder(), Buffer.concat([first, second]), [300_000, 300_000]).blob;
  const after = encoded(gzipEncoder(), Buffer.concat([first, other]), [300_000, 300_000]).blob;
  const unchanged = 10 + compressChunk(first, 2).length;
  assert.ok(after.subarray(0, unchanged).equals(before.subarray(0, unchanged)));
});

test("uncompressedEncoder gives the tar as it is", () => {
  const bytes = sampleBytes("mixed", 1_500_000);
  assert.ok(encoded(uncompressedEncoder, bytes, fixedChunks(bytes.length)).blob.equals(bytes));
});

test("LayerEncoder.encode() takes an empty file", () => {
  assert.equal(encoded(uncompressedEncoder, new Uint8Array(0), []).sizeBytes, 0);
  const { blob, sizeBytes } = encoded(gzipEncoder(), new Uint8Array(0), []);
  assert.equal(sizeBytes, 20);
  assert.equal(gunzipSync(blob).length, 0);
});

test("LayerEncoder.encode() refuses chunks that are not the file's", () => {
  const bytes = sampleBytes("text", 3_000_000);
  const wrong = [[], [2_999_999], [3_000_000], [1_500_000, 0, 1_500_000], [
    -1,
    2_000_000,
    1_000_001,
  ], [NaN]];
  for (const encoder of ENCODERS) {
    for (const lengths of wrong) {
      assert.throws(() => encoded(encoder, bytes, lengths), { code: "LAYER_INVALID" });
    }
  }
});

test("compressChunk() refuses more than 2 MiB", () => {
  assert.throws(() => compressChunk(new Uint8Array(2 * 1024 * 1024 + 1), 1), RangeError);
});

/** Compresses on this thread, after whatever else a test wants to happen. */
function compressorWith(happens: (chunk: number) => void): ChunkCompressor {
  let chunks = 0;
  return {
    lookAhead: 2,
    // deno-lint-ignore require-await -- a promise that rejects, not a call that throws
    async compress(chunk, encoder): Promise<CompressedChunk> {
      happens(++chunks);
      assert.equal(encoder, "gz-1:2");
      return { bytes: compressChunk(chunk, 2), crc: crc32(chunk) };
    },
  };
}

async function encodeWith(
  happens: (path: string, chunk: number) => void,
  chunkLengths: readonly number[] = fixedChunks(5_000_000),
): Promise<void> {
  using folder = temporaryDirectory();
  const path = join(folder.path, "layer.tar");
  writeFileSync(path, sampleBytes("zeros", 5_000_000));
  const compressor = compressorWith((chunk) => happens(path, chunk));
  await gzipEncoder().encodeWith(compressor, { path, chunkLengths }, () => {});
}

test("LayerEncoder.encodeWith() refuses a tar that is or becomes shorter than its chunks", async () => {
  await assert.rejects(encodeWith(() => {}, [5_000_001]), { code: "LAYER_INVALID" });
  await assert.rejects(
    encodeWith((path, chunk) => {
      if (chunk === 3) truncateSync(path, 4_500_000);
    }),
    { code: "LAYER_INVALID", message: /it became shorter while it was read$/ },
  );
});

test("LayerEncoder.encodeWith() fails as its compressor fails, for the first chunk that did", async () => {
  for (const deadly of [1, 2, 5]) {
    await assert.rejects(
      encodeWith((_path, chunk) => {
        if (chunk >= deadly) throw new RangeError(`chunk ${chunk}`);
      }),
      new RangeError(`chunk ${deadly}`),
    );
  }
});

test("uncompressedEncoder.encodeWith() gives the tar as it is", async () => {
  using folder = temporaryDirectory();
  const path = join(folder.path, "layer.tar");
  const bytes = sampleBytes("mixed", 1_500_000);
  writeFileSync(path, bytes);
  const tar = { path, chunkLengths: fixedChunks(bytes.length) };
  const nobody = compressorWith(() => assert.fail("nothing to compress"));
  assert.deepEqual(
    await uncompressedEncoder.encodeWith(nobody, tar, () => {}),
    uncompressedEncoder.encode(tar, () => {}),
  );
});
