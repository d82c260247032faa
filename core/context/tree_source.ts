/**
 * The files of a stage, to copy from.
 *
 * @module
 */
import type { FileEntry } from "../layer/file_entry.ts";
import type { Tree } from "../layer/tree.ts";
import { followLinks, type SourceTree } from "./source_tree.ts";

/**
 * Makes a tree of layers a source. Links stay inside it, as in a container: its root is its own parent.
 *
 * @param description Names it in messages: `stage "deps"`.
 */
export function treeSource(tree: Tree, description: string): SourceTree {
  let firstNames: ReadonlyMap<string, string> | undefined;
  const source: SourceTree = {
    description,
    lookup: (path) => tree.get(path),
    list: (directory) =>
      tree.children(directory).map(({ path }) => path.slice(path.lastIndexOf("/") + 1)),
    resolve: (path) => followLinks(source, path),
    hardLinkKey(path): string | undefined {
      firstNames ??= firstNamesOf(tree.entries);
      return firstNames.get(path);
    },
    hiddenBy: () => undefined,
  };
  return source;
}

/** Each name of a file that has several, with the first of them. */
function firstNamesOf(entries: readonly FileEntry[]): Map<string, string> {
  const names = new Map<string, string>();
  for (const { path, type, linkTarget } of entries) {
    if (type !== "hardlink" || linkTarget === undefined) continue;
    names.set(path, linkTarget).set(linkTarget, linkTarget);
  }
  return names;
}
