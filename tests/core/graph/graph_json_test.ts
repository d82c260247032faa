import assert from "node:assert/strict";
import { test } from "node:test";
import { image } from "../../../core/dsl/image.ts";
import { LayerwrightError } from "../../../core/errors.ts";
import { canonicalJson } from "../../../core/graph/canonical_json.ts";
import { parseGraph, serializeGraph } from "../../../core/graph/graph_json.ts";
import { vertexDigest } from "../../../core/graph/vertex.ts";
import { graphOf } from "../../support/graph_ops.ts";

interface Document {
  schema: number;
  vertices: { digest: string; op: Record<string, unknown>; inputs: string[] }[];
  targets: { name: string; vertex: string }[];
  metadata: Record<string, unknown>[];
  contexts: { name: string; path: string }[];
}

const recipe = image("app").from("scratch").copy("a", "/a").run("make", {
  env: { constructor: "1" },
})
  .env("A", "1");

function changed(change: (document: Document) => void): string {
  const document: Document = JSON.parse(
    serializeGraph(graphOf(image("app").from("scratch").copy("a", "/a"))),
  );
  change(document);
  return JSON.stringify(document);
}

function problemsOf(text: string): string {
  try {
    parseGraph(text);
  } catch (error) {
    assert.ok(error instanceof LayerwrightError, String(error));
    assert.equal(error.code, "GRAPH_INVALID");
    return [error.message, ...error.details].join("\n");
  }
  assert.fail("the text was taken for a graph");
}

test("serializeGraph() prints canonical JSON that parseGraph() reads back", () => {
  const graph = graphOf(recipe);
  const text = serializeGraph(graph);
  assert.equal(text, canonicalJson(JSON.parse(text)));
  assert.deepEqual(parseGraph(text), graph);
});

test("serializeGraph() does not depend on the order in which contexts and metadata were found", () => {
  const graph = graphOf(recipe.copy("b", "/b"));
  const reversed = {
    ...graph,
    contexts: new Map([["z", { path: "z" }], ...graph.contexts]),
    metadata: new Map([...graph.metadata].reverse()),
  };
  const forward = { ...graph, contexts: new Map([...graph.contexts, ["z", { path: "z" }]]) };
  assert.equal(serializeGraph(reversed), serializeGraph(forward));
});

test("parseGraph() takes JSON in any layout", () => {
  const graph = graphOf(recipe);
  assert.deepEqual(parseGraph(JSON.stringify(JSON.parse(serializeGraph(graph)), null, 2)), graph);
});

test("parseGraph() refuses another version by its number", () => {
  assert.throws(() => parseGraph(changed((document) => document.schema = 2)), {
    code: "GRAPH_SCHEMA_UNSUPPORTED",
    message: /schema 2/,
  });
});

test("parseGraph() refuses a definition that its digest does not name", () => {
  const text = changed(({ vertices }) =>
    Object.assign(vertices.at(-1)?.op ?? {}, { destination: "/b" })
  );
  assert.match(problemsOf(text), /has the digest sha256:/);
});

test("parseGraph() refuses what it does not know and what is missing, with its place", () => {
  const cases: readonly [change: (document: Document) => void, problem: RegExp][] = [
    [(document) => Object.assign(document, { extra: 1 }), /extra/],
    [({ vertices }) => Object.assign(vertices[0] ?? {}, { extra: 1 }), /vertices\.0\.extra/],
    [
      ({ vertices }) => Object.assign(vertices[0]?.op ?? {}, { extra: 1 }),
      /vertices\.0\.op\.extra/,
    ],
    [({ vertices }) => delete vertices.at(-1)?.op.mode, /vertices\.2\.op\.mode/],
    [
      ({ vertices }) => Object.assign(vertices[0]?.op ?? {}, { type: "magic" }),
      /vertices\.0\.op\.type/,
    ],
    [
      ({ vertices }) => Object.assign(vertices[0]?.op ?? {}, { attributes: { a: 1 } }),
      /not a map of strings/,
    ],
    [
      ({ vertices }) =>
        Object.assign(vertices.at(-1)?.op ?? {}, { sources: ["x".repeat(2 ** 20 + 1)] }),
      /sources\.0/,
    ],
    [
      ({ vertices }) => Object.assign(vertices[0] ?? {}, { digest: "sha256:x" }),
      /not a sha256 digest/,
    ],
    [
      (document) => document.targets = [{ name: "a", vertex: `sha256:${"0".repeat(64)}` }],
      /target "a" is/,
    ],
    [
      (document) => document.metadata = [{ vertex: `sha256:${"0".repeat(64)}` }],
      /metadata is given for/,
    ],
    [(document) => document.metadata.push(...document.metadata), /metadata is given twice/],
    [(document) => document.contexts.push(...document.contexts), /a context is given twice/],
    [(document) => document.vertices.push(...document.vertices), /is there twice/],
    [(document) => document.vertices.splice(0, 1), /which is not there/],
    [(document) => document.vertices.reverse(), /which comes later/],
  ];
  for (const [change, problem] of cases) assert.match(problemsOf(changed(change)), problem);
});

test("parseGraph() refuses numbers that two writers could print differently", () => {
  const op = {
    type: "run",
    command: { form: "exec", args: ["x"] },
    mounts: [],
    network: "none",
    security: "sandbox",
  };
  for (const timeoutMs of ["-0", "1.5", "9007199254740993", "1e400"]) {
    const text = changed(({ vertices }) => {
      Object.assign(vertices.at(-1) ?? {}, { op: { ...op, environment: {}, timeoutMs: "NUMBER" } });
    });
    assert.match(problemsOf(text.replace('"NUMBER"', timeoutMs)), /timeoutMs/, timeoutMs);
  }
});

test("parseGraph() names a cycle", () => {
  const text = changed(({ vertices }) => {
    const [first, , last] = vertices;
    if (first === undefined || last === undefined) return;
    first.inputs = [last.digest];
  });
  assert.throws(() => parseGraph(text), { code: "GRAPH_CYCLE", message: /needs itself/ });
});

test("parseGraph() keeps variables whose names JavaScript treats as special", () => {
  const op = {
    type: "source" as const,
    identifier: "x://",
    attributes: JSON.parse('{"__proto__":"1","constructor":"2"}'),
    platform: { os: "linux", architecture: "amd64" },
  };
  const digest = vertexDigest(op, []);
  const text = JSON.stringify({
    schema: 1,
    vertices: [{ digest, op, inputs: [] }],
    targets: [],
    metadata: [],
    contexts: [{ name: "__proto__", path: "/" }],
  });
  assert.equal(serializeGraph(parseGraph(text)), canonicalJson(JSON.parse(text)));
});

test("parseGraph() refuses what is no graph at all, however deep", () => {
  for (const text of ["", "{", "null", "[]", "1", '"x"', "{}", "[".repeat(200_000)]) {
    assert.throws(() => parseGraph(text), { code: "GRAPH_INVALID" }, text.slice(0, 10));
  }
});

test("parseGraph() refuses more than 100,000 vertices, and lists no more than a screen of problems", () => {
  const text = changed((document) => {
    document.vertices = Array.from(
      { length: 100_001 },
      () => ({ digest: "x", op: {}, inputs: [] }),
    );
  });
  const problems = problemsOf(text).split("\n");
  assert.ok(problems.length <= 51);
});
