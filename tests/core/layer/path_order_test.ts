import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { comparePaths, decodePath, encodePath } from "../../../core/layer/path_order.ts";

test("decodePath() and encodePath() keep every byte sequence (seed 11)", () => {
  // Bytes around the edges of UTF-8: leads, continuations, surrogates, overlong forms, beyond U+10FFFF.
  const edge = fc.constantFrom(
    0x2f,
    0x41,
    0x80,
    0xa0,
    0xbf,
    0xc0,
    0xc3,
    0xed,
    0xef,
    0xf0,
    0xf4,
    0xf5,
    0xff,
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(edge, fc.nat(255)), { maxLength: 12 }), (values) => {
      const bytes = Uint8Array.from(values);
      assert.deepEqual(new Uint8Array(encodePath(decodePath(bytes))), bytes);
    }),
    { seed: 11, numRuns: 2000 },
  );
});

test("decodePath() reads valid UTF-8 as it is, a byte order mark included", () => {
  for (const text of ["", "a/b", "é\u{1F600}", "\uFEFFa", "\uFFFD", "a\0b"]) {
    assert.equal(decodePath(new TextEncoder().encode(text)), text);
  }
});

test("decodePath() escapes the bytes of an encoded surrogate", () => {
  assert.equal(decodePath(Uint8Array.of(0x61, 0xed, 0xa0, 0x80, 0x62)), "a\udced\udca0\udc80b");
});

test("encodePath() refuses a surrogate that stands for no byte", () => {
  for (const path of ["\ud800", "a\udc7f", "\udd00b"]) {
    assert.throws(() => encodePath(path), { code: "LAYER_INVALID" });
  }
});

test("comparePaths() orders as the bytes do (seed 12)", () => {
  const unit = fc.constantFrom(
    "a",
    "/",
    "-",
    "\x7f",
    "\x80",
    "é",
    "\uD7FF",
    "\uE000",
    "\uFFFD",
    "\u{10000}",
    "\udc80",
    "\udcff",
  );
  const path = fc.array(unit, { maxLength: 6 }).map((units) => units.join(""));
  fc.assert(
    fc.property(path, path, (a, b) => {
      const expected = Math.sign(Buffer.compare(encodePath(a), encodePath(b)));
      assert.equal(Math.sign(comparePaths(a, b)), expected);
    }),
    { seed: 12, numRuns: 3000 },
  );
});
