/**
 * What a build tells while it works, as plain data; reporters turn it into text.
 *
 * @module
 */
import type { SourceLocation } from "../errors.ts";
import type { VertexDigest } from "../graph/vertex.ts";
import type { InputDifference } from "./explain.ts";

/** Why a vertex has to be executed: one line for people, from the first input that differs. */
export interface MissReason {
  readonly text: string;
  /** Absent when no input differs: the cache is off, or there is no earlier result. */
  readonly difference?: InputDifference;
}

/** One thing that happened. Times are milliseconds since the epoch. */
export type ProgressEvent =
  /** All that the build may work on, once, before anything starts. */
  | { readonly type: "plan"; readonly vertices: readonly ProgressVertex[] }
  | { readonly type: "started"; readonly vertex: VertexDigest; readonly timeMs: number }
  /** The result was there already. Comes instead of `completed`; a copy that had to read its files first has started. */
  | { readonly type: "cached"; readonly vertex: VertexDigest; readonly timeMs: number }
  | { readonly type: "missed"; readonly vertex: VertexDigest; readonly reason: MissReason }
  | {
    readonly type: "log";
    readonly vertex: VertexDigest;
    readonly stream: "stdout" | "stderr";
    readonly bytes: Uint8Array;
    readonly timeMs: number;
  }
  /** A part of a vertex: bytes read, a layer exported. `total` where it is known. */
  | {
    readonly type: "status";
    readonly vertex: VertexDigest;
    readonly id: string;
    readonly current: number;
    readonly total?: number;
    readonly timeMs: number;
    readonly done: boolean;
  }
  | { readonly type: "warning"; readonly vertex?: VertexDigest; readonly text: string }
  | { readonly type: "completed"; readonly vertex: VertexDigest; readonly timeMs: number }
  | {
    readonly type: "failed";
    readonly vertex: VertexDigest;
    readonly timeMs: number;
    /** One line. */
    readonly error: string;
    readonly cancelled: boolean;
    /** The file with all that the step printed, where one is kept. */
    readonly log?: string;
  };

/** A vertex as progress shows it. Steps of the engine itself (exporting) have a digest of their name. */
export interface ProgressVertex {
  readonly digest: VertexDigest;
  readonly inputs: readonly VertexDigest[];
  /** `[build 2/4] RUN bun build`, `[internal] load build context`, `exporting to image`. */
  readonly name: string;
  readonly at?: SourceLocation;
}

/** Takes events in order. Must not throw, must not block. */
export interface ProgressReporter {
  event(event: ProgressEvent): void;
  /** Ends the display; the last line is complete. */
  close(): void;
}
