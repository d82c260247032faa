/**
 * A directory of this machine as a build context, read in place.
 *
 * Nothing is read before it is asked for, nothing ignored is touched, no link is followed, and what was read is
 * remembered: one context object is one view of the directory.
 *
 * Over 300 lines: every way that reading can fail is in one class with the reading.
 *
 * @module
 */
import { readdirSync, readlinkSync } from "node:fs";
import { resolve as absolutePath } from "node:path";
import { LayerwrightError } from "../errors.ts";
import { host } from "../host/mod.ts";
import type { FileEntry } from "../layer/file_entry.ts";
import { parentPath } from "../layer/link_resolver.ts";
import { sortPaths } from "../layer/path_order.ts";
import type { ContentDigestCache } from "./content_digest.ts";
import {
  contextReadError,
  fileChanged,
  nameNotUtf8,
  REPLACEMENT_CHARACTER,
  targetNotUtf8,
} from "./context_errors.ts";
import { entryOf, inodeOf, typeOf } from "./file_stats.ts";
import type { IgnoreRule, IgnoreRules } from "./ignore.ts";
import type { Observations } from "./observations.ts";
import { FOLLOWED } from "./observed_files.ts";
import { PathFilter } from "./path_filter.ts";
import { collectEntries, followLinks, joinPath, type SourceTree } from "./source_tree.ts";

/** What of a directory is seen. */
export interface ContextOptions {
  readonly ignore?: IgnoreRules;
  /** If given, only paths that these rules match are seen. */
  readonly include?: IgnoreRules;
  /** Paths read before the context is refused; 2,000,000 unless given. */
  readonly maxEntries?: number;
  readonly digests?: ContentDigestCache;
  /** Is told of everything that is looked at. */
  readonly observations?: Observations;
}

/** Something in the directory that no layer can hold. */
export interface SkippedPath {
  readonly path: string;
  readonly reason: string;
}

/** A directory, listed whole. */
export interface ContextTree {
  /** In the order of their paths' bytes. */
  readonly entries: readonly FileEntry[];
  readonly skipped: readonly SkippedPath[];
}

const MAX_ENTRIES = 2_000_000;

interface ContextNode {
  /** Absent for the root and for what is skipped. */
  readonly entry: FileEntry | undefined;
  /** Device and inode of a directory, and of a file with several names. */
  readonly inode: string | undefined;
}

/** A build context. See `README.md` beside this file for the rule on each kind of file. */
export class LocalContext implements SourceTree {
  readonly description: string;
  readonly digests?: ContentDigestCache;
  readonly #root: string;
  readonly #filter: PathFilter;
  readonly #ignore: IgnoreRules | undefined;
  readonly #maxEntries: number;
  readonly #observations: Observations | undefined;
  readonly #status = host.fileStatus();
  readonly #nodes: Map<string, ContextNode | undefined> = new Map();
  readonly #lists: Map<string, readonly string[]> = new Map();
  readonly #skipped: SkippedPath[] = [];

  /** Use {@link openContext}. */
  constructor(root: string, options: ContextOptions) {
    this.description = `build context ${JSON.stringify(root)}`;
    this.#root = absolutePath(root);
    this.#filter = new PathFilter(options);
    this.#ignore = options.ignore;
    this.#maxEntries = options.maxEntries ?? MAX_ENTRIES;
    this.#observations = options.observations;
    if (options.digests !== undefined) this.digests = options.digests;
  }

  /** What was left out so far: sockets. */
  get skipped(): readonly SkippedPath[] {
    return this.#skipped;
  }

