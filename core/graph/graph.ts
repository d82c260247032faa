/**
 * A whole build as data: vertices by digest, the results asked for, and where contexts are.
 *
 * @module
 */
import type { Vertex, VertexDigest, VertexMetadata } from "./vertex.ts";

/** Version of the JSON form; another number is refused with `GRAPH_SCHEMA_UNSUPPORTED`. */
export const GRAPH_SCHEMA = 1;

/** One result of a build. */
export interface GraphTarget {
  readonly name: string;
  readonly vertex: VertexDigest;
}

/** Where the files of a context are on the machine that builds: never hashed. */
export interface GraphContext {
  /** Absolute, or relative to the folder that the build was started for. */
  readonly path: string;
}

/**
 * A build. `vertices` is in topological order: inputs before those who use them, ties in order of appearance.
 */
export interface Graph {
  readonly vertices: ReadonlyMap<VertexDigest, Vertex>;
  readonly targets: readonly GraphTarget[];
  readonly metadata: ReadonlyMap<VertexDigest, VertexMetadata>;
  readonly contexts: ReadonlyMap<string, GraphContext>;
}
