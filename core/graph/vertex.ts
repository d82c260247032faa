/**
 * A vertex: an op, its inputs, and what people should know about it.
 *
 * @module
 */
import type { SourceLocation } from "../errors.ts";
import { type Digest, sha256 } from "../oci/digest.ts";
import { canonicalJson } from "./canonical_json.ts";
import type { Op } from "./op.ts";

/** Names a vertex by its definition: the op and, through their digests, everything beneath it. */
export type VertexDigest = Digest & { readonly vertex: true };

/** One operation and the vertices it works on. */
export interface Vertex {
  readonly digest: VertexDigest;
  readonly op: Op;
  readonly inputs: readonly VertexDigest[];
}

/** What never changes a digest: for progress, errors and explanations. */
export interface VertexMetadata {
  /** The user's line that made this vertex. */
  readonly at?: SourceLocation;
  /** The stage's name, for progress (`[build 2/4]`). */
  readonly stage?: string;
  /** The step in a Dockerfile's words: `RUN bun build`. */
  readonly label?: string;
}

/**
 * The digest of a definition: of the op and the digests of its inputs, in canonical JSON.
 *
 * @example Inputs count
 * ```ts
 * import assert from "node:assert/strict";
 * import { vertexDigest } from "./vertex.ts";
 * assert.notEqual(vertexDigest({ type: "merge" }, []), vertexDigest({ type: "diff" }, []));
 * ```
 */
export function vertexDigest(op: Op, inputs: readonly VertexDigest[]): VertexDigest {
  return sha256<VertexDigest>(canonicalJson({ inputs, op }));
}

/** Makes a vertex with its digest. */
export function createVertex(op: Op, inputs: readonly VertexDigest[]): Vertex {
  return { digest: vertexDigest(op, inputs), op, inputs };
}
