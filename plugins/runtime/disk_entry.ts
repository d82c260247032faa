/**
 * Files on disk as layer entries.
 *
 * @module
 */
import { type BigIntStats, lstatSync, readlinkSync } from "node:fs";
import { LayerwrightError, systemErrorCode } from "../../core/errors.ts";
import { type FileEntry, fileTypeOf, isOverlayXattr } from "../../core/layer/mod.ts";
import { systemCalls } from "./system_calls.ts";

const UNDECODABLE = "\ufffd";
const NANOSECONDS = 1_000_000_000n;

/** One file of an unpacked tree. */
export interface DiskEntry {
  readonly stats: BigIntStats;
  readonly entry: FileEntry;
}

/**
 * Reads what lstat(2), readlink(2) and llistxattr(2) say.
 *
 * @param path Relative to `root`, as in {@link FileEntry}.
 * @returns undefined when nothing is there, or a socket, which no layer can hold.
 * @throws {LayerwrightError} `LAYER_INVALID` for a name that is no UTF-8.
 */
export function readDiskEntry(root: string, path: string): DiskEntry | undefined {
  const full = `${root}/${path}`;
  const stats = statIfThere(full);
  if (stats === undefined) {
    // A listed name that is not there: the runtime has put U+FFFD for bytes it could not decode.
    if (path.includes(UNDECODABLE)) refuseName(path, "name");
    return undefined;
  }
  const type = fileTypeOf(stats);
  if (type === undefined) return undefined;
  const xattrs = keptXattrs(full);
  return {
    stats,
    entry: {
      path,
      type,
      mode: Number(stats.mode & 0o7777n),
      uid: Number(stats.uid),
      gid: Number(stats.gid),
      sizeBytes: type === "file" ? Number(stats.size) : 0,
      mtimeSeconds: floorSeconds(stats.mtimeNs),
      ...type === "file" ? { content: { kind: "path", path: full } } : {},
      ...type === "symlink" ? { linkTarget: readTarget(full, path) } : {},
      ...type === "character-device" || type === "block-device"
        ? { devMajor: majorOf(stats.rdev), devMinor: minorOf(stats.rdev) }
        : {},
      ...xattrs === undefined ? {} : { xattrs },
    },
  };
}

/** One runtime refuses what it cannot decode, the other puts U+FFFD, which may as well be a real one. */
function readTarget(full: string, path: string): string {
  let target: string | undefined;
  try {
    target = readlinkSync(full);
  } catch {
    refuseName(path, "target");
  }
  return target.includes(UNDECODABLE) ? refuseName(path, "target") : target;
}

function refuseName(path: string, what: "name" | "target"): never {
  throw new LayerwrightError(
    "LAYER_INVALID",
    `Cannot put ${JSON.stringify(path)} into a layer: its ${what} is not UTF-8`,
    { hint: "rename or remove it in the step that makes it" },
  );
}

/** lstat(2) in full precision; undefined for what is not there. */
export function statIfThere(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true });
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}

/** Whether this is overlayfs's mark for a removed name. */
export function isWhiteoutDevice(stats: BigIntStats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0n;
}

/** What travels with a file; labels and access lists belong to the host. */
function keptXattrs(path: string): Record<string, Uint8Array> | undefined {
  const kept = Object.entries(systemCalls().listXattrs(path)).filter(([name]) =>
    name === "security.capability" || (name.startsWith("user.") && !isOverlayXattr(name))
  );
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

function floorSeconds(nanoseconds: bigint): number {
  const seconds = nanoseconds / NANOSECONDS;
  return Number(nanoseconds % NANOSECONDS < 0n ? seconds - 1n : seconds);
}

// Linux's dev_t as stat(2) gives it: both numbers are split.
function majorOf(dev: bigint): number {
  return Number(((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n));
}

function minorOf(dev: bigint): number {
  return Number((dev & 0xffn) | ((dev >> 12n) & 0xffffff00n));
}
