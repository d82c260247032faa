/**
 * Paths inside a root directory whose content is not ours.
 *
 * @module
 */
import { lstatSync, readlinkSync, type Stats } from "node:fs";
import { systemErrorCode } from "../../core/errors.ts";
import { resolveInside } from "../../core/layer/mod.ts";

/** Where a path leads inside a root. */
export interface ResolvedPath {
  /** Absolute inside the root, no symlink on the way as far as it exists. */
  readonly path: string;
  /** What is there, never a symlink; undefined when nothing is. */
  readonly stats: Stats | undefined;
}

/** lstat(2) that answers undefined for what is not there. */
export function lstatIfThere(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}

/**
 * Follows a path as a process chrooted to `root` would. What comes after a missing name is taken literally, so that
 * the result may be created.
 *
 * @param root Absolute. Nothing may change it meanwhile.
 * @throws {LayerwrightError} `LAYER_INVALID` for a loop of symlinks.
 */
export function resolveInRoot(root: string, path: string): ResolvedPath {
  const linkAt = (at: string): string | undefined =>
    lstatIfThere(`${root}/${at}`)?.isSymbolicLink() === true
      ? readlinkSync(`${root}/${at}`)
      : undefined;
  const resolved = `/${resolveInside(path, linkAt, { followLast: true })}`;
  return { path: resolved, stats: lstatIfThere(root + resolved) };
}
