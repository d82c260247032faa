/**
 * From any list of entries to the one list a layer is written from.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import { checkEntry } from "./entry_rules.ts";
import type { FileEntry } from "./file_entry.ts";
import { sortPaths } from "./path_order.ts";
import { refuseFalseWhiteout } from "./whiteout.ts";

/** How {@link normalizeEntries} treats times. */
export interface NormalizeOptions {
  /** Seconds since the epoch, UTC. */
  readonly epochSeconds: number;
  /** `clamp` (default) brings later times down to the epoch; `set` gives all files that time. */
  readonly mtimes?: "clamp" | "set";
}

/**
 * Sorts by path bytes, keeps the last of several entries for one path, clamps times, makes the first path of each
 * group of hard links the file and the others links to it, and drops the xattrs of overlayfs, which would plant
 * redirects and whiteouts where the layer is unpacked.
 *
 * The result depends only on the files described, not on the order they come in (but for repeated paths).
 *
 * @throws {LayerwrightError} `LAYER_INVALID` for an entry no layer may hold, one whose parent is given and no directory,
 * or a hard link to nothing or to a directory; `LAYER_NAME_RESERVED` for a file named like a whiteout.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { normalizeEntries } from "./normalize.ts";
 * const file = { type: "file", mode: 0o644, uid: 0, gid: 0, sizeBytes: 0, mtimeSeconds: 9 } as const;
 * const sorted = normalizeEntries([{ ...file, path: "b" }, { ...file, path: "a" }], { epochSeconds: 5 });
 * assert.deepEqual(sorted.map(({ path, mtimeSeconds }) => [path, mtimeSeconds]), [["a", 5], ["b", 5]]);
 * ```
 */
export function normalizeEntries(
  entries: Iterable<FileEntry>,
  options: NormalizeOptions,
): FileEntry[] {
  const { epochSeconds } = options;
  const mtimeOf = options.mtimes === "set"
    ? (): number => epochSeconds
    : (entry: FileEntry): number => Math.min(entry.mtimeSeconds, epochSeconds);
  const files = new Map<string, FileEntry>();
  const links = new Map<string, FileEntry>();
  for (const entry of entries) {
    checkEntry(entry);
    refuseFalseWhiteout(entry);
    files.delete(entry.path);
    links.delete(entry.path);
    (entry.type === "hardlink" ? links : files).set(entry.path, entry);
  }
  const inodes = new Map<string, FileEntry>();
  for (const [path, entry] of files) {
    const mtimeSeconds = mtimeOf(entry);
    const timed = mtimeSeconds === entry.mtimeSeconds ? entry : { ...entry, mtimeSeconds };
    inodes.set(path, timed.xattrs === undefined ? timed : withoutOverlayXattrs(timed));
  }
  for (const link of links.values()) inodes.set(link.path, linkedInode(link, links, inodes));
  return refuseOrphans(linkToFirst(inodes));
}

/**
 * Sorts paths, and writes each inode that several paths share as one file and hard links to it.
 *
 * @param inodes path → inode; paths with the *same* object are names of one file, whatever its `path` says.
 * @returns entries in path order; the first path of each inode carries it.
 */
export function linkToFirst(inodes: ReadonlyMap<string, FileEntry>): FileEntry[] {
  const paths = sortPaths([...inodes.keys()]);
  const first = new Map<FileEntry, string>();
  const sorted: FileEntry[] = [];
  for (const path of paths) {
    const inode = inodes.get(path);
    if (inode === undefined) continue;
    const target = first.get(inode);
    if (target !== undefined) {
      sorted.push(hardLink(path, target, inode));
      continue;
    }
    first.set(inode, path);
    sorted.push(inode.path === path ? inode : { ...inode, path });
  }
  return sorted;
}

/** A further name of a file. Owner, mode and time are repeated since some readers apply those of the last name. */
function hardLink(path: string, target: string, inode: FileEntry): FileEntry {
  const { mode, uid, gid, mtimeSeconds } = inode;
  return { path, type: "hardlink", mode, uid, gid, sizeBytes: 0, mtimeSeconds, linkTarget: target };
}

/** Follows links to links; a link whose target was replaced later means what stands there now. */
function linkedInode(
  link: FileEntry,
  links: ReadonlyMap<string, FileEntry>,
  inodes: ReadonlyMap<string, FileEntry>,
): FileEntry {
  const seen = new Set<string>();
  let target = link.linkTarget ?? "";
  for (let next = links.get(target); next !== undefined; next = links.get(target)) {
    if (seen.has(target)) break;
    seen.add(target);
    target = next.linkTarget ?? "";
  }
  const inode = inodes.get(target);
  if (inode === undefined || inode.type === "directory") {
    const why = inode === undefined ? "is not in the layer" : "is a directory";
    throw new LayerwrightError(
      "LAYER_INVALID",
      `Cannot use hard link ${JSON.stringify(link.path)}: its target ${
        JSON.stringify(target)
      } ${why}`,
    );
  }
  return inode;
}

/** Copies an entry without the xattrs that steer overlayfs, in either of its namespaces. */
export function withoutOverlayXattrs(entry: FileEntry): FileEntry {
  if (entry.xattrs === undefined) return entry;
  const kept = Object.entries(entry.xattrs).filter(([name]) => !isOverlayXattr(name));
  const { xattrs: _, ...rest } = entry;
  return kept.length === 0 ? rest : { ...rest, xattrs: Object.fromEntries(kept) };
}

/** Whether an xattr is overlayfs's own (whiteout, opaque, redirect, metacopy…): never data of an image. */
export function isOverlayXattr(name: string): boolean {
  return name.startsWith("trusted.overlay.") || name.startsWith("user.overlay.");
}

function refuseOrphans(sorted: FileEntry[]): FileEntry[] {
  const others = new Map<string, string>();
  for (const { path, type } of sorted) if (type !== "directory") others.set(path, type);
  let checked = "";
  for (const { path } of sorted) {
    const slash = path.lastIndexOf("/");
    // Mostly the parent of the one before.
    if (slash < 0 || (slash === checked.length && path.startsWith(checked))) continue;
    checked = path.slice(0, slash);
    const parent = others.get(checked);
    if (parent !== undefined) {
      throw new LayerwrightError(
        "LAYER_INVALID",
        `Cannot put ${JSON.stringify(path)} into a layer: its parent is a ${parent} there`,
      );
    }
  }
  return sorted;
}
