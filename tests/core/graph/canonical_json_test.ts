import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalJson } from "../../../core/graph/canonical_json.ts";

test("canonicalJson() sorts keys by UTF-16 code unit, at every depth", () => {
  assert.equal(
    canonicalJson({ "\u{1f600}": 1, "\ufb33": 2, b: { z: [{ y: 1, x: 2 }], a: null } }),
    '{"b":{"a":null,"z":[{"x":2,"y":1}]},"\u{1f600}":1,"\ufb33":2}',
  );
});

test("canonicalJson() takes keys that JavaScript treats as special for what they are", () => {
  const value = JSON.parse('{"__proto__":1,"constructor":2,"10":3,"9":4}');
  assert.equal(canonicalJson(value), '{"10":3,"9":4,"__proto__":1,"constructor":2}');
});

test("canonicalJson() leaves undefined properties out and escapes lone surrogates", () => {
  assert.equal(canonicalJson({ a: undefined, b: "\ud800" }), '{"b":"\\ud800"}');
});

test("canonicalJson() refuses what two writers could print differently", () => {
  for (
    const value of [
      1.5,
      -0,
      NaN,
      Infinity,
      2 ** 53,
      1n,
      undefined,
      () => 1,
      Symbol("x"),
      new Date(0),
      new Map(),
    ]
  ) {
    assert.throws(() => canonicalJson({ value: [value] }), TypeError, String(value));
  }
});
