import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseGraph, serializeGraph } from "../../core/graph/graph_json.ts";
import { graphArbitrary } from "../support/graph_arbitrary.ts";

test("parseGraph() gives back every graph that serializeGraph() printed, and the same bytes (seed 11)", () => {
  fc.assert(
    fc.property(graphArbitrary, (graph) => {
      const text = serializeGraph(graph);
      const parsed = parseGraph(text);
      assert.deepEqual(parsed, graph);
      assert.deepEqual([...parsed.vertices.keys()], [...graph.vertices.keys()]);
      assert.equal(serializeGraph(parsed), text);
    }),
    { seed: 11, numRuns: 300 },
  );
});

test("parseGraph() refuses a graph when any digit of a digest is changed (seed 12)", () => {
  fc.assert(
    fc.property(graphArbitrary, fc.nat(), (graph, n) => {
      const document = JSON.parse(serializeGraph(graph));
      const vertex = document.vertices[n % document.vertices.length];
      const digest: string = vertex.digest;
      const digit = 7 + n % 64;
      vertex.digest = digest.slice(0, digit) + (digest[digit] === "0" ? "1" : "0") +
        digest.slice(digit + 1);
      assert.throws(() => parseGraph(JSON.stringify(document)), { code: "GRAPH_INVALID" });
    }),
    { seed: 12, numRuns: 100 },
  );
});
