import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { sha256Hex } from "../../../core/host/sha256.ts";

test("sha256Hex() gives what node:crypto gives, for any text and any bytes (seed 41)", () => {
  const input = fc.oneof(
    // Halves of surrogate pairs, too: they become U+FFFD everywhere.
    fc.string({ unit: "binary" }),
    fc.constantFrom("", "\ud800", "a\udc00b", "\0"),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => bytes.subarray(bytes.length >> 2)),
  );
  fc.assert(
    fc.property(input, (value) => {
      assert.equal(sha256Hex(value), createHash("sha256").update(value).digest("hex"));
    }),
    { seed: 41, numRuns: 500 },
  );
});
