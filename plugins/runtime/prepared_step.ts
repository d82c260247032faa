/**
 * A step after everything is looked up and mounted: what a runtime needs to start it.
 *
 * @module
 */
import type { Ulimit } from "../../core/mod.ts";
import type { StepUser } from "./users.ts";

/** One mount in the words of the OCI runtime-spec (config.md, "Mounts"). */
export interface MountSpec {
  /** Absolute inside the root, without symlinks. */
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

/** A step that can be started. */
export interface PreparedStep {
  /** Names the step within its session. */
  readonly name: string;
  /** The mounted root. */
  readonly root: string;
  readonly args: readonly string[];
  /** `NAME=value`; HOME is among them. */
  readonly environment: readonly string[];
  readonly workingDirectory: string;
  readonly user: StepUser;
  readonly hostname: string;
  readonly ownNetwork: boolean;
  /** Its processes are in the pid namespace of the worker, which is not the worker's alone. */
  readonly sharesProcesses: boolean;
  /** All privileges that the worker has: no seccomp filter, no capability dropped. */
  readonly insecure: boolean;
  /** Checked: they can be set. */
  readonly ulimits: readonly Ulimit[];
  /** Files of control groups that the step's first process gets into by writing "0" to each, before it is the step. */
  readonly entrances: readonly string[];
  /** proc, sys, dev, then the step's own; in order. */
  readonly mounts: readonly MountSpec[];
  readonly readOnlyPaths: readonly string[];
  /** A directory with the step's device nodes. */
  readonly devices: string;
  /** Reads the worker's stdin, and writes to its stdout if that is a terminal. Absent: there is nothing to read. */
  readonly input?: "terminal" | "stream";
  /** A directory in memory, for the runtime's own files about this step. */
  readonly scratch: string;
}

/** A started step. */
export interface RunningStep {
  /** 0 to 255, when the step and all it started have ended and all output is written. */
  readonly exitCode: Promise<number>;
  /** Asks it to end: SIGTERM. */
  terminate(): void;
  /** Ends it and all it started. */
  kill(): void;
}

/** Takes the output of a step as it comes; no more of that stream is read before a promise it returns resolves. */
export type OutputSink = (
  stream: "stdout" | "stderr",
  bytes: Uint8Array,
) => Promise<void> | undefined;

/** What starts steps. */
export interface StepRuntime {
  start(step: PreparedStep, output: OutputSink): RunningStep;
}
