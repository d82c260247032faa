/**
 * Short ways to the parts of a graph that tests look at.
 *
 * @module
 */
import type { AnyImage } from "../../core/dsl/image_builder.ts";
import { toGraph, type ToGraphOptions } from "../../core/dsl/to_graph.ts";
import type { Graph } from "../../core/graph/graph.ts";
import type { Op, OpType } from "../../core/graph/op.ts";
import type { Vertex } from "../../core/graph/vertex.ts";

/** The platform that tests build for. */
export const LINUX = { os: "linux", architecture: "amd64" } as const;

/** The graph of an image for {@link LINUX}. */
export function graphOf(image: AnyImage, options: Omit<ToGraphOptions, "platform"> = {}): Graph {
  return toGraph(image, { ...options, platform: LINUX });
}

/** The operations of one type, in order. */
export function opsOf<T extends OpType>(graph: Graph, type: T): Extract<Op, { type: T }>[] {
  return [...graph.vertices.values()].map(({ op }) => op).filter((op) =>
    op.type === type
  ) as Extract<
    Op,
    { type: T }
  >[];
}

/** The first vertex of a type. */
export function vertexOf(graph: Graph, type: OpType): Vertex {
  const vertex = [...graph.vertices.values()].find(({ op }) => op.type === type);
  if (vertex === undefined) throw new Error(`the graph has no ${type}`);
  return vertex;
}

/** What a vertex works on. */
export function inputsOf(graph: Graph, vertex: Vertex): (Op | undefined)[] {
  return vertex.inputs.map((input) => graph.vertices.get(input)?.op);
}
