/**
 * What a verification is told and what it answers: plain values.
 *
 * @module
 */
import type { BuildOptions } from "../build/build_options.ts";
import type { SourceLocation } from "../errors.ts";
import type { Variation } from "../execute/step_reruns.ts";
import type { VertexDigest } from "../graph/vertex.ts";
import type { DifferingField } from "../layer/layer_differences.ts";

/** What a verification can be told: of what a build can, all that does not make or name an image. */
export interface VerifyOptions extends
  Pick<
    BuildOptions,
    Exclude<keyof BuildOptions, "tags" | "outputs" | "compression">
  > {
  /** Only steps with this number, or this in their name, whatever the case. */
  readonly step?: string;
}

/** Why a file differs, as far as running the step again can tell. */
export type DifferenceCause =
  /** It holds the time of the run. */
  | "time"
  /** It differs whenever the step runs: random numbers, process ids, what runs side by side. */
  | "every-run"
  /** Two runs now agree with each other and not with the earlier one: the network, a cache, the date, the kernel. */
  | "since-then"
  /** It differs under this variation, and under no other. */
  | Exclude<Variation, "time">;

/** One field of one file of a step's layer. */
export interface FileDifference {
  /** Relative to the root, no slash in front. */
  readonly path: string;
  readonly field: DifferingField;
  /** What the stored layer has. */
  readonly stored: string;
  /** What the step made when it ran again. */
  readonly again: string;
  /** Content: the first byte that differs, from 0. */
  readonly offset?: number;
  readonly cause: DifferenceCause;
}

/** One RUN step that ran again. */
export interface VerifiedStep {
  readonly vertex: VertexDigest;
  /** Its place among the RUN steps, from 1. */
  readonly number: number;
  readonly name: string;
  readonly at?: SourceLocation;
  /** `failed`: it exited with another code than 0 when it ran again. */
  readonly outcome: "same" | "differs" | "failed";
  /** How often it ran again. */
  readonly runs: number;
  readonly differences: readonly FileDifference[];
  /** What was other than usual in one of the runs. */
  readonly varied: readonly Variation[];
  /** How it failed. */
  readonly failure?: string;
}

/** What became of the RUN steps of an image. */
export interface VerifyResult {
  /** All of them made what they had made before. */
  readonly reproducible: boolean;
  readonly steps: readonly VerifiedStep[];
}
