/**
 * What files can be copied from: a directory of this machine, or the files of another stage.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import type { FileEntry } from "../layer/file_entry.ts";
import { comparePaths } from "../layer/path_order.ts";
import type { ContentDigestCache } from "./content_digest.ts";
import type { IgnoreRule } from "./ignore.ts";
import { PathFilter, type PathFilterRules } from "./path_filter.ts";

/**
 * A tree of files that is read as far as it is asked for. Paths are relative to its root, `/` between names,
 * none at either end; the root is `""`.
 */
export interface SourceTree {
  /** Names the tree in messages: `build context "./web"`, `stage "deps"`. */
  readonly description: string;
  /** Digests of files that need not be read again. */
  readonly digests?: ContentDigestCache;
  /** The entry at a path, no link followed, never a `hardlink`; undefined for the root and for what is not there. */
  lookup(path: string): FileEntry | undefined;
  /** Names in a directory in the order of their bytes; empty for anything else. */
  list(directory: string): readonly string[];
  /**
   * Where a path leads when links are followed, the last one too; undefined if nowhere.
   *
   * @throws {LayerwrightError} `CONTEXT_ESCAPE` if a link leads out of the tree; `CONTEXT_LIMIT` after 255 links.
   */
  resolve(path: string): string | undefined;
  /** For a file that `lookup` gave: the same text for all its hard-linked names; undefined if it has one name only. */
  hardLinkKey(path: string): string | undefined;
  /** The rule that hides a path, if the path exists and is hidden. */
  hiddenBy(path: string): IgnoreRule | undefined;
}

/** As many as the Go libraries that container tools share follow; the kernel gives up after 40. */
const MAX_LINKS = 255;

/** A link that leads out of a tree: its path and its target. */
export interface EscapingLink {
  readonly path: string;
  readonly target: string;
}

/**
 * Follows the links of a path inside a tree. Absolute targets begin at the tree's root.
 *
 * @param onEscape Called for a link that goes above the root, and for an absolute one that leads nowhere in the
 * tree (so was meant for the machine's root). Without it the root is its own parent, as for a process in a chroot.
 * @returns The real path; undefined if nothing is there.
 * @throws {LayerwrightError} `CONTEXT_LIMIT` after 255 links.
 */
export function followLinks(
  tree: Pick<SourceTree, "lookup" | "description">,
  path: string,
  onEscape?: (link: EscapingLink) => never,
): string | undefined {
  const pending = path.split("/").reverse();
  let real: string[] = [];
  let linkCount = 0;
  let link: EscapingLink | undefined;
  // Names left to walk once the last link's target is used up.
  let behindLink = 0;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      if (real.length === 0 && link !== undefined) onEscape?.(link);
      real.pop();
      continue;
    }
    real.push(name);
    const entry = tree.lookup(real.join("/"));
    if (entry?.type === "symlink") {
      if (++linkCount > MAX_LINKS) {
        throw new LayerwrightError(
          "CONTEXT_LIMIT",
          `Cannot follow ${
            JSON.stringify(path)
          } in ${tree.description}: more than ${MAX_LINKS} symbolic links`,
        );
      }
      link = { path: real.join("/"), target: entry.linkTarget ?? "" };
      behindLink = pending.length;
      real = link.target.startsWith("/") ? [] : real.slice(0, -1);
      pending.push(...link.target.split("/").reverse());
    } else if (entry === undefined || (entry.type !== "directory" && pending.length > 0)) {
      if (link?.target.startsWith("/") && pending.length >= behindLink) onEscape?.(link);
      return undefined;
    }
  }
  return real.join("/");
}

/**
 * All entries below a directory of a tree that a filter shows, with the directories above them, paths relative to
 * that directory, in the order of their bytes. Further names of a hard-linked file become `hardlink` entries to
 * the first of them.
 */
export function collectEntries(
  tree: SourceTree,
  directory: string,
  rules: PathFilterRules = {},
): FileEntry[] {
  const filter = new PathFilter(rules);
  const entries: FileEntry[] = [];
  const visit = (at: string, below: string): boolean => {
    let found = false;
    // Judged together: the rules remember the directory last asked about.
    const names = tree.list(at).map((name) => {
      const path = joinPath(below, name);
      const shown = filter.shows(path);
      return { name, path, shown, descend: shown || filter.mayShowBelow(path) };
    });
    for (const { name, path, shown, descend } of names) {
      const source = joinPath(at, name);
      const entry = descend ? tree.lookup(source) : undefined;
      if (entry === undefined) continue;
      const shownBelow = entry.type === "directory" && visit(source, path);
      if (!shown && !shownBelow) continue;
      entries.push(path === source ? entry : { ...entry, path });
      found = true;
    }
    return found;
  };
  visit(directory, "");
  entries.sort((a, b) => comparePaths(a.path, b.path));
  return linkEqualFiles(tree, directory, entries);
}

function linkEqualFiles(tree: SourceTree, directory: string, entries: FileEntry[]): FileEntry[] {
  const firstNames = new Map<string, string>();
  return entries.map((entry) => {
    if (entry.type !== "file") return entry;
    const key = tree.hardLinkKey(joinPath(directory, entry.path));
    if (key === undefined) return entry;
    const first = firstNames.get(key);
    if (first === undefined) {
      firstNames.set(key, entry.path);
      return entry;
    }
    const { content: _, xattrs: __, ...rest } = entry;
    return { ...rest, type: "hardlink", sizeBytes: 0, linkTarget: first };
  });
}

/** Joins two paths of which either may be the root. */
export function joinPath(directory: string, path: string): string {
  if (directory === "") return path;
  return path === "" ? directory : `${directory}/${path}`;
}
