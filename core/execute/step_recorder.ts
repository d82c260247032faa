/**
 * The seam between the work on a graph and whoever keeps a record of it.
 *
 * @module
 */
import type { RunOp } from "../graph/op.ts";
import type { Vertex, VertexDigest } from "../graph/vertex.ts";
import type { RunResult } from "./executor.ts";
import type { RunInputs } from "./run.ts";
import type { VertexResult } from "./vertex_result.ts";

/** Is told what steps work on and what comes of them. Must not throw. */
export interface StepRecorder {
  /** Work on a vertex begins; its inputs are there. */
  reached(vertex: Vertex, inputs: readonly VertexResult[]): void;
  /** A vertex has its result. */
  made(vertex: VertexDigest, result: VertexResult): void;
  /** What a RUN step would run with, whether or not it has to. */
  described(vertex: Vertex & { readonly op: RunOp }, inputs: RunInputs): void;
  /**
   * Where a step's changes go if it fails; undefined where they are not to be kept.
   *
   * @param variant As `ExecutorProbe.snapshotVariant`.
   */
  failedDirectory(vertex: VertexDigest, variant: string): string | undefined;
  /** A program has ended. */
  ended(vertex: VertexDigest, result: RunResult): void;
}
