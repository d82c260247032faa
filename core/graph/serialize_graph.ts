/**
 * Graphs as text: one text for one graph.
 *
 * @module
 */
import { canonicalJson } from "./canonical_json.ts";
import { type Graph, GRAPH_SCHEMA } from "./graph.ts";

/**
 * Prints a graph. Equal graphs give equal texts, and `parseGraph` reads them back.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { image } from "../dsl/image.ts";
 * import { toGraph } from "../dsl/to_graph.ts";
 * import { parseGraph, serializeGraph } from "./graph_json.ts";
 * const graph = toGraph(image().from("scratch"), { platform: { os: "linux", architecture: "amd64" } });
 * assert.deepEqual(parseGraph(serializeGraph(graph)), graph);
 * ```
 */
export function serializeGraph(graph: Graph): string {
  const byName = [...graph.contexts].sort(([a], [b]) => a < b ? -1 : 1);
  return canonicalJson({
    schema: GRAPH_SCHEMA,
    vertices: [...graph.vertices.values()],
    targets: graph.targets,
    metadata: [...graph.vertices.keys()].flatMap((vertex) => {
      const metadata = graph.metadata.get(vertex);
      return metadata === undefined ? [] : [{ ...metadata, vertex }];
    }),
    contexts: byName.map(([name, { path }]) => ({ name, path })),
  });
}
