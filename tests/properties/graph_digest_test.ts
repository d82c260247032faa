import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { image } from "../../core/dsl/image.ts";
import type { AnyImage, ImageBuilder } from "../../core/dsl/image_builder.ts";
import { toGraph } from "../../core/dsl/to_graph.ts";
import { canonicalJson } from "../../core/graph/canonical_json.ts";
import { parseGraph, serializeGraph } from "../../core/graph/graph_json.ts";
import type { Op } from "../../core/graph/op.ts";
import { type VertexDigest, vertexDigest } from "../../core/graph/vertex.ts";
import { graphArbitrary, metadataArbitrary, opArbitrary } from "../support/graph_arbitrary.ts";

const PLATFORM = { os: "linux", architecture: "amd64" } as const;

/** All values that differ from `value` in one place: another scalar, an item or a field less. */
function* mutations(value: unknown): Generator<unknown> {
  if (typeof value === "string") yield `${value}x`;
  else if (typeof value === "number") yield value + 1;
  else if (typeof value === "boolean") yield !value;
  else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      yield value.toSpliced(index, 1);
      for (const mutated of mutations(item)) yield value.with(index, mutated);
    }
    yield [...value, "x"];
  } else if (typeof value === "object" && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      const others = Object.entries(value).filter(([other]) => other !== key);
      yield Object.fromEntries(others);
      for (const mutated of mutations(inner)) yield Object.fromEntries([...others, [key, mutated]]);
    }
  }
}

test("vertexDigest() changes with every field of every op, and with inputs (seed 21)", () => {
  fc.assert(
    fc.property(opArbitrary, (op) => {
      const digest = vertexDigest(op, []);
      for (const mutated of mutations(op)) {
        if (canonicalJson(mutated) === canonicalJson(op)) continue;
        assert.notEqual(vertexDigest(mutated as Op, []), digest, canonicalJson(mutated));
      }
      assert.notEqual(vertexDigest(op, [digest]), digest);
      assert.notEqual(vertexDigest(op, [digest, digest]), vertexDigest(op, [digest]));
    }),
    { seed: 21, numRuns: 200 },
  );
});

test("vertexDigest() does not depend on the order in which fields were set (seed 22)", () => {
  const reversed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(reversed);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).reverse().map(([key, inner]) => [key, reversed(inner)]),
    );
  };
  fc.assert(
    fc.property(opArbitrary, (op) => {
      assert.equal(vertexDigest(reversed(op) as Op, []), vertexDigest(op, []));
    }),
    { seed: 22, numRuns: 200 },
  );
});

test("metadata, targets and context paths never change the digest of a vertex (seed 23)", () => {
  fc.assert(
    fc.property(graphArbitrary, metadataArbitrary, (graph, about) => {
      const other = parseGraph(serializeGraph({
        ...graph,
        metadata: new Map([...graph.vertices.keys()].map((digest) => [digest, about])),
        contexts: new Map([["default", { path: "/elsewhere" }]]),
        targets: [...graph.vertices.keys()].map((vertex, n) => ({ name: `t${n}`, vertex })),
      }));
      assert.deepEqual(other.vertices, graph.vertices);
    }),
    { seed: 23, numRuns: 100 },
  );
});

/** A step that any chain can take, the same each time it is asked for. */
const stepArbitrary: fc.Arbitrary<(chain: ImageBuilder, all: readonly AnyImage[]) => ImageBuilder> =
  fc.oneof(
    fc.constantFrom("a", "b c", "*.ts").map((source) => (chain: ImageBuilder) =>
      chain.copy(source, "/d/")
    ),
    fc.nat({ max: 3 }).map((n) => (chain: ImageBuilder, all: readonly AnyImage[]) => {
      const from = all[n % all.length];
      return from === undefined ? chain : chain.copy("/x", "/y/", { from });
    }),
    fc.string({ minLength: 1, maxLength: 5 }).map((value) => (chain: ImageBuilder) =>
      chain.env("A", value)
    ),
    fc.constant((chain: ImageBuilder) => chain.run("make").from("scratch")),
    fc.constant((chain: ImageBuilder) => chain.workdir("w").squash()),
    fc.constant((chain: ImageBuilder) => chain.entrypoint(["/e"]).cmd(["c"])),
  );

test("toGraph() gives the same bytes each time, and a graph that is its own reachable part (seed 24)", () => {
  const recipe = fc.array(fc.array(stepArbitrary, { maxLength: 5 }), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(recipe, (chains) => {
      const make = (): AnyImage => {
        const all: AnyImage[] = [];
        for (const steps of chains) {
          all.push(steps.reduce((chain, step) => step(chain, all), image().from("scratch")));
        }
        return all.at(-1) ?? image().from("scratch");
      };
      const [a, b] = [make(), make()].map((one) => toGraph(one, { platform: PLATFORM }));
      assert.ok(a !== undefined && b !== undefined);
      assert.equal(serializeGraph(a), serializeGraph(b));
      const needed = new Set<VertexDigest>(a.targets.map(({ vertex }) => vertex));
      for (const { digest, inputs } of [...a.vertices.values()].reverse()) {
        assert.ok(needed.has(digest), "a vertex that nobody needs");
        for (const input of inputs) needed.add(input);
      }
      assert.equal(needed.size, a.vertices.size);
    }),
    { seed: 24, numRuns: 100 },
  );
});
