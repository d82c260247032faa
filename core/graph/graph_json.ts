/**
 * Graphs from text: no graph that was not checked.
 *
 * @module
 */
import * as v from "valibot";
import { LayerwrightError } from "../errors.ts";
import { type Graph, GRAPH_SCHEMA } from "./graph.ts";
import { type GraphDocument, graphSchema, MAX_TEXT_LENGTH } from "./graph_schema.ts";
import { topologicalOrder } from "./topological_order.ts";
import { createVertex, type Vertex, type VertexDigest, type VertexMetadata } from "./vertex.ts";

export { serializeGraph } from "./serialize_graph.ts";

// A damaged file is wrong in too many places to list.
const MAX_DETAILS = 50;

/**
 * Reads a graph from text that may come from anywhere.
 *
 * What it checks is that the text says one graph: its form, its limits, every digest, every edge. Whether
 * the graph makes sense is for `validateGraph` to say.
 *
 * @throws {LayerwrightError} `GRAPH_INVALID`, with a detail line for each thing that is wrong;
 * `GRAPH_SCHEMA_UNSUPPORTED` for a text of another version; `GRAPH_CYCLE` when a vertex needs itself.
 */
export function parseGraph(text: string): Graph {
  const document = parseDocument(text);
  const given = new Map(document.vertices.map((vertex) => [vertex.digest as VertexDigest, vertex]));
  topologicalOrder(
    [...given.keys()],
    (digest) => given.get(digest)?.inputs as readonly VertexDigest[] | undefined,
  );
  const vertices = new Map<VertexDigest, Vertex>();
  const problems: string[] = [];
  for (const { digest, op, inputs } of document.vertices) {
    const vertex = createVertex(op, inputs as readonly VertexDigest[]);
    if (vertex.digest !== digest) problems.push(`vertex ${digest} has the digest ${vertex.digest}`);
    if (vertices.has(vertex.digest)) problems.push(`vertex ${digest} is there twice`);
    for (const input of vertex.inputs) {
      if (vertices.has(input)) continue;
      problems.push(
        `vertex ${digest} needs ${input}, which ${
          given.has(input) ? "comes later" : "is not there"
        }`,
      );
    }
    vertices.set(vertex.digest, vertex);
  }
  const targets = document.targets.map(({ name, vertex }) => ({
    name,
    vertex: vertex as VertexDigest,
  }));
  for (const { name, vertex } of targets) {
    if (!vertices.has(vertex)) {
      problems.push(`target ${JSON.stringify(name)} is ${vertex}, which is not there`);
    }
  }
  const metadata = new Map<VertexDigest, VertexMetadata>();
  for (const { vertex, ...about } of document.metadata) {
    const digest = vertex as VertexDigest;
    if (!vertices.has(digest)) problems.push(`metadata is given for ${vertex}, which is not there`);
    if (metadata.has(digest)) problems.push(`metadata is given twice for ${vertex}`);
    metadata.set(digest, about);
  }
  const contexts = new Map(document.contexts.map(({ name, path }) => [name, { path }]));
  if (contexts.size < document.contexts.length) problems.push("a context is given twice");
  if (problems.length > 0) throw invalid(problems);
  return { vertices, targets, metadata, contexts };
}

function parseDocument(text: string): GraphDocument {
  if (text.length > MAX_TEXT_LENGTH) {
    throw invalid([`it has ${text.length} characters, at most ${MAX_TEXT_LENGTH} are allowed`]);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // Too deep for the parser's stack, or no JSON.
    throw invalid(
      [`it is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`],
      cause,
    );
  }
  checkVersion(value);
  const checked = v.safeParse(graphSchema, value);
  if (checked.success) return checked.output;
  throw invalid(checked.issues.map((issue) => {
    const path = v.getDotPath(issue);
    return path === null ? issue.message : `${path}: ${issue.message}`;
  }));
}

function checkVersion(value: unknown): void {
  const schema = typeof value === "object" && value !== null && "schema" in value
    ? value.schema
    : undefined;
  if (schema === GRAPH_SCHEMA || typeof schema !== "number") return;
  throw new LayerwrightError(
    "GRAPH_SCHEMA_UNSUPPORTED",
    `Cannot read graph: it has schema ${schema}, and ${GRAPH_SCHEMA} is the only one known`,
    { hint: "write it again with this version" },
  );
}

function invalid(problems: readonly string[], cause?: unknown): LayerwrightError {
  const [first = "it is not valid", ...details] = problems;
  return new LayerwrightError("GRAPH_INVALID", `Cannot read graph: ${first}`, {
    details: details.slice(0, MAX_DETAILS),
    cause,
  });
}
