/**
 * What an engine and a worker on another machine say to each other: one JSON value per line, over any two streams of
 * bytes. Paths of one machine mean nothing on the other: trees and layers are numbers that the engine gives out.
 *
 * The worker speaks first: {@link RemoteHello}, then {@link RemoteMachine}. An engine that only wanted to know hangs up
 * then. Else it says `open`, and what follows is as in `protocol.ts`, with layers as data on the way. The end of the
 * worker's input ends the session and all it runs.
 *
 * @module
 */
import type { DiffID, ProbeFinding, ResolvedMount, RunRequest } from "../../core/mod.ts";

/**
 * Grows with every change of these types, and with every change of the layers that equal steps make: keys of results are
 * the engine's, the results are the worker's.
 */
export const REMOTE_PROTOCOL = 1;

/** Bytes of a layer in one line: a multiple of three, so that base64 needs no padding between two. */
export const DATA_BYTES: number = 3 << 16;

/** The longest line either side reads, in bytes: a step's command line and secrets have to fit. */
export const LINE_LIMIT_BYTES: number = 32 << 20;

/** The first line of all: it never changes its form, so that any two versions can tell each other apart. */
export interface RemoteHello {
  readonly type: "hello";
  readonly protocol: number;
  /** Of the package. */
  readonly version: string;
}

/** The second: what the worker's machine can do. */
export interface RemoteMachine {
  readonly type: "machine";
  readonly usable: boolean;
  /** The executor that would run steps; absent where none can. */
  readonly executor?: string | undefined;
  readonly findings: readonly ProbeFinding[];
}

/** A mount of a step, without paths. */
export type RemoteMount =
  | {
    readonly type: "layers";
    readonly target: string;
    /** Trees, topmost first. */
    readonly lowers: readonly number[];
    readonly source: string;
    readonly readWrite: boolean;
  }
  /** A cache of the worker's machine, made when it is new. */
  | {
    readonly type: "cache";
    readonly target: string;
    readonly name: string;
    readonly readOnly: boolean;
  }
  | Extract<ResolvedMount, { readonly type: "tmpfs" | "secret" }>;

/** A step, without paths. */
export interface RemoteRun extends
  Omit<
    RunRequest,
    "lowers" | "mounts" | "layerPath" | "upperDirectory" | "failedDirectory" | "terminal"
  > {
  /** Trees, topmost first. */
  readonly lowers: readonly number[];
  readonly mounts: readonly RemoteMount[];
  /** The layer of its changes is wanted, as `layer` lines before the answer. */
  readonly layer: boolean;
  /** The tree that its changes become when it exits with 0. */
  readonly upper?: number | undefined;
  /** The tree that its changes become when it exits with anything else. */
  readonly failed?: number | undefined;
}

/** What the engine says. */
export type RemoteRequest =
  | { readonly type: "open" }
  /** The next bytes of a layer's tar, at most {@link DATA_BYTES}. */
  | { readonly type: "layer"; readonly layer: number; readonly base64: string }
  /** There are no more; they are these. */
  | { readonly type: "layer-end"; readonly layer: number; readonly diffId: DiffID }
  | {
    readonly type: "unpack";
    readonly id: number;
    readonly layer: number;
    readonly lowers: readonly number[];
    readonly tree: number;
  }
  | { readonly type: "run"; readonly id: number; readonly request: RemoteRun }
  | { readonly type: "remove"; readonly id: number; readonly trees: readonly number[] }
  | { readonly type: "cancel"; readonly id: number };

/** Bytes of the layer of the step with that id. All else a worker says after `open` is a `WorkerMessage`. */
export interface RemoteLayerData {
  readonly type: "layer";
  readonly id: number;
  readonly base64: string;
}
