/**
 * A file tree as a value: what a stack of layers shows, without unpacking it.
 *
 * @module
 */
import type { FileEntry } from "./file_entry.ts";
import { parentPath, resolveInside, type ResolveOptions } from "./link_resolver.ts";
import { linkToFirst } from "./normalize.ts";
import { comparePaths } from "./path_order.ts";
import { LayerStack } from "./layer_stack.ts";

/** An immutable file tree, in the order of path bytes. Each directory that is a parent has an entry. */
export class Tree {
  /** All entries, sorted. The first path of a group of hard links is the file, the others link to it. */
  readonly entries: readonly FileEntry[];
  readonly #byPath: ReadonlyMap<string, FileEntry>;
  #children: ReadonlyMap<string, FileEntry[]> | undefined;

  /** @param entries sorted and linked as {@link linkToFirst} gives them, parents included. */
  constructor(entries: readonly FileEntry[]) {
    this.entries = entries;
    this.#byPath = new Map(entries.map((entry) => [entry.path, entry]));
  }

  /** The entry at a path, not following links; a hard link comes as the file it is a name of. */
  get(path: string): FileEntry | undefined {
    const entry = this.#byPath.get(path);
    return entry?.type === "hardlink" ? this.#fileOf(entry) : entry;
  }

  /** What a directory holds, sorted by name, hard links as files; empty for anything else. `""` is the root. */
  children(path: string): FileEntry[] {
    this.#children ??= this.#indexChildren();
    return this.#children.get(path) ?? [];
  }

  /**
   * The entry at `path` and all below it, sorted; the whole tree for `""`.
   * It stands alone: a hard link to a file outside it comes as that file.
   */
  subtree(path: string): FileEntry[] {
    if (path === "") return [...this.entries];
    const top = this.#byPath.get(path);
    if (top === undefined) return [];
    const inodes = new Map([[path, this.#inodeOf(top)]]);
    // All paths below share the prefix "path/", which sorts as one run; "path-x" may stand before it.
    const prefix = `${path}/`;
    for (let i = this.#firstAtOrAfter(prefix); i < this.entries.length; i++) {
      const entry = this.entries[i];
      if (entry === undefined || !entry.path.startsWith(prefix)) break;
      inodes.set(entry.path, this.#inodeOf(entry));
    }
    return linkToFirst(inodes);
  }

  /**
   * Follows the symbolic links on the way of a path, inside this tree only; see {@link resolveInside}.
   *
   * @returns the path where it leads, whether or not something is there.
   * @throws {LayerwrightError} `LAYER_INVALID` for more than 255 links.
   */
  resolve(path: string, options: ResolveOptions): string {
    return resolveInside(path, (at) => {
      const entry = this.get(at);
      return entry?.type === "symlink" ? entry.linkTarget : undefined;
    }, options);
  }

  /** One object for all names of a file. */
  #inodeOf(entry: FileEntry): FileEntry {
    if (entry.type !== "hardlink") return entry;
    return this.#byPath.get(entry.linkTarget ?? "") ?? entry;
  }

  #fileOf(link: FileEntry): FileEntry {
    return { ...this.#inodeOf(link), path: link.path };
  }

  #indexChildren(): Map<string, FileEntry[]> {
    const index = new Map<string, FileEntry[]>();
    for (const entry of this.entries) {
      const parent = parentPath(entry.path);
      const file = entry.type === "hardlink" ? this.#fileOf(entry) : entry;
      const siblings = index.get(parent);
      if (siblings === undefined) index.set(parent, [file]);
      else siblings.push(file);
    }
    return index;
  }

  #firstAtOrAfter(path: string): number {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (comparePaths(this.entries[middle]?.path ?? "", path) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/**
 * Stacks layers as a container would see them.
 *
 * Whiteouts remove what the layers *below* theirs have, wherever they stand in their own layer. Symbolic links among
 * the parents of an entry are followed inside the root, parents that no layer has are made (0755, 0:0, time 0), and
 * a file survives the removal of its other hard links.
 *
 * @param layers lowest first; each in the order of its archive.
 * @throws {LayerwrightError} `LAYER_INVALID` for an entry below a file, or a hard link to nothing or to a directory;
 * as {@link parseWhiteout} for bad whiteouts.
 * @see OCI image-spec v1.1, layer.md, "Applying Changesets" and "Whiteouts"
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { stackTrees } from "./tree.ts";
 * import { whiteoutEntry } from "./whiteout.ts";
 * const file = { type: "file", mode: 0o644, uid: 0, gid: 0, sizeBytes: 0, mtimeSeconds: 0 } as const;
 * const tree = stackTrees([[{ ...file, path: "etc/a" }, { ...file, path: "etc/b" }], [whiteoutEntry("etc/a")]]);
 * assert.deepEqual(tree.entries.map(({ path }) => path), ["etc", "etc/b"]);
 * ```
 */
export function stackTrees(layers: readonly (readonly FileEntry[])[]): Tree {
  const stack = new LayerStack();
  for (const layer of layers) stack.add(layer);
  return new Tree(linkToFirst(stack.inodes()));
}
