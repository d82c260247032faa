import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { firstDifference, isEqualJson } from "../../../core/solve/first_difference.ts";

test("firstDifference() names a file by its path, whatever its position", () => {
  const file = (path: string, content: string) => ({ path, content });
  const before = { files: [file("a", "1"), file("c", "3")] };
  const path = (after: unknown): string | undefined => firstDifference(before, after)?.path;
  assert.equal(path({ files: [file("a", "1"), file("b", "2"), file("c", "3")] }), "files.b");
  assert.equal(path({ files: [file("c", "3")] }), "files.a");
  assert.equal(path({ files: [file("a", "1"), file("c", "4")] }), "files.c.content");
});

test("firstDifference() sees another order of named parts", () => {
  const [a, b] = [{ path: "a" }, { path: "b" }];
  assert.deepEqual(firstDifference({ items: [a, b] }, { items: [b, a] }), {
    path: "items.order",
    before: ["a", "b"],
    after: ["b", "a"],
  });
});

test("firstDifference() sees a change of kind, and takes undefined for absent", () => {
  assert.deepEqual(firstDifference({ a: null }, { a: "1" }), {
    path: "a",
    before: null,
    after: "1",
  });
  assert.deepEqual(firstDifference({ a: [] }, { a: {} }), { path: "a", before: [], after: {} });
  assert.equal(firstDifference({ a: undefined, b: 1 }, { b: 1 }), undefined);
});

test("firstDifference() finds one exactly when values differ (seed 7)", () => {
  const value = fc.jsonValue({ maxDepth: 3, noNegativeZero: true } as fc.JsonSharedConstraints);
  const integers = (text: string): unknown =>
    JSON.parse(text, (_key, item) => typeof item === "number" ? Math.trunc(item % 1e9) || 0 : item);
  const named = fc.array(fc.record({ path: fc.constantFrom("a", "b", "c"), n: fc.nat(1) }), {
    maxLength: 3,
  });
  for (const one of [value, named]) {
    fc.assert(
      fc.property(one, one, (a, b) => {
        const [left, right] = [integers(JSON.stringify(a)), integers(JSON.stringify(b))];
        assert.equal(firstDifference(left, right) === undefined, isEqualJson(left, right));
        assert.equal(firstDifference(left, structuredClone(left)), undefined);
      }),
      { seed: 7, numRuns: 300 },
    );
  }
});
