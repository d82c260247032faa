/**
 * Graphs as pictures in text: Graphviz and Mermaid.
 *
 * @module
 */
import type { Graph, VertexDigest } from "../../core/mod.ts";

/** A graph with short names for its vertices, in the order of the graph. */
interface NamedVertex {
  readonly id: string;
  readonly label: string;
  readonly inputs: readonly string[];
}

/** Prints a graph in Graphviz's language; results have a double frame. */
export function graphToDot(graph: Graph): string {
  const vertices = nameVertices(graph);
  const results = targetNames(graph, vertices);
  const lines = [...vertices.values()].flatMap(({ id, label, inputs }) => {
    const names = results.get(id);
    const text = names === undefined ? label : `${label}\n(${names})`;
    return [
      `  ${id} [label=${dotString(text)}${names === undefined ? "" : ", peripheries=2"}];`,
      ...inputs.map((input) => `  ${input} -> ${id};`),
    ];
  });
  return `digraph build {\n  rankdir=LR;\n  node [shape=box];\n${lines.join("\n")}\n}\n`;
}

/** Prints a graph in Mermaid's language; results are round. */
export function graphToMermaid(graph: Graph): string {
  const vertices = nameVertices(graph);
  const results = targetNames(graph, vertices);
  const lines = [...vertices.values()].flatMap(({ id, label, inputs }) => {
    const names = results.get(id);
    return [
      names === undefined
        ? `  ${id}[${mermaidString(label)}]`
        : `  ${id}([${mermaidString(`${label} (${names})`)}])`,
      ...inputs.map((input) => `  ${input} --> ${id}`),
    ];
  });
  return `flowchart LR\n${lines.join("\n")}\n`;
}

function nameVertices(graph: Graph): Map<VertexDigest, NamedVertex> {
  const named = new Map<VertexDigest, NamedVertex>();
  for (const vertex of graph.vertices.values()) {
    const { label, stage } = graph.metadata.get(vertex.digest) ?? {};
    const text = label ?? vertex.op.type;
    named.set(vertex.digest, {
      id: `v${named.size + 1}`,
      label: stage === undefined ? text : `[${stage}] ${text}`,
      inputs: vertex.inputs.flatMap((input) => named.get(input)?.id ?? []),
    });
  }
  return named;
}

function targetNames(
  graph: Graph,
  vertices: ReadonlyMap<VertexDigest, NamedVertex>,
): Map<string, string> {
  const names = new Map<string, string>();
  for (const { name, vertex } of graph.targets) {
    const id = vertices.get(vertex)?.id;
    if (id !== undefined) names.set(id, [...names.has(id) ? [names.get(id)] : [], name].join(", "));
  }
  return names;
}

/** A label may hold anything a RUN line may. */
function dotString(text: string): string {
  const escaped = text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replace(/\r?\n/g, "\\n");
  return `"${escaped}"`;
}

/** Mermaid has entities in place of escapes, and reads Markdown and HTML in its strings. */
function mermaidString(text: string): string {
  const escaped = text.replace(/[#"<>&`*_\\[\]{}]/g, (character) => `#${character.charCodeAt(0)};`);
  return `"${escaped.replace(/\r?\n/g, " ")}"`;
}
