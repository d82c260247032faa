/**
 * The seam between the engine and whatever can run a program in a root file system.
 *
 * An executor opens one session per build: a worker in a mount and pid namespace of its own, so that no
 * mount and no process outlives it, whatever kills it. All requests and answers are plain JSON data, so that
 * a session may as well be at the other end of a pipe.
 *
 * @module
 */
import type { HostEntry, Resources, Ulimit } from "../graph/op.ts";
import type { WrittenLayer } from "../layer/write_layer.ts";

/** A feature an executor found or missed. */
export interface ProbeFinding {
  /** `overlay`, `user-namespace`, `crun`… */
  readonly name: string;
  readonly found: boolean;
  /** The version or kind when found, the reason when not. */
  readonly detail: string;
  /** What to do about a missing one. */
  readonly fix?: string;
  /** Steps can run without it: more slowly, or less well fenced in. */
  readonly optional?: true;
}

/** What an executor can do here. */
export interface ExecutorProbe {
  /** False: it cannot run anything here; `findings` say why. */
  readonly usable: boolean;
  readonly findings: readonly ProbeFinding[];
  /**
   * Which unpacked trees this executor can share: two with the same variant see the same owners on disk
   * (`root`; `user-1000-single`, …). Absent: what a session unpacks is not on this machine, and gone with it.
   */
  readonly snapshotVariant?: string;
  /** The user named this very executor: where it cannot run anything, none after it is asked. */
  readonly required?: true;
}

/** Runs programs for a build. Which one ran a step is in no key: all give the same layer. */
export interface Executor {
  readonly name: string;
  /**
   * Looks, changes nothing.
   *
   * @throws {LayerwrightError} `RUN_WORKER_FAILED` when the machine that the user named cannot be asked.
   */
  probe(): Promise<ExecutorProbe>;
  open(options: ExecSessionOptions): Promise<ExecSession>;
}

/**
 * What of a session's surroundings can be made other than usual, to find out whether a step depends on it: the umask of
 * whoever starts it, fewer processors, directories that list their entries in another order.
 */
export type SessionVariation = "umask" | "cpus" | "directory-order";

/** What a session needs to know once. */
export interface ExecSessionOptions {
  /** A folder of the session's own inside the store, on the same file system as the snapshots; removed on close. */
  readonly workDirectory: string;
  /** Where an executor may keep what is costly to make for other sessions; nothing is lost with it. */
  readonly cacheDirectory?: string;
  /** Ends the session and all it runs. */
  readonly signal?: AbortSignal;
  /** Steps may ask for the terminal of this process: see {@link RunRequest.terminal}. */
  readonly terminal?: boolean;
  /** What is to be other than usual; see {@link ExecSession.variations}. */
  readonly variations?: readonly SessionVariation[];
}

/** One build's worker. */
export interface ExecSession extends AsyncDisposable {
  /**
   * Those of the variations asked for that are in force; none where absent. With `directory-order`, layers have to be
   * unpacked below {@link ExecSessionOptions.workDirectory}, where nobody but the session sees them.
   */
  readonly variations?: readonly SessionVariation[];
  /** Unpacks one layer as an overlay lower directory (with `lowers` beneath it, topmost first). */
  unpack(request: UnpackRequest): Promise<void>;
  /** Runs one step. Resolves for every exit code; rejects when the step could not be run at all. */
  run(request: RunRequest, output: RunOutput, signal?: AbortSignal): Promise<RunResult>;
  /**
   * Writes a directory of this machine as a tar, as no other process could whose files belong to ids that only the
   * session maps. Absent where steps run on another machine.
   *
   * @throws {LayerwrightError} `LAYER_NAME_RESERVED`, `LAYER_INVALID` for names that no layer can have.
   */
  pack?(request: PackRequest): Promise<PackResult>;
  /** Removes directories whose files may belong to ids that only the session maps. */
  remove(directories: readonly string[]): Promise<void>;
}

/** Which layer becomes which directory. */
export interface UnpackRequest {
  /** An uncompressed layer tar. */
  readonly tarPath: string;
  /** Unpacked layers beneath, topmost first. */
  readonly lowers: readonly string[];
  /** An empty directory that exists; may be partly filled when the call rejects. */
  readonly directory: string;
}

