/**
 * What the caller of a build gives its steps: plain values.
 *
 * @module
 */
import type { HostEntry, Resources, Ulimit } from "../graph/op.ts";

/** Where a secret of the build comes from: exactly one of file, variable and value. */
export interface SecretSource {
  readonly id: string;
  /** A file of at most 500 KiB. */
  readonly src?: string;
  /** A variable of the environment. */
  readonly env?: string;
  readonly value?: string | Uint8Array;
}

/** An SSH agent of the build. */
export interface SshSource {
  /** `default` is what mounts ask for that name none. */
  readonly id: string;
  /** One socket of an agent, or files of private keys; `SSH_AUTH_SOCK` if absent. */
  readonly paths?: readonly string[];
}

/** What the steps of a build get beside what the recipe says. */
export interface StepOptions {
  readonly secrets?: readonly SecretSource[];
  readonly ssh?: readonly SshSource[];
  /** Privileges that steps may ask for: `security.insecure`. */
  readonly allow?: readonly string[];
  /** Lines of /etc/hosts for all steps; a step's own win. */
  readonly hosts?: readonly HostEntry[];
  /** Size of /dev/shm for steps that name none. */
  readonly shmSizeBytes?: number;
  /** Limits for all steps; a step's own win. */
  readonly ulimits?: readonly Ulimit[];
  /** For all steps; a step's own win. */
  readonly resources?: Resources;
  /** For steps that name none. */
  readonly stepTimeoutMs?: number;
  /** The network of steps whose own is "default". */
  readonly network?: "default" | "none" | "host";
  /** What runs steps: the name of an executor. Unless given: what `LAYERWRIGHT_EXECUTOR` says, else the first that can. */
  readonly executor?: string;
}
