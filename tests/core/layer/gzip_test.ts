import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32, crc32Combine, gzipTrailer, portableCrc32 } from "../../../core/layer/gzip.ts";
import { sampleBytes } from "../../support/sample_bytes.ts";

const CHECK = new TextEncoder().encode("123456789");

test("crc32() gives the check value of CRC-32/ISO-HDLC", () => {
  assert.equal(crc32(CHECK), 0xcbf43926);
  assert.equal(crc32(new Uint8Array(0)), 0);
});

test("portableCrc32() equals the runtime's crc32 at every alignment and past 2 MiB", () => {
  assert.equal(portableCrc32(CHECK), 0xcbf43926);
  const bytes = sampleBytes("random", 2 * 1024 * 1024 + 77);
  for (let start = 0; start < 9; start++) {
    for (const end of [start, start + 1, start + 7, start + 8, start + 1000, bytes.length]) {
      const part = bytes.subarray(start, end);
      assert.equal(portableCrc32(part, 12345), crc32(part, 12345));
    }
  }
});

test("crc32Combine() equals the CRC of the joined bytes, empty parts included", () => {
  const bytes = sampleBytes("random", 70_000);
  for (const at of [0, 1, 255, 256, 65_536, 70_000]) {
    const [first, second] = [bytes.subarray(0, at), bytes.subarray(at)];
    assert.equal(crc32Combine(crc32(first), crc32(second), second.length), crc32(bytes));
  }
});

test("crc32Combine() shifts by more than 4 GiB", () => {
  // Nine gigabytes are three times three: shifting twice by parts must equal shifting once by the sum.
  const part = 3 * 1024 ** 3;
  const once = crc32Combine(0x1234567, 0, 3 * part);
  assert.equal(
    crc32Combine(crc32Combine(crc32Combine(0x1234567, 0, part), 0, part), 0, part),
    once,
  );
});

test("gzipTrailer() wraps the size at 4 GiB", () => {
  assert.deepEqual([...gzipTrailer(0xcbf43926, 2 ** 32 + 5)], [0x26, 0x39, 0xf4, 0xcb, 5, 0, 0, 0]);
});