/** Which directory becomes which tar. */
export interface PackRequest {
  /** Absolute; nobody may write to it meanwhile. */
  readonly directory: string;
  /** What it is called in the tar: a name without slashes. Its own mode and owner are there too. */
  readonly name: string;
  /** Files beside it, owned by root, mode 0644, of the time 0. */
  readonly texts: readonly { readonly name: string; readonly text: string }[];
  /** A file that does not exist yet. */
  readonly tarPath: string;
}

/** A packed directory. Equal files (with their modes, owners and times) give equal tars. */
export interface PackResult {
  readonly layer: WrittenLayer;
  /** What was left out: sockets. */
  readonly notes: readonly string[];
}

/** One mount of a step, resolved to what is on disk. */
export type ResolvedMount =
  /** Unpacked layers, topmost first; `source` is a path inside them. Writes are thrown away. */
  | {
    readonly type: "layers";
    readonly target: string;
    readonly lowers: readonly string[];
    readonly source: string;
    readonly readWrite: boolean;
  }
  /** A directory of this machine. */
  | {
    readonly type: "directory";
    readonly target: string;
    readonly path: string;
    readonly readOnly: boolean;
  }
  | { readonly type: "tmpfs"; readonly target: string; readonly sizeBytes?: number }
  /** A Unix socket of this machine; the step sees it with this mode and owner. */
  | {
    readonly type: "socket";
    readonly target: string;
    readonly path: string;
    readonly mode: number;
    readonly uid: number;
    readonly gid: number;
  }
  /** Written to memory only, readable as `mode`, `uid`, `gid` say. */
  | {
    readonly type: "secret";
    readonly target: string;
    readonly base64: string;
    readonly mode: number;
    readonly uid: number;
    readonly gid: number;
  };

/** One step, as the worker gets it: everything is decided, nothing is looked up but users and groups. */
export interface RunRequest {
  /** Unpacked layers of the root, topmost first; empty for a root with no files. */
  readonly lowers: readonly string[];
  /** The argument vector, at least one element. */
  readonly args: readonly string[];
  /**
   * Argument vectors to choose from instead: the first whose program the root has is run. A shell, for people who want
   * to look around.
   */
  readonly candidates?: readonly (readonly string[])[];
  /** `NAME=value`, in order, no name twice. */
  readonly environment: readonly string[];
  /** Absolute; exists in the root. */
  readonly workingDirectory: string;
  /** As in the image config: empty, `name`, `uid`, `name:group`, `uid:gid`; resolved in the root's own files. */
  readonly user: string;
  readonly hostname: string;
  readonly network: "default" | "none" | "host";
  readonly security: "sandbox" | "insecure";
  /** Lines of /etc/hosts beyond those every step has. */
  readonly hosts?: readonly HostEntry[];
  /** Size of /dev/shm; 64 MiB if absent. */
  readonly shmSizeBytes?: number;
  readonly ulimits?: readonly Ulimit[];
  /** What cannot be limited here is said in the notes of the result. */
  readonly resources?: Resources;
  readonly mounts: readonly ResolvedMount[];
  /** Modification times later than this many seconds become it. */
  readonly epochSeconds: number;
  /** Where the layer made of the step's changes goes when it exits with 0. */
  readonly layerPath?: string;
  /** Where the step's changes go as an overlay lower directory when it exits with 0; created by the session. */
  readonly upperDirectory?: string;
  /**
   * Where the step's changes go as an overlay lower directory when it exits with anything else; created by the session.
   */
  readonly failedDirectory?: string;
  readonly timeoutMs?: number;
  /**
   * The step reads the standard input of the engine's process, for people who want to look around. If that is a
   * terminal, the step has it to itself and writes to it, instead of to {@link RunOutput}. Only in sessions opened with
   * {@link ExecSessionOptions.terminal}. A working directory that is not there is the root.
   */
  readonly terminal?: boolean;
}

/** Takes the step's output as it comes. */
export interface RunOutput {
  write(stream: "stdout" | "stderr", bytes: Uint8Array): void;
}

/** How a step ended. */
export interface RunResult {
  /** 0 to 255; 128 + n when signal n ended it. */
  readonly exitCode: number;
  readonly timedOut: boolean;
  /** The kernel ended a process of it that would have gone over {@link Resources.memoryBytes}. */
  readonly outOfMemory?: boolean;
  /** The step's changes, when it exited with 0 and a layer was asked for. */
  readonly layer?: WrittenLayer;
  /** What the user should know: sockets left out, a limit that could not be set. */
  readonly notes: readonly string[];
}
