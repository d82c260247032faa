/**
 * The sources of a COPY or ADD, found in a tree.
 *
 * @see https://docs.docker.com/reference/dockerfile/#copy
 * @module
 */
import { posix } from "node:path";
import { LayerwrightError } from "../errors.ts";
import type { FileEntry } from "../layer/file_entry.ts";
import { compileGlob, hasWildcard, splitWildcard } from "./glob.ts";
import { type IgnoreRules, parseIgnorePatterns } from "./ignore.ts";
import { missingSourcesError } from "./missing_source.ts";
import { collectEntries, joinPath, type SourceTree } from "./source_tree.ts";

/** How sources are read. */
export interface SelectOptions {
  /** Keep the directories of each source (from `/./` on, where it has one), and let `**` match directories. */
  readonly parents?: boolean;
  /** Patterns as in `.dockerignore`, matched below each source; for a file, against its name. */
  readonly exclude?: readonly string[];
  /** A source that does not exist is no error. */
  readonly optional?: boolean;
  /** Where the files go, as the user wrote it: for messages. */
  readonly destination?: string;
}

/** One path that a source names. */
export interface SelectedSource {
  /** The source as the user wrote it. */
  readonly source: string;
  /** The path it names, links not followed; `""` for the root. */
  readonly matchedPath: string;
  /** The last name of that path, which a file keeps in a directory; `""` for the root. */
  readonly baseName: string;
  readonly isDirectory: boolean;
  /**
   * What is copied. Of a directory: what is below it, by paths relative to it. Of anything else: one entry,
   * by its name.
   */
  readonly entries: readonly FileEntry[];
}

/** What all sources of one copy name, in their order; wildcards in the order of the names they match. */
export type Selection = readonly SelectedSource[];

/**
 * Finds the sources of a copy. Reads only the directories that the sources need.
 *
 * A source begins at the root of the tree, with or without a leading `/`; a trailing `/` means nothing. Links are
 * followed in a source itself and kept below it. A wildcard may match nothing, a plain path must exist.
 *
 * @param sources Paths and wildcards as the user wrote them.
 * @throws {LayerwrightError} `COPY_SOURCE_MISSING` naming all plain sources that do not exist; `CONTEXT_ESCAPE` if a
 * source or a link leads out of the tree; `COPY_PATTERN_INVALID` and `IGNORE_PATTERN_INVALID` for bad patterns;
 * and whatever reading a context can throw.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { select } from "./select.ts";
 * import { treeSource } from "./tree_source.ts";
 * import { stackTrees } from "../layer/tree.ts";
 * const file = { type: "file", mode: 0o644, uid: 0, gid: 0, sizeBytes: 0, mtimeSeconds: 0 } as const;
 * const tree = treeSource(stackTrees([[{ ...file, path: "src/a.ts" }]]), 'stage "deps"');
 * const [selected] = select(tree, ["src/*.ts"]);
 * assert.equal(selected?.baseName, "a.ts");
 * ```
 */
export function select(
  tree: SourceTree,
  sources: readonly string[],
  options: SelectOptions = {},
): Selection {
  const exclude = parseIgnorePatterns(options.exclude ?? []);
  const selected: SelectedSource[] = [];
  const missing: { readonly written: string; readonly path: string }[] = [];
  for (const source of sources) {
    const found = options.parents === true
      ? selectWithParents(tree, source, exclude)
      : selectPlain(tree, source, exclude);
    if (Array.isArray(found)) selected.push(...found);
    else missing.push({ written: source, path: found });
  }
  if (missing.length > 0 && options.optional !== true) {
    throw missingSourcesError(tree, missing, options.destination);
  }
  return selected;
}

/** What a source names; a string is the path that does not exist. */
function selectPlain(
  tree: SourceTree,
  source: string,
  exclude: IgnoreRules,
): SelectedSource[] | string {
  const path = cleanSource(tree, source, source);
  const matches = expandWildcard(tree, path);
  const selected: SelectedSource[] = [];
  for (const matchedPath of matches ?? [path]) {
    const real = tree.resolve(matchedPath);
    if (real === undefined) return matchedPath;
    const baseName = posix.basename(matchedPath);
    const entry = tree.lookup(real);
    if (entry === undefined || entry.type === "directory") {
      const entries = collectEntries(tree, real, { ignore: exclude });
      selected.push({ source, matchedPath, baseName, isDirectory: true, entries });
    } else if (!exclude.match(baseName).ignored) {
      const entries = [{ ...entry, path: baseName }];
      selected.push({ source, matchedPath, baseName, isDirectory: false, entries });
    }
  }
  return selected;
}

function selectWithParents(
  tree: SourceTree,
  source: string,
  exclude: IgnoreRules,
): SelectedSource[] | string {
  const pivot = source.indexOf("/./");
  const above = pivot === -1 ? "" : cleanSource(tree, source, source.slice(0, pivot));
  const below = cleanSource(tree, source, pivot === -1 ? source : source.slice(pivot + 3));
  // A name may begin with what would negate a rule.
  const include = parseIgnorePatterns(below === "" ? [] : [below.replace(/^!/, "\\!")]);
  const matches = expandWildcard(tree, above);
  const selected: SelectedSource[] = [];
  for (const matchedPath of matches ?? [above]) {
    const real = tree.resolve(matchedPath);
    if (real === undefined) return matchedPath;
    if (tree.lookup(real)?.type !== "directory" && real !== "") continue;
    // Links are not followed below the pivot: the directories of the path are copied, not where they lead.
    if (matches === undefined && below !== "" && !hasWildcard(below)) {
      if (tree.lookup(joinPath(real, below)) === undefined) return joinPath(matchedPath, below);
    }
    selected.push({
      source,
      matchedPath,
      baseName: posix.basename(matchedPath),
      isDirectory: true,
      entries: collectEntries(tree, real, { include, ignore: exclude }),
    });
  }
  return selected;
}

/** The paths a wildcard matches; undefined for a plain path. */
function expandWildcard(tree: SourceTree, path: string): string[] | undefined {
  if (!hasWildcard(path)) return undefined;
  const { base, rest } = splitWildcard(path);
  const pattern = compileGlob(rest);
  const matches: string[] = [];
  const visit = (directory: string, below: string): void => {
    for (const name of tree.list(directory)) {
      const at = joinPath(directory, name);
      const relative = joinPath(below, name);
      // A directory that matches is copied whole, so nothing below it is a source of its own.
      if (pattern.matches(relative)) matches.push(at);
      else if (pattern.mayMatchBelow(relative)) visit(at, relative);
    }
  };
  const real = tree.resolve(base);
  if (real !== undefined) visit(real, "");
  return matches;
}

/** A source as a path from the root of the tree, by its text alone, as Docker reads it. */
function cleanSource(tree: SourceTree, source: string, part: string): string {
  const clean = posix.normalize(`./${part}`).replace(/\/$/, "");
  if (clean === ".." || clean.startsWith("../")) {
    throw new LayerwrightError(
      "CONTEXT_ESCAPE",
      `Cannot copy ${JSON.stringify(source)}: the path leaves ${tree.description}`,
      { hint: "give the directory it is in as a context of its own" },
    );
  }
  return clean === "." ? "" : clean;
}
