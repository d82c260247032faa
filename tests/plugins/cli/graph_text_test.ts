import assert from "node:assert/strict";
import { test } from "node:test";
import { type Graph, sha256, type Vertex, type VertexDigest } from "../../../core/mod.ts";
import { graphToDot, graphToMermaid } from "../../../plugins/cli/graph_text.ts";

const digests = ["base", "made"].map((name) => sha256<VertexDigest>(name));
const [base = sha256<VertexDigest>(""), made = base] = digests;
const vertices: Vertex[] = [
  { digest: base, op: { type: "merge" }, inputs: [] },
  { digest: made, op: { type: "diff" }, inputs: [base, base] },
];
const graph: Graph = {
  vertices: new Map(vertices.map((vertex) => [vertex.digest, vertex])),
  metadata: new Map([[made, { stage: "build", label: 'RUN echo "a\\b" <c> #1\n  x' }]]),
  targets: [{ name: "app", vertex: made }, { name: "also", vertex: made }],
  contexts: new Map(),
};

test("graphToDot() escapes labels and frames results", () => {
  assert.equal(
    graphToDot(graph),
    `digraph build {
  rankdir=LR;
  node [shape=box];
  v1 [label="merge"];
  v2 [label="[build] RUN echo \\"a\\\\b\\" <c> #1\\n  x\\n(app, also)", peripheries=2];
  v1 -> v2;
  v1 -> v2;
}
`,
  );
});

test("graphToMermaid() writes what Mermaid would read as markup in entities", () => {
  assert.equal(
    graphToMermaid(graph),
    `flowchart LR
  v1["merge"]
  v2(["#91;build#93; RUN echo #34;a#92;b#34; #60;c#62; #35;1   x (app, also)"])
  v1 --> v2
  v1 --> v2
`,
  );
});
