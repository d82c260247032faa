/**
 * Where copied files land: sources in, entries of one layer out.
 *
 * @see BuildKit, "COPY" in the Dockerfile reference
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import type { FileEntry } from "../layer/file_entry.ts";
import { refuseReservedName } from "../layer/whiteout.ts";
import type { Destination } from "./destination.ts";

/** One source of a copy: a file, or the contents of a directory. Metadata is already what the layer gets. */
export interface CopyItem {
  /** The name a file keeps when it is copied into a directory. */
  readonly baseName: string;
  readonly isDirectory: boolean;
  /** A file: one entry. A directory: its contents, paths relative to it, parents first. */
  readonly entries: readonly FileEntry[];
}

/** Where items go. */
export interface LandingRules {
  /** Absolute. */
  readonly destination: string;
  /** The destination is a directory, whether it exists or not: the user said so, or there are several sources. */
  readonly intoDirectory: boolean;
  /** Metadata of directories that have to be created. */
  readonly created: Pick<FileEntry, "mode" | "uid" | "gid" | "mtimeSeconds">;
}

/**
 * Lays items onto a destination by the rules of COPY: the contents of directories are merged, a file goes into
 * an existing directory or one named as such, missing parents are created, existing directories keep
 * their metadata, and neither files nor directories replace one another.
 *
 * @returns The entries of the layer, in no particular order, each path once.
 * @throws {LayerwrightError} `COPY_DESTINATION_CONFLICT`; `LAYER_NAME_RESERVED` for names that layers keep for whiteouts.
 */
export function landEntries(
  items: readonly CopyItem[],
  rules: LandingRules,
  destination: Destination,
): FileEntry[] {
  const files = new Map<string, FileEntry>();
  const create = (path: string): FileEntry => ({
    path,
    type: "directory",
    sizeBytes: 0,
    ...rules.created,
  });
  const target = destination.resolve(rules.destination);
  for (const item of items) {
    const [first] = item.entries;
    if (item.isDirectory) {
      makeDirectory(target);
      // Hard links name entries of the same source, which moves as a whole.
      for (const entry of item.entries) {
        land(entry, join(target, entry.path), (path) => join(target, path));
      }
    } else if (first !== undefined) {
      const intoDirectory = rules.intoDirectory || destination.isDirectory(target);
      const path = intoDirectory ? join(target, item.baseName) : target;
      if (intoDirectory) makeDirectory(target);
      else destination.makeParents(path, create);
      land(first, path, () => path);
    }
  }
  return [...destination.directories(), ...files.values()];

  function makeDirectory(path: string): void {
    destination.makeParents(path, create);
    checkNoFile(path);
    destination.makeDirectory(path, create);
  }

  function checkNoFile(path: string): void {
    if (files.has(path)) {
      throw new LayerwrightError(
        "COPY_DESTINATION_CONFLICT",
        `Cannot copy to "/${path}": an earlier source of this step put a file there`,
      );
    }
  }

  function land(entry: FileEntry, path: string, moved: (path: string) => string): void {
    const landed = entry.type === "hardlink" && entry.linkTarget !== undefined
      ? { ...entry, path, linkTarget: moved(entry.linkTarget) }
      : entry.path === path
      ? entry
      : { ...entry, path };
    // An empty file of such a name would be a whiteout, and remove what the user never named.
    refuseReservedName(path);
    if (entry.type === "directory") {
      checkNoFile(path);
      destination.makeDirectory(path, () => landed);
      return;
    }
    destination.checkReplaceable(path);
    releaseName(path);
    files.set(path, landed);
  }

  /** A later source takes this name: the other names of the file that has it must not come to mean the new one. */
  function releaseName(path: string): void {
    const replaced = files.get(path);
    if (replaced === undefined) return;
    files.delete(path);
    if (replaced.type === "hardlink") return;
    let first: string | undefined;
    for (const link of files.values()) {
      if (link.type !== "hardlink" || link.linkTarget !== path) continue;
      files.set(
        link.path,
        first === undefined ? { ...replaced, path: link.path } : { ...link, linkTarget: first },
      );
      first ??= link.path;
    }
  }
}

function join(directory: string, path: string): string {
  if (directory === "") return path;
  return path === "" ? directory : `${directory}/${path}`;
}
