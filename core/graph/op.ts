/**
 * The closed set of operations a graph is made of. Everything here is plain JSON: the *definition* of an
 * operation, and all of it is hashed. What must not influence a digest (source lines, labels for people)
 * lives in {@link VertexMetadata}.
 *
 * The set mirrors BuildKit's LLB (source, exec, file, merge, diff), so that a graph can be emitted as LLB;
 * the image config, which LLB leaves to its exporter, is carried as operations of its own.
 *
 * Inputs are not part of an op: a vertex lists them as edges, and an op refers to them by position.
 *
 * Over 300 lines: the set is closed, and to be read as a whole.
 *
 * @module
 */

/** One operation. */
export type Op = SourceOp | ContextOp | CopyOp | FileOp | RunOp | MergeOp | DiffOp | ConfigOp;

/** The name of each kind of operation. */
export type OpType = Op["type"];

/** The identifier of the source that has no files. */
export const SCRATCH = "scratch://";

/** A target platform, in the words of the OCI image index. */
export interface OpPlatform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/**
 * Files from outside the graph, by an identifier as in LLB: a scheme and its own rest.
 * `scratch://` (nothing at all), `docker-image://docker.io/library/debian:12`, `oci-layout://…`;
 * plugins add schemes (`host-executable://bun`). No inputs.
 */