  lookup(path: string): FileEntry | undefined {
    if (path === "" || !(this.#filter.shows(path) || this.#filter.mayShowBelow(path))) {
      return undefined;
    }
    // lstat(2) follows links above the last name, and those may lead anywhere.
    if (!this.#isDirectory(parentPath(path))) return undefined;
    return this.#isShown(path, "asked") ? this.#nodes.get(path)?.entry : undefined;
  }

  list(directory: string): readonly string[] {
    const known = this.#lists.get(directory);
    if (known !== undefined) return known;
    if (!this.#isDirectory(directory)) return [];
    this.#refuseLoop(directory);
    const names = this.#readNames(directory);
    // Judged first and read second: the rules remember the directory last asked about.
    const candidates = names.map((name) => joinPath(directory, name))
      .filter((path) => this.#filter.shows(path) || this.#filter.mayShowBelow(path));
    const start = directory === "" ? 0 : directory.length + 1;
    const shown = candidates.filter((path) => this.#isShown(path, "listed"))
      .map((path) => path.slice(start));
    this.#lists.set(directory, shown);
    return shown;
  }

  resolve(path: string): string | undefined {
    return followLinks(this, path, (link) => {
      throw new LayerwrightError(
        "CONTEXT_ESCAPE",
        `Cannot follow ${JSON.stringify(link.path)}: it links to ${
          JSON.stringify(link.target)
        }, which is outside of ${this.description}`,
        { hint: "copy the file into the context, or make its directory a context of its own" },
      );
    });
  }

  hardLinkKey(path: string): string | undefined {
    const node = this.#nodes.get(path);
    return node?.entry?.type === "file" ? node.inode : undefined;
  }

  hiddenBy(path: string): IgnoreRule | undefined {
    const verdict = this.#ignore?.match(path);
    if (!verdict?.ignored) return undefined;
    try {
      return this.#status.look(this.#absolute(path)) ? verdict.rule : undefined;
    } catch {
      return undefined;
    }
  }

  #isShown(path: string, why: "asked" | "listed"): boolean {
    const shown = this.#filter.shows(path);
    const entry = this.#node(path, why)?.entry;
    if (entry === undefined) return false;
    // A directory that is ignored itself appears above what a rule took back.
    return shown || (entry.type === "directory" && this.list(path).length > 0);
  }

  #isDirectory(path: string): boolean {
    if (path === "") {
      this.#node("", "asked");
      return true;
    }
    if (this.#nodes.has(path)) return this.#nodes.get(path)?.entry?.type === "directory";
    return this.#isDirectory(parentPath(path)) &&
      this.#node(path, "asked")?.entry?.type === "directory";
  }

  #node(path: string, why: "asked" | "listed"): ContextNode | undefined {
    if (this.#nodes.has(path)) return this.#nodes.get(path);
    if (this.#nodes.size > this.#maxEntries) {
      throw new LayerwrightError(
        "CONTEXT_LIMIT",
        `Cannot read ${this.description}: more than ${
          this.#maxEntries.toLocaleString("en")
        } files and directories`,
        { hint: "exclude what the build does not need in .dockerignore" },
      );
    }
    const node = path === "" ? this.#readRoot() : this.#readNode(path, why);
    this.#nodes.set(path, node);
    return node;
  }

  #readRoot(): ContextNode {
    let why = "it is not a directory";
    try {
      const status = this.#status;
      if (!status.look(this.#root, true)) why = "no such directory";
      else if (typeOf(status) === "directory") {
        this.#observations?.add(this.#root, status, FOLLOWED);
        return { entry: undefined, inode: inodeOf(status) };
      }
    } catch (error) {
      throw this.#readError("", error);
    }
    throw new LayerwrightError("CONTEXT_MISSING", `Cannot use ${this.description}: ${why}`, {
      details: [`looked for ${JSON.stringify(this.#root)}`],
    });
  }

  #readNode(path: string, why: "asked" | "listed"): ContextNode | undefined {
    const file = this.#absolute(path);
    try {
      const status = this.#status;
      if (!status.look(file)) {
        if (why === "asked") {
          this.#observations?.add(file, undefined);
          return undefined;
        }
        if (path.includes(REPLACEMENT_CHARACTER)) throw nameNotUtf8(this.description, path);
        throw fileChanged(this.description, path);
      }
      this.#observations?.add(file, status);
      const type = typeOf(status);
      if (type === undefined) {
        this.#skipped.push({ path, reason: "a socket, which no layer can hold" });
        return { entry: undefined, inode: undefined };
      }
      const named = type === "directory" || (type === "file" && status.nlink > 1);
      const inode = named ? inodeOf(status) : undefined;
      const entry = entryOf(path, file, { type, status });
      if (type !== "symlink") return { entry, inode };
      return { entry: { ...entry, linkTarget: this.#readLink(path, file) }, inode };
    } catch (error) {
      throw this.#readError(path, error);
    }
  }

  #readLink(path: string, file: string): string {
    let target = REPLACEMENT_CHARACTER;
    try {
      target = readlinkSync(file);
    } catch (error) {
      // Bun replaces bytes that are not UTF-8, Deno refuses to give them.
      if (!(error instanceof Error && error.name === "InvalidData")) throw error;
    }
    if (!target.includes(REPLACEMENT_CHARACTER)) return target;
    throw targetNotUtf8(this.description, path);
  }

  #readNames(directory: string): string[] {
    try {
      const names = sortPaths(readdirSync(this.#absolute(directory)));
      // Two names that differ only in what is not UTF-8 come out equal.
      const twice = names.find((name, index) =>
        index > 0 && name === names[index - 1] && this.#filter.shows(joinPath(directory, name))
      );
      if (twice !== undefined) throw nameNotUtf8(this.description, joinPath(directory, twice));
      return names;
    } catch (error) {
      throw this.#readError(directory, error);
    }
  }

  /** A directory mounted below itself would be walked for ever. */
  #refuseLoop(directory: string): void {
    const inode = this.#nodes.get(directory)?.inode;
    for (let path = directory; path !== "";) {
      path = parentPath(path);
      if (this.#nodes.get(path)?.inode !== inode) continue;
      throw new LayerwrightError(
        "CONTEXT_LIMIT",
        `Cannot read ${JSON.stringify(directory)} in ${this.description}: it is ${
          path === "" ? "the context itself" : JSON.stringify(path)
        }, mounted below itself`,
        { hint: "unmount it, or exclude it in .dockerignore" },
      );
    }
  }

  #absolute(path: string): string {
    return path === "" ? this.#root : `${this.#root === "/" ? "" : this.#root}/${path}`;
  }

  #readError(path: string, error: unknown): LayerwrightError {
    return contextReadError(this.description, { path, file: this.#absolute(path), error });
  }
}

/**
 * Opens a directory as a build context. Reads nothing yet, so a context nobody copies from may even be missing.
 *
 * @param root Absolute, or relative to the working directory; shown in messages as given.
 */
export function openContext(root: string, options: ContextOptions = {}): LocalContext {
  return new LocalContext(root, options);
}

/**
 * Lists a directory whole.
 *
 * @throws {LayerwrightError} `CONTEXT_MISSING`, `CONTEXT_UNREADABLE`, `CONTEXT_FILE_CHANGED` (something went away
 * meanwhile), `CONTEXT_NAME_NOT_UTF8`, `CONTEXT_LIMIT` (too many entries, too long a path, a mount loop).
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
 * import { tmpdir } from "node:os";
 * import { join } from "node:path";
 * import { parseIgnorePatterns } from "./ignore.ts";
 * import { walkContext } from "./walk.ts";
 * const root = mkdtempSync(join(tmpdir(), "lw-"));
 * for (const name of ["b.ts", "a.ts", "a.log"]) writeFileSync(join(root, name), "");
 * const { entries } = walkContext(root, { ignore: parseIgnorePatterns(["*.log"]) });
 * assert.deepEqual(entries.map((entry) => entry.path), ["a.ts", "b.ts"]);
 * rmSync(root, { recursive: true });
 * ```
 */
export function walkContext(root: string, options: ContextOptions = {}): ContextTree {
  const context = openContext(root, options);
  return { entries: collectEntries(context, ""), skipped: context.skipped };
}
