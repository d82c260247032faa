/**
 * The difference of two trees, as a layer.
 *
 * @module
 */
import type { FileEntry } from "./file_entry.ts";
import { parentPath } from "./link_resolver.ts";
import { linkToFirst } from "./normalize.ts";
import type { Tree } from "./tree.ts";
import { whiteoutEntry } from "./whiteout.ts";

/** How {@link changes} compares. */
export interface ChangesOptions {
  /** Whether two files of equal size and metadata, lower and upper, hold the same bytes. */
  readonly sameContent: (lower: FileEntry, upper: FileEntry) => boolean;
}

/**
 * Lists what turns `lower` into `upper`: changed and new entries, and explicit whiteouts for what is gone.
 * The parents of each of these come along as they are in `upper`, so that the layer unpacks with the right modes
 * where `lower` is missing; so do all names of a file that has a new or changed one.
 *
 * @returns sorted entries, ready for `writeTar()`; none for equal trees.
 * @throws {LayerwrightError} `LAYER_NAME_RESERVED` where a name of `lower` starts with `.wh.` and is gone.
 * @see OCI image-spec v1.1, layer.md, "Change Types"
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { changes } from "./changes.ts";
 * import { stackTrees } from "./tree.ts";
 * const file = { type: "file", mode: 0o644, uid: 0, gid: 0, sizeBytes: 0, mtimeSeconds: 0 } as const;
 * const lower = stackTrees([[{ ...file, path: "a/old" }, { ...file, path: "b" }]]);
 * const upper = stackTrees([[{ ...file, path: "a/new" }, { ...file, path: "b" }]]);
 * const layer = changes(lower, upper, { sameContent: () => true });
 * assert.deepEqual(layer.map(({ path }) => path), ["a", "a/.wh.old", "a/new"]);
 * ```
 */
export function changes(lower: Tree, upper: Tree, options: ChangesOptions): FileEntry[] {
  const layer = new Map<string, FileEntry>();
  const add = (path: string, inode: FileEntry): void => {
    layer.set(path, inode);
    for (let at = parentPath(path); at !== "" && !layer.has(at); at = parentPath(at)) {
      const parent = upper.get(at);
      if (parent !== undefined) layer.set(at, parent);
    }
  };

  const lowerFirst = new Map<string, string>();
  for (const { path, type, linkTarget } of lower.entries) {
    lowerFirst.set(path, type === "hardlink" ? linkTarget ?? path : path);
  }
  const furtherNames = new Map<string, string[]>();
  for (const { path, type, linkTarget = "" } of upper.entries) {
    if (type !== "hardlink") continue;
    const names = furtherNames.get(linkTarget);
    if (names === undefined) furtherNames.set(linkTarget, [path]);
    else names.push(path);
  }

  const kept = new Set<string>();
  for (const inode of upper.entries) {
    if (inode.type === "hardlink") continue;
    const names = [inode.path, ...furtherNames.get(inode.path) ?? []];
    const first = lowerFirst.get(inode.path);
    const below = first === undefined ? undefined : lower.get(first);
    const same = first !== undefined && below !== undefined &&
      names.every((name) => lowerFirst.get(name) === first) &&
      // Names that were one file below and are two now: one of the two may stay.
      !kept.has(first) && isSame(below, inode, options);
    if (same) kept.add(first);
    else for (const name of names) add(name, inode);
  }

  for (const { path } of lower.entries) {
    if (upper.get(path) !== undefined) continue;
    const parent = parentPath(path);
    // Otherwise it is gone with its directory, or hidden by what replaced that.
    if (parent === "" || upper.get(parent)?.type === "directory") {
      const whiteout = whiteoutEntry(path);
      add(whiteout.path, whiteout);
    }
  }
  return linkToFirst(layer);
}

function isSame(lower: FileEntry, upper: FileEntry, { sameContent }: ChangesOptions): boolean {
  return lower.type === upper.type && lower.mode === upper.mode &&
    lower.uid === upper.uid && lower.gid === upper.gid &&
    lower.sizeBytes === upper.sizeBytes && lower.mtimeSeconds === upper.mtimeSeconds &&
    lower.linkTarget === upper.linkTarget &&
    lower.devMajor === upper.devMajor && lower.devMinor === upper.devMinor &&
    hasSameXattrs(lower.xattrs ?? {}, upper.xattrs ?? {}) &&
    (upper.type !== "file" || upper.sizeBytes === 0 || sameContent(lower, upper));
}

function hasSameXattrs(
  lower: Readonly<Record<string, Uint8Array>>,
  upper: Readonly<Record<string, Uint8Array>>,
): boolean {
  const names = Object.keys(upper);
  return names.length === Object.keys(lower).length && names.every((name) => {
    const [a, b] = [lower[name], upper[name]];
    return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;
  });
}
