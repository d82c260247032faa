/** Secret values in streams. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { maskedParts, Masker, maskText } from "../../../core/execute/mask.ts";
import { PartSearch } from "../../../core/execute/part_search.ts";

const encoder = new TextEncoder();

function bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

function masked(parts: readonly Uint8Array[], pieces: readonly Uint8Array[]): Uint8Array {
  const seen: Uint8Array[] = [];
  const masker = new Masker(new PartSearch(parts), (piece) => seen.push(piece));
  for (const piece of pieces) masker.write(piece);
  masker.end();
  return Buffer.concat(seen);
}

/** All bytes that belong to any part, found the slow way; runs of them that touch are several masks. */
function maskedSlowly(parts: readonly Uint8Array[], stream: Uint8Array): Uint8Array {
  const whole = Buffer.from(stream);
  const matches = parts.flatMap((part) => {
    const found: [number, number][] = [];
    for (let at = whole.indexOf(part); at >= 0; at = whole.indexOf(part, at + 1)) {
      found.push([at, at + part.length]);
    }
    return found;
  }).sort(([a], [b]) => a - b);
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (const [start, end] of matches) {
    if (start >= at) pieces.push(whole.subarray(at, start), bytes("***"));
    at = Math.max(at, end);
  }
  return Buffer.concat([...pieces, whole.subarray(at)]);
}

test("maskedParts() has each line of a value, trimmed, and nothing shorter than four bytes", () => {
  const texts = (value: string): string[] =>
    maskedParts([bytes(value)]).map((part) => new TextDecoder().decode(part)).sort();
  assert.deepEqual(texts("hunter2\n"), ["hunter2"]);
  assert.deepEqual(texts("abc"), []);
  assert.deepEqual(texts(" \n\t\n"), []);
  assert.deepEqual(texts('{\r\n  "key": 1,\r\n}\r\n'), ['"key": 1,', '{\r\n  "key": 1,\r\n}']);
});

test("maskText() masks values of several lines line by line", () => {
  const parts = new PartSearch(maskedParts([bytes("-----BEGIN\nc2VjcmV0\n-----END")]));
  assert.equal(maskText("> c2VjcmV0\n> -----END\n", parts), "> ***\n> ***\n");
  assert.equal(maskText("x-----BEGIN\nc2VjcmV0\n-----ENDy", parts), "x***y");
  assert.equal(maskText("c2VjcmV", parts), "c2VjcmV");
});

test("Masker passes on at once what cannot be a part", () => {
  const seen: string[] = [];
  const masker = new Masker(
    new PartSearch([bytes("secret")]),
    (piece) => seen.push(Buffer.from(piece).toString()),
  );
  masker.write(bytes("all of it"));
  assert.deepEqual(seen, ["all of it"]);
  masker.write(bytes(" but se"));
  assert.equal(seen.join(""), "all of it but ");
  masker.write(bytes("cret."));
  assert.equal(seen.join(""), "all of it but ***.");
});

test("Masker finds what another, incomplete part began before", () => {
  // The longer one stays undecided until after the shorter one is complete.
  const parts = ["aXbcdYYYY", "bcdY"].map(bytes);
  assert.equal(Buffer.from(masked(parts, [bytes("aXbcdY"), bytes("Z")])).toString(), "aX***Z");
});

test("Masker masks all that any part covers, however the stream is cut", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 24 });
  const part = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fc.array(part, { maxLength: 4 }), fc.array(letters), (texts, pieces) => {
      const parts = [...new Set(texts)].map(bytes);
      const expected = maskedSlowly(parts, bytes(pieces.join("")));
      const found = masked(parts, pieces.map(bytes));
      assert.equal(Buffer.from(found).toString(), Buffer.from(expected).toString());
    }),
    { seed: 42, numRuns: 2000 },
  );
});

test("Masker works on any bytes", () => {
  const part = fc.uint8Array({ minLength: 4, maxLength: 40 });
  fc.assert(
    fc.property(part, fc.uint8Array(), fc.uint8Array(), fc.nat(40), (value, before, after, cut) => {
      const stream = Buffer.concat([before, value, after]);
      const found = masked([value], [stream.subarray(0, cut), stream.subarray(cut)]);
      assert.equal(Buffer.from(found).indexOf(value), -1);
    }),
    { seed: 42, numRuns: 500 },
  );
});
