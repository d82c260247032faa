import assert from "node:assert/strict";
import { test } from "node:test";
import { goJson } from "../../../core/oci/json.ts";

test("goJson() sorts keys by their UTF-8 bytes, not by number and not by UTF-16 unit", () => {
  // U+FF5E sorts before U+1F600 in UTF-8, and after it in UTF-16.
  const value = { "\u{1f600}": 1, "\uff5e": 2, 10: 3, 9: 4, a: 5, B: 6 };
  assert.equal(goJson(value), '{"10":3,"9":4,"B":6,"a":5,"\uff5e":2,"\u{1f600}":1}');
});

test("goJson() puts the keys of an order first, inside arrays too", () => {
  const order = { first: ["z", "list", "absent"], inside: { list: { first: ["y"] } } };
  assert.equal(
    goJson({ a: 1, list: [{ a: 1, y: 2 }], z: 3 }, order),
    '{"z":3,"list":[{"y":2,"a":1}],"a":1}',
  );
});

test("goJson() escapes what Go escapes", () => {
  assert.equal(
    goJson("<a&b>\u2028\u2029\u007f\n"),
    '"\\u003ca\\u0026b\\u003e\\u2028\\u2029\u007f\\n"',
  );
});

test("goJson() leaves undefined properties out and keeps null", () => {
  assert.equal(goJson({ a: undefined, b: null }), '{"b":null}');
});

test("goJson() prints keys that objects have by inheritance", () => {
  const value: unknown = JSON.parse('{"constructor":"a","__proto__":"b","toString":"c"}');
  assert.equal(
    goJson(value, { first: ["a"], inside: { a: {} } }),
    '{"__proto__":"b","constructor":"a","toString":"c"}',
  );
});
