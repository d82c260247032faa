/**
 * What a `run` step sees beyond the files of its image: `RUN --mount` as typed values.
 *
 * @see Dockerfile reference, "RUN --mount"
 * @module
 */
import { posix } from "node:path";
import type { CacheMount, SecretMount, SshMount, TmpfsMount } from "../graph/op.ts";
import type { FileOrigin } from "./step.ts";

/** A mount of a `run` step; `Stages` are the stage names it refers to. */
export type MountValue<Stages extends string = never> =
  | BindMountValue<Stages>
  | CacheMountValue<Stages>
  | PlainMountValue;

/** Made by {@link bindMount}. */
export interface BindMountValue<Stages extends string = never> {
  readonly type: "bind";
  readonly target: string;
  readonly source: string;
  readonly readWrite: boolean;
  readonly from?: Stages | FileOrigin;
}

/** Made by {@link cacheMount}. */
export interface CacheMountValue<Stages extends string = never>
  extends Omit<CacheMount, "input" | "source"> {
  readonly source: string;
  readonly from?: Stages | FileOrigin;
}

/** Made by {@link tmpfsMount}, {@link secretMount} and {@link sshMount}: they need no files. */
export type PlainMountValue = TmpfsMount | SecretMount | SshMount;

/** Where the files of a mount come from. */
export interface MountOriginOptions<From extends string | FileOrigin = never> {
  /** A stage by name or value, a context, a source. */
  readonly from?: From;
  /** Path within it; `/`, all of it, if absent. */
  readonly source?: string;
}

/** Options of {@link bindMount}. */
export interface BindMountOptions<From extends string | FileOrigin = never>
  extends MountOriginOptions<From> {
  /** Let the step write; what it writes is thrown away. */
  readonly readWrite?: boolean;
}

/** Who owns what a mount shows, and with which permission bits. */
export interface MountOwnerOptions {
  /** Permission bits, such as `0o700`. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** Options of {@link cacheMount}. */
export interface CacheMountOptions<From extends string | FileOrigin = never>
  extends MountOriginOptions<From>, MountOwnerOptions {
  /** Caches of one id are one directory; the cleaned target if absent. */
  readonly id?: string;
  /**
   * What steps do that use it at the same time, of this build or others: share it, have one each, or wait. `shared` if
   * absent.
   */
  readonly sharing?: "shared" | "private" | "locked";
  readonly readOnly?: boolean;
}

/** Options of {@link secretMount}. */
export interface SecretMountOptions extends MountOwnerOptions {
  /** The file it becomes; `/run/secrets/<id>` if neither this nor `env` is given. */
  readonly target?: string;
  /** The environment variable it becomes. */
  readonly env?: string;
  /** Fail the step when the build has no such secret. */
  readonly required?: boolean;
  /** Run the step again when the value is another: a salted digest of it is in the step's key. */
  readonly invalidates?: boolean;
}

/** Options of {@link sshMount}. */
export interface SshMountOptions extends MountOwnerOptions {
  /** Which agent; `default` if absent. */
  readonly id?: string;
  /** Where the socket is. */
  readonly target?: string;
  /** Fail the step when the build has no such agent. */
  readonly required?: boolean;
}

/**
 * Shows files of a context, a stage or a source to one step, without copying them.
 *
 * @param target Where: absolute, or below the working directory; not `/`.
 */
export function bindMount<const From extends string | FileOrigin = never>(
  target: string,
  options: BindMountOptions<From> = {},
): BindMountValue<Extract<From, string>> {
  const { from, source = "/", readWrite = false } = options;
  return Object.freeze({
    type: "bind",
    target,
    source: posix.join("/", source),
    readWrite,
    ...(from === undefined ? {} : { from: from as Extract<From, string> | FileOrigin }),
  });
}

/**
 * A directory that outlives the build: for the downloads of package managers and the like.
 * It is in no layer and in no key.
 *
 * @param target Where: absolute, or below the working directory; not `/`.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { cacheMount } from "./mount.ts";
 * assert.equal(cacheMount("/root/.bun/").id, "/root/.bun");
 * ```
 */
export function cacheMount<const From extends string | FileOrigin = never>(
  target: string,
  options: CacheMountOptions<From> = {},
): CacheMountValue<Extract<From, string>> {
  const { from, source = "/", id = cleaned(target), sharing = "shared" } = options;
  const { mode = 0o755, uid = 0, gid = 0, readOnly = false } = options;
  return Object.freeze({
    type: "cache",
    target,
    id,
    sharing,
    mode,
    uid,
    gid,
    readOnly,
    source: posix.join("/", source),
    ...(from === undefined ? {} : { from: from as Extract<From, string> | FileOrigin }),
  });
}

/** Memory that vanishes with the step. */
export function tmpfsMount(
  target: string,
  options: { readonly sizeBytes?: number } = {},
): TmpfsMount {
  const { sizeBytes } = options;
  return Object.freeze({
    type: "tmpfs",
    target,
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
  });
}

/**
 * A secret of the build as a file, an environment variable, or both. Its value is in no key, history or layer.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { secretMount } from "./mount.ts";
 * assert.equal(secretMount("token").target, "/run/secrets/token");
 * assert.equal(secretMount("token", { env: "TOKEN" }).target, undefined);
 * ```
 */
export function secretMount(id: string, options: SecretMountOptions = {}): SecretMount {
  const { env, required = false, mode = 0o400, uid = 0, gid = 0 } = options;
  const target = options.target ?? (env === undefined ? `/run/secrets/${id}` : undefined);
  return Object.freeze({
    type: "secret",
    id,
    ...(target === undefined ? {} : { target }),
    ...(env === undefined ? {} : { environment: env }),
    required,
    ...(options.invalidates === true ? { invalidates: true as const } : {}),
    mode,
    uid,
    gid,
  });
}

/** The socket of an SSH agent, named by `SSH_AUTH_SOCK` in the step's environment. */
export function sshMount(options: SshMountOptions = {}): SshMount {
  const { id = "default", target, required = false, mode = 0o600, uid = 0, gid = 0 } = options;
  return Object.freeze({
    type: "ssh",
    id,
    ...(target === undefined ? {} : { target }),
    required,
    mode,
    uid,
    gid,
  });
}

function cleaned(target: string): string {
  const path = posix.normalize(target);
  return path.length > 1 ? path.replace(/\/$/, "") : path;
}
