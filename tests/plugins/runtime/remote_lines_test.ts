import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LineWriter, readLines } from "../../../plugins/runtime/remote_lines.ts";

const SEED = 20_261;

async function* chunksOf(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  // One buffer for all, as some streams have.
  const buffer = new Uint8Array(64);
  let offset = 0;
  for (let index = 0; offset < bytes.length; index++) {
    const size = Math.min(sizes[index % sizes.length] ?? 1, bytes.length - offset);
    buffer.set(bytes.subarray(offset, offset + size));
    yield await Promise.resolve(buffer.subarray(0, size));
    offset += size;
  }
}

async function linesOf(input: AsyncIterable<Uint8Array>, limitBytes = 1000): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of readLines(input, limitBytes)) lines.push(line);
  return lines;
}

test(`readLines() gives the same lines however they are cut (seed ${SEED})`, async () => {
  const line = fc.string({ unit: "binary", maxLength: 60 })
    .map((text) => text.toWellFormed().replaceAll("\n", ""));
  const sizes = fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1 });
  await fc.assert(
    fc.asyncProperty(fc.array(line), sizes, async (lines, cuts) => {
      const bytes = new TextEncoder().encode(lines.map((text) => `${text}\n`).join(""));
      assert.deepEqual(await linesOf(chunksOf(bytes, cuts)), lines);
    }),
    { seed: SEED },
  );
});

test("readLines() drops a line that was not finished, and refuses one without end", async () => {
  const bytes = new TextEncoder().encode("one\ntwo");
  assert.deepEqual(await linesOf(chunksOf(bytes, [64])), ["one"]);
  await assert.rejects(linesOf(chunksOf(new Uint8Array(1001), [64])), RangeError);
  const long = new TextEncoder().encode(`${"x".repeat(1001)}\n`);
  await assert.rejects(linesOf(chunksOf(long, [64])), RangeError);
  assert.equal((await linesOf(chunksOf(long, [64]), 1001)).length, 1);
});

test("LineWriter.send() keeps the order, waits for room, and gives up when nobody reads", async () => {
  const written: string[] = [];
  const room = Promise.withResolvers<void>();
  const writer = new LineWriter(async (bytes) => {
    if (written.length === 2) throw new Error("EPIPE");
    await room.promise;
    written.push(new TextDecoder().decode(bytes));
  });
  let isWritten = false;
  const first = writer.send({ a: 1 }).then(() => isWritten = true);
  const second = writer.send({ b: 2 });
  await Promise.resolve();
  assert.equal(isWritten, false);
  room.resolve();
  await first;
  await second;
  assert.deepEqual(written, ['{"a":1}\n', '{"b":2}\n']);
  assert.equal(writer.isBroken, false);
  await writer.send({ c: 3 });
  await writer.send({ d: 4 });
  await writer.flushed();
  assert.equal(writer.isBroken, true);
  assert.equal(written.length, 2);
});