export interface SourceOp {
  readonly type: "source";
  readonly identifier: string;
  /** Further settings of this scheme, all strings. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly platform: OpPlatform;
}

/**
 * A directory of the machine that builds. The path is not part of the definition (the same recipe in
 * another folder is the same graph): it is found by `name` in {@link Graph.contexts}. No inputs.
 */
export interface ContextOp {
  readonly type: "context";
  /** `default` for the context of the build; `context-1`… in order of appearance, or a name given. */
  readonly name: string;
  /** Patterns as in `.dockerignore`; only paths that match one are seen. Empty: all are. */
  readonly include: readonly string[];
  /** Patterns as in `.dockerignore`, added after those of the context's own ignore file. */
  readonly ignore: readonly string[];
}

/** Which owner copied files get. Names are looked up in the passwd and group files of the destination. */
export interface OwnerSpec {
  readonly user: string;
  /** Absent: the number of the user, as in BuildKit. */
  readonly group?: string;
}

/** How the permission bits of copied files come about. */
export type ModePolicy =
  /** 0644 and 0755 by the executable bit, directories 0755: independent of umask and checkout. */
  | { readonly kind: "executable-bit" }
  /** All bits as in the source. */
  | { readonly kind: "preserve" }
  /** `chmod` notation: octal digits (`0750`) or symbolic (`u=rwX,go=rX`). */
  | { readonly kind: "chmod"; readonly spec: string };

/**
 * Copies files. Inputs: 0 = what is copied onto, 1 = where from (a context, or another state's files).
 * Without an input 1, the sources are the {@link CopyOp.inline} files alone.
 */
export interface CopyOp {
  readonly type: "copy";
  /** COPY, or ADD (which extracts archives): decides the words in history, and the default of `extract`. */
  readonly instruction: "COPY" | "ADD";
  /** Paths and wildcards below the root of input 1. */
  readonly sources: readonly string[];
  /** Files whose content stands in the recipe (a Dockerfile's heredocs). */
  readonly inline: readonly InlineFile[];
  /** Destination; relative ones are below the working directory in force. A trailing slash means a directory. */
  readonly destination: string;
  readonly owner?: OwnerSpec;
  readonly mode: ModePolicy;
  /** Keep the source's modification times (clamped to the epoch) instead of setting the epoch. */
  readonly keepTimes: boolean;
  /** Lay the files into an empty layer, blind to the destination (`COPY --link`). */
  readonly link: boolean;
  /** Keep the directories of each source path (`COPY --parents`). */
  readonly parents: boolean;
  /** Patterns of paths below each source to leave out. */
  readonly exclude: readonly string[];
  /** A source that does not exist is no error. */
  readonly optional: boolean;
  /** Extract sources that are tar archives by content: never, local ones as ADD does, or all. */
  readonly extract: "never" | "local" | "always";
}

/** A file written in the recipe itself. */
export interface InlineFile {
  readonly name: string;
  readonly text: string;
}

/** Changes to files that need no source. Input: 0 = what is changed. */
export interface FileOp {
  readonly type: "file";
  /**
   * Set when a WORKDIR made this vertex: it speaks for both in history. Its path may be relative to the
   * working directory in force, and a directory without an owner belongs to the user in force.
   */
  readonly instruction?: "WORKDIR";
  readonly actions: readonly FileAction[];
}

/** One change of a {@link FileOp}, in order. */
export type FileAction =
  /** Creates a directory and its missing parents; one that exists keeps its metadata. */
  | {
    readonly kind: "mkdir";
    readonly path: string;
    readonly mode: number;
    readonly owner?: OwnerSpec;
  }
  | {
    readonly kind: "mkfile";
    readonly path: string;
    readonly mode: number;
    readonly text: string;
    readonly owner?: OwnerSpec;
  }
  | { readonly kind: "symlink"; readonly path: string; readonly target: string }
  /** Removes a file or a whole directory. */
  | { readonly kind: "rm"; readonly path: string; readonly optional: boolean };

/** What a process runs: a line for the shell in force, or an argument vector. */
export type Command =
  | { readonly form: "shell"; readonly script: string }
  | { readonly form: "exec"; readonly args: readonly string[] };

/**
 * Runs a program in the files so far. Inputs: 0 = root file system; further ones are named by `input` of mounts.
 * Environment, working directory, user and shell are those in force at this vertex, unless given here.
 */
export interface RunOp {
  readonly type: "run";
  readonly command: Command;
  readonly mounts: readonly Mount[];
  readonly network: "default" | "none" | "host";
  readonly security: "sandbox" | "insecure";
  /** Added to the environment of this step only, name to value. */
  readonly environment: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly workingDirectory?: string;
  /** After this many milliseconds the step is ended. */
  readonly timeoutMs?: number;
  /** Lines of the step's /etc/hosts beyond those every step has. */
  readonly hosts?: readonly HostEntry[];
  /** Size of /dev/shm; 64 MiB if absent. */
  readonly shmSizeBytes?: number;
  /** Each name once. */
  readonly ulimits?: readonly Ulimit[];
  readonly resources?: Resources;
  /** Absent: an earlier result is used whenever nothing that the step depends on has changed. */
  readonly cache?: CachePolicy;
}

/** A name that a step finds in its /etc/hosts. */
export interface HostEntry {
  readonly name: string;
  /** An IPv4 or IPv6 address. */
  readonly address: string;
}

/** A limit of setrlimit(2). */
export interface Ulimit {
  /** Lower case without `RLIMIT_`, as in limits.conf(5) and docker: `nofile`, `nproc`, `core`… */
  readonly name: string;
  /** -1: no limit. */
  readonly soft: number;
  /** At least `soft`; -1: no limit. */
  readonly hard: number;
}

/** What a step may use at most, where control groups can be had. They are in no key: they decide whether, not what. */
export interface Resources {
  /** Memory of all its processes together. */
  readonly memoryBytes?: number;
  /** Processes and threads at a time. */
  readonly pids?: number;
}

/** When an earlier result of a step may be used, beyond the rule that all it depends on must be the same. */
export type CachePolicy =
  /** Not at all: the step runs in every build. */
  | "never"
  /** For so many milliseconds after it was made. */
  | { readonly ttlMs: number }
  /** As long as this text is the same: a day, a version, a digest of something that the step fetches. */
  | { readonly key: string };

/** What `RUN --mount` attaches for one step. Targets are absolute or below the working directory. */
export type Mount = BindMount | CacheMount | TmpfsMount | SecretMount | SshMount;

/** A view of another input's files; writes are thrown away. */
export interface BindMount {
  readonly type: "bind";
  readonly target: string;
  /** Which input of the vertex. */
  readonly input: number;
  /** Path within that input; `/` for all of it. */
  readonly source: string;
  readonly readWrite: boolean;
}

/** A directory that outlives the build; never part of a layer, and never in a key. */
export interface CacheMount {
  readonly type: "cache";
  readonly target: string;
  readonly id: string;
  readonly sharing: "shared" | "private" | "locked";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly readOnly: boolean;
  /** Input and path that fill a new cache. */
  readonly input?: number;
  readonly source?: string;
}

/** Memory that vanishes with the step. */
export interface TmpfsMount {
  readonly type: "tmpfs";
  readonly target: string;
  readonly sizeBytes?: number;
}

/** A secret of the build, as a file, an environment variable, or both. Its value is never hashed nor stored. */
export interface SecretMount {
  readonly type: "secret";
  readonly id: string;
  readonly target?: string;
  readonly environment?: string;
  readonly required: boolean;
  /** A step of another value is another step: a salted digest of it is in the key. */
  readonly invalidates?: true;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** The socket of an SSH agent. */
export interface SshMount {
  readonly type: "ssh";
  readonly id: string;
  readonly target?: string;
  readonly required: boolean;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** The layers of all inputs, stacked in order. */
export interface MergeOp {
  readonly type: "merge";
}

/** One layer that turns the files of input 0 into those of input 1. */
export interface DiffOp {
  readonly type: "diff";
}

/** Changes what the image says, never its files. Input: 0 = what is changed. */
export interface ConfigOp {
  readonly type: "config";
  readonly change: ConfigChange;
}

/** One change of the image config (or of the build's own scope: `arg`). */
export type ConfigChange =
  | { readonly kind: "env"; readonly variables: readonly NameValue[] }
  /** Build arguments: seen by later steps' environment, not by the image. No value: declared, not set. */
  | { readonly kind: "arg"; readonly variables: readonly OptionalNameValue[] }
  | {
    readonly kind: "label";
    readonly labels: readonly NameValue[];
    /** Leaves no entry in history, as labels that are given to the build and not in the recipe. */
    readonly unrecorded?: true;
  }
  /** Only the config's part of WORKDIR; the directory itself is a {@link FileOp}. */
  | { readonly kind: "workdir"; readonly path: string }
  | { readonly kind: "user"; readonly user: string }
  | { readonly kind: "expose"; readonly ports: readonly string[] }
  | { readonly kind: "volume"; readonly paths: readonly string[] }
  | {
    readonly kind: "entrypoint";
    readonly command: Command;
    /** The command in force was set in the same stage and stays; an inherited one is emptied. */
    readonly keepsCommand?: true;
  }
  | { readonly kind: "cmd"; readonly command: Command }
  | { readonly kind: "shell"; readonly shell: readonly string[] }
  | { readonly kind: "healthcheck"; readonly healthcheck: Healthcheck }
  | { readonly kind: "stop-signal"; readonly signal: string }
  | { readonly kind: "onbuild"; readonly instruction: string }
  | { readonly kind: "author"; readonly author: string }
  /** Annotations of the image's manifest. */
  | { readonly kind: "annotation"; readonly annotations: readonly NameValue[] };

/** A variable, label or annotation. */
export interface NameValue {
  readonly name: string;
  readonly value: string;
}

/** A build argument; without a value it is declared and not set. */
export interface OptionalNameValue {
  readonly name: string;
  readonly value?: string;
}

/** A container's health check; `none` turns an inherited one off. Absent numbers inherit the default. */
export type Healthcheck =
  | { readonly kind: "none" }
  | {
    readonly kind: "test";
    readonly command: Command;
    readonly intervalMs?: number;
    readonly timeoutMs?: number;
    readonly startPeriodMs?: number;
    readonly startIntervalMs?: number;
    readonly retries?: number;
  };
