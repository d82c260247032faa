import assert from "node:assert/strict";
import { test } from "node:test";
import { topologicalOrder } from "../../../core/graph/topological_order.ts";

function orderOf(
  roots: readonly string[],
  inputs: Readonly<Record<string, readonly string[]>>,
): string[] {
  return topologicalOrder(roots, (name) => inputs[name]);
}

test("topologicalOrder() puts inputs first, ties in their order, each once", () => {
  assert.deepEqual(orderOf(["d"], { a: [], b: ["a"], c: ["a"], d: ["c", "b", "c"] }), [
    "a",
    "c",
    "b",
    "d",
  ]);
  assert.deepEqual(orderOf(["b", "a", "b"], { a: [], b: [] }), ["b", "a"]);
});

test("topologicalOrder() leaves out what does not exist or is not needed", () => {
  assert.deepEqual(orderOf(["a", "gone"], { a: ["missing"], unused: [] }), ["a"]);
});

test("topologicalOrder() names the cycle that it finds", () => {
  assert.throws(() => orderOf(["a"], { a: ["b"], b: ["c"], c: ["d", "b"], d: [] }), {
    code: "GRAPH_CYCLE",
    details: ["b → c → b"],
  });
  assert.throws(() => orderOf(["a"], { a: ["a"] }), { code: "GRAPH_CYCLE" });
});

test("topologicalOrder() is not bounded by the stack", () => {
  const order = topologicalOrder<string>(
    ["200000"],
    (name) => name === "0" ? [] : [`${Number(name) - 1}`],
  );
  assert.equal(order.length, 200_001);
  assert.equal(order[0], "0");
});
