/**
 * What a build is told and what it answers: plain values.
 *
 * @module
 */
import type { AnyImage } from "../dsl/image_builder.ts";
import type { SourceLocation } from "../errors.ts";
import type { StepOptions } from "../execute/step_options.ts";
import type { Graph } from "../graph/graph.ts";
import type { VertexDigest } from "../graph/vertex.ts";
import type { Compression } from "../layer/compression.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { BlobDigest, ImageID } from "../oci/digest.ts";
import type { InputDifference } from "../solve/explain.ts";
import type { ProgressReporter } from "../solve/progress.ts";

/** What can be built: an image of the DSL, or a graph that came from somewhere else. */
export type BuildTarget = AnyImage | Graph;

/** One place where a finished image goes, besides the store. */
export interface OutputSpec {
  /** The name of an exporter: `oci`, `docker`, `tar`, `local`… */
  readonly type: string;
  /** A file or folder, or `-` for the stream that `write` feeds. */
  readonly dest: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly write?: (bytes: Uint8Array) => void;
}

/** What decides which graph a recipe becomes. */
export interface GraphOptions {
  /** `linux/arm64`; the platform of this machine, on Linux, unless given. */
  readonly platform?: string;
  /** A stage of the image, by name; the last one unless given. */
  readonly target?: string;
  /** Values for `.arg()`. */
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** Names of those that the recipe itself has read: no step has to declare them. */
  readonly readArgs?: Iterable<string>;
  /** Set after all labels of the recipe. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Annotations of the manifest, set after all of the recipe. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What a plan can be told. */
export interface PlanOptions extends GraphOptions, StepOptions {
  /** The folder that relative context paths begin at; the working directory unless given. */
  readonly contextDirectory?: string;
  /** Use no earlier result. */
  readonly noCache?: boolean;
  /** Stages whose earlier results are not used. */
  readonly noCacheFilter?: readonly string[];
  /**
   * Read every file of the build contexts. Otherwise files that are where they were, with the device, inode, size and
   * times they had, are known by the digests that an earlier build computed.
   */
  readonly paranoid?: boolean;
  /** The latest modification time in layers, and the time the image was created, in seconds since the epoch. */
  readonly epochSeconds?: number;
  /**
   * Compresses the image at once, and says how: `gzip` (`gzip:1` to `gzip:3`), `zstd` (`zstd:1` to `zstd:19`) or
   * `uncompressed`. Otherwise layers are compressed, as `gzip`, once the image leaves or its digest is asked for. The
   * store keeps the same image either way; tags note how it leaves.
   */
  readonly compression?: Compression;
  /** Ends the build. */
  readonly signal?: AbortSignal;
}

/** What a build can be told. */
export interface BuildOptions extends PlanOptions {
  /** References the image gets in the store. */
  readonly tags?: readonly string[];
  readonly outputs?: readonly OutputSpec[];
  /**
   * `auto`, `plain`, `tty`, `rawjson`, `quiet`, `none`, or a reporter, which the caller closes. Unless given: what
   * `BUILDKIT_PROGRESS` says, else `auto`.
   */
  readonly progress?: string | ProgressReporter;
  /** How many RUN steps at a time; as many as there are processors unless given. */
  readonly concurrency?: number;
}

/** How a step of a build came to its result. */
export interface BuiltStep {
  readonly vertex: VertexDigest;
  readonly name: string;
  readonly outcome: "hit" | "run";
}

/** What a build made. */
export interface BuildResult {
  /** Of the image config: names the image, however its layers are compressed. */
  readonly imageId: ImageID;
  /** The manifest in the store, whose layers are the tars themselves (or the blobs they came in, with a base image). */
  readonly descriptor: Descriptor;
  /** The manifest as it leaves, where this build made it: for `compression`, or for an output. */
  readonly encoded?: Descriptor;
  readonly tags: readonly string[];
  readonly steps: readonly BuiltStep[];
  /**
   * The digest of the manifest as it leaves: by `compression`, else by the default encoder `gz-1:2`. Compresses the
   * image when it is first asked for, unless that was done before.
   *
   * @throws {LayerwrightError} `STORE_CORRUPT`, `BLOB_MISSING` when the store no longer has the image: build again.
   */
  digest(): Promise<BlobDigest>;
}

/** What a build would do. */
export interface BuildPlan {
  readonly steps: readonly PlannedStep[];
  /** Of the image config, where it can be told without running a program. */
  readonly imageId?: ImageID;
  /**
   * Of the manifest as it leaves, where it can be told without running a program and without compressing anything: all
   * layers were compressed before. With `compression`, wherever there is an image ID.
   */
  readonly digest?: BlobDigest;
}

/** One step of a plan. */
export interface PlannedStep {
  readonly vertex: VertexDigest;
  readonly name: string;
  /** `pending`: decided only once the steps before it have run. */
  readonly outcome: "hit" | "run" | "pending";
  /** Why it is no hit. */
  readonly reason?: string;
  readonly at?: SourceLocation;
}

/** One step of a plan, and what it is that differs from the earlier step most like it. */
export interface StepExplanation extends PlannedStep {
  /** Absent for a hit, and where no input differs: see `reason`. */
  readonly difference?: InputDifference;
}
