import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { inflateRawSync } from "node:zlib";
import {
  DEFLATE_WASM_BASE64,
  DEFLATE_WASM_SHA256,
} from "../../../../core/layer/deflate/deflate_wasm.ts";
import {
  DEFLATE_INPUT_LIMIT_BYTES,
  type DeflateLevel,
  deflater,
} from "../../../../core/layer/deflate/deflater.ts";
import { sampleBytes } from "../../../support/sample_bytes.ts";

const LEVELS: readonly DeflateLevel[] = [1, 2, 3];

function deflated(bytes: Uint8Array, level: DeflateLevel): Uint8Array {
  deflater().input.set(bytes);
  return deflater().deflate(bytes.length, level).slice();
}

test("DEFLATE_WASM_SHA256 is the digest of the committed module", () => {
  const wasm = Buffer.from(DEFLATE_WASM_BASE64, "base64");
  assert.equal(createHash("sha256").update(wasm).digest("hex"), DEFLATE_WASM_SHA256);
});

test("deflate() ends with an empty stored block, on a byte border", () => {
  for (const level of LEVELS) {
    for (const length of [0, 1, 7, 8, 9, 5000]) {
      const output = deflated(sampleBytes("text", length), level);
      assert.deepEqual([...output.subarray(-4)], [0, 0, 255, 255]);
    }
  }
});

test("deflate() gives the same bytes whatever was compressed before", () => {
  const sample = sampleBytes("mixed", 300_000);
  for (const level of LEVELS) {
    deflated(new Uint8Array(DEFLATE_INPUT_LIMIT_BYTES).fill(170), level);
    const first = deflated(sample, level);
    deflated(sampleBytes("random", DEFLATE_INPUT_LIMIT_BYTES, 9), level);
    for (const other of LEVELS) deflated(sample.subarray(0, 100_001), other);
    assert.deepEqual(deflated(sample, level), first);
  }
});

test("deflate() does not read beyond its input", () => {
  const { input, deflate } = deflater();
  for (const level of LEVELS) {
    // From 268 to 275 a second match starts within 16 bytes of the end.
    for (const length of [3, 8, 11, 20, 268, 271, 275, 300]) {
      const outputs = [0, 97].map((rest) => {
        input.fill(rest);
        input.set(new Uint8Array(length).fill(97));
        return deflate(length, level).slice();
      });
      assert.deepEqual(outputs[0], outputs[1]);
    }
  }
});

test("deflate() leaves its input as it was", () => {
  const sample = sampleBytes("mixed", DEFLATE_INPUT_LIMIT_BYTES);
  for (const level of LEVELS) {
    deflated(sample, level);
    assert.ok(Buffer.from(deflater().input).equals(sample));
  }
});

test("deflate() grows random bytes by less than one part in five thousand", () => {
  const sample = sampleBytes("random", DEFLATE_INPUT_LIMIT_BYTES, 3);
  for (const level of LEVELS) {
    const output = deflated(sample, level);
    assert.ok(output.length < sample.length * 1.0002, `${output.length}`);
  }
});

test("deflate() keeps random bytes out of the codes of the text around them", () => {
  const text = sampleBytes("text", 64 * 1024);
  const noise = sampleBytes("random", 64 * 1024);
  for (const level of LEVELS) {
    const apart = deflated(text, level).length + deflated(noise, level).length;
    assert.ok(deflated(Buffer.concat([text, noise]), level).length < apart * 1.01);
  }
});

test("deflate() finds a second copy of random bytes", () => {
  const noise = sampleBytes("random", 16 * 1024);
  const header = sampleBytes("text", 512);
  for (const level of LEVELS) {
    const output = deflated(Buffer.concat([header, noise, header, noise]), level);
    assert.ok(output.length < noise.length * 1.1, `level ${level}: ${output.length}`);
  }
});

test("deflate() makes less of each higher level", () => {
  const sample = sampleBytes("text", 500_000);
  const [one = 0, two = 0, three = 0] = LEVELS.map((level) => deflated(sample, level).length);
  assert.ok(one > two && two > three, `${one} ${two} ${three}`);
});

test("deflate() takes 2 MiB and refuses one byte more", () => {
  const sample = sampleBytes("mixed", DEFLATE_INPUT_LIMIT_BYTES);
  const output = deflated(sample, 1);
  assert.ok(inflateRawSync(Buffer.concat([output, Uint8Array.of(3, 0)])).equals(sample));
  assert.throws(() => deflater().deflate(DEFLATE_INPUT_LIMIT_BYTES + 1, 1), RangeError);
  assert.throws(() => deflater().crc32(DEFLATE_INPUT_LIMIT_BYTES + 1, 0), RangeError);
});
