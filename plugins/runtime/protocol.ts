/**
 * What a session and its worker say to each other: one JSON value per line, over the worker's stdin and stdout.
 *
 * @module
 */
import type { ErrorCode } from "../../core/errors.ts";
import type { PackRequest, RunRequest, RunResult, UnpackRequest } from "../../core/mod.ts";

/** What runs a step inside a worker. */
export type RuntimeName = "crun" | "runc" | "util";

/** How much of the host's user ids a worker has. */
export type Privileges =
  /** Real root. */
  | "root"
  /** Root of a user namespace with a range of subordinate ids. */
  | "user-range"
  /** Root of a user namespace that maps one id alone. */
  | "user-single";

/** The first line. */
export interface WorkerOptions {
  readonly runtime: RuntimeName;
  readonly privileges: Privileges;
  /** Steps have no process numbers of their own, since no /proc for them can be mounted here. */
  readonly sharesProcesses?: boolean;
  readonly workDirectory: string;
  /** Where what is costly to make may be kept for other workers. */
  readonly cacheDirectory?: string;
  /** The work directory is to be in memory, where directories list their entries in another order than on a disk. */
  readonly inMemory?: boolean;
}

/** Every line after it. */
export type WorkerRequest =
  | { readonly id: number; readonly type: "unpack"; readonly request: UnpackRequest }
  | {
    readonly id: number;
    readonly type: "run";
    readonly request: RunRequest;
    /** Files of control groups: "0" written to them puts the writing process in. */
    readonly entrances: readonly string[];
  }
  | { readonly id: number; readonly type: "pack"; readonly request: PackRequest }
  | { readonly id: number; readonly type: "remove"; readonly directories: readonly string[] }
  /** Ends the step of that id. */
  | { readonly id: number; readonly type: "cancel" };

/** A {@link LayerwrightError} as data. */
export interface ErrorData {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: readonly string[];
  readonly hint?: string | undefined;
}

/** What a worker answers. */
export type WorkerMessage =
  | { readonly type: "ready" }
  | {
    readonly type: "output";
    readonly id: number;
    readonly stream: "stdout" | "stderr";
    readonly base64: string;
  }
  | { readonly type: "done"; readonly id: number; readonly result?: RunResult }
  | { readonly type: "failed"; readonly id: number; readonly error: ErrorData };
