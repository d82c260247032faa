import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { CHUNK_BUFFER_BYTES, compressChunk } from "../../../core/layer/compress.ts";
import { CompressionWorkers } from "../../../core/layer/compression_workers.ts";
import { crc32 } from "../../../core/layer/gzip.ts";
import { sampleBytes } from "../../support/sample_bytes.ts";

/** Threads take long to start on a busy machine. */
const timeout = 60_000;

function chunkOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const chunk = new Uint8Array(CHUNK_BUFFER_BYTES).subarray(0, bytes.length);
  chunk.set(bytes);
  return chunk;
}

test(
  "CompressionWorkers.compress() gives the bytes of compressChunk() and the CRC-32 of its input",
  {
    timeout,
  },
  async () => {
    await using workers = new CompressionWorkers({ count: 2 });
    const samples = (["zeros", "text", "random", "mixed"] as const).flatMap((kind) =>
      [1, 300_000, 2_097_152].map((length) => sampleBytes(kind, length))
    );
    const compressed = await Promise.all(
      samples.map((bytes) => workers.compress(chunkOf(bytes), "gz-1:2")),
    );
    for (const [index, { bytes, crc }] of compressed.entries()) {
      const sample = samples[index] ?? new Uint8Array();
      assert.ok(Buffer.from(compressChunk(sample, 2)).equals(bytes));
      assert.equal(crc, crc32(sample));
      assert.equal(bytes.buffer.byteLength, CHUNK_BUFFER_BYTES);
    }
  },
);

test(
  "CompressionWorkers.compress() takes the buffer away, so that nobody writes into it meanwhile",
  {
    timeout,
  },
  async () => {
    await using workers = new CompressionWorkers({ count: 1 });
    const chunk = chunkOf(sampleBytes("text", 1000));
    await workers.compress(chunk, "gz-1:1");
    assert.equal(chunk.length, 0);
  },
);

test("CompressionWorkers fails every chunk, under way or new, when a thread fails", {
  timeout,
}, async () => {
  await using workers = new CompressionWorkers({ count: 1 });
  // More than the memory of the encoder takes: the thread ends with a RangeError.
  const deadly = new Uint8Array(CHUNK_BUFFER_BYTES);
  const underWay = [
    deadly,
    ...Array.from({ length: 8 }, () => chunkOf(sampleBytes("text", 1_000_000))),
  ].map((chunk) => workers.compress(chunk, "gz-1:3"));
  const outcomes = await Promise.allSettled(underWay);
  assert.ok(outcomes.at(0)?.status === "rejected" && outcomes.at(-1)?.status === "rejected");
  const failed = {
    name: "LayerwrightError",
    code: "COMPRESSION_FAILED",
    message: "Cannot compress a layer: a thread failed",
  };
  await assert.rejects(underWay[0] ?? Promise.resolve(), failed);
  await assert.rejects(workers.compress(chunkOf(new Uint8Array(10)), "gz-1:2"), failed);
});

test("CompressionWorkers ends with BUILD_CANCELLED when its signal fires, before or during work", {
  timeout,
}, async () => {
  const before = new CompressionWorkers({ count: 1, signal: AbortSignal.abort() });
  await assert.rejects(before.compress(chunkOf(new Uint8Array(10)), "gz-1:2"), {
    code: "BUILD_CANCELLED",
  });
  await before[Symbol.asyncDispose]();

  const controller = new AbortController();
  await using workers = new CompressionWorkers({ count: 1, signal: controller.signal });
  await workers.compress(chunkOf(new Uint8Array(10)), "gz-1:2");
  const underWay = Array.from(
    { length: 10 },
    () => workers.compress(chunkOf(sampleBytes("random", 2_000_000)), "gz-1:3"),
  );
  controller.abort(new Error("enough"));
  for (const outcome of await Promise.allSettled(underWay)) {
    assert.ok(outcome.status === "rejected");
    assert.equal(outcome.reason.code, "BUILD_CANCELLED");
    assert.equal(outcome.reason.cause.message, "enough");
  }
});

test("CompressionWorkers fails what is under way when it is disposed, and can be disposed unused", {
  timeout,
}, async () => {
  const workers = new CompressionWorkers({ count: 1 });
  const lost = assert.rejects(workers.compress(chunkOf(new Uint8Array(10)), "gz-1:2"), {
    code: "COMPRESSION_FAILED",
    message: "Cannot compress a layer: its threads were ended",
  });
  await workers[Symbol.asyncDispose]();
  await lost;
  await workers[Symbol.asyncDispose]();
  await new CompressionWorkers()[Symbol.asyncDispose]();
});

test("CompressionWorkers keeps no process alive once it is disposed", { timeout }, () => {
  const url = (name: string): string =>
    JSON.stringify(new URL(`../../../core/layer/${name}`, import.meta.url).href);
  const program = `
    const { CHUNK_BUFFER_BYTES } = await import(${url("compress.ts")});
    const { CompressionWorkers } = await import(${url("compression_workers.ts")});
    {
      await using workers = new CompressionWorkers({ count: 2 });
      const { bytes } = await workers.compress(new Uint8Array(CHUNK_BUFFER_BYTES).subarray(0, 9), "gz-1:2");
      process.stdout.write(String(bytes.length > 0));
    }`;
  const flags = "Deno" in globalThis ? ["eval", program] : ["-e", program];
  // A process that stays would run into the limit, which is an error.
  assert.equal(execFileSync(process.execPath, flags, { timeout: 30_000 }).toString(), "true");
});
