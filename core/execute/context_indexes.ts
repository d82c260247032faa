/**
 * The stat indexes of the contexts of one build, kept in the store's folder between builds.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { StatIndex } from "../context/stat_index.ts";
import { systemErrorCode } from "../errors.ts";
import { host } from "../host/mod.ts";
import { writeFileAtomically } from "../store/atomic_file.ts";
import type { Store } from "../store/store.ts";

/** Contexts that indexes are kept of: a machine that builds each checkout in a new folder would pile them up. */
const KEPT_FILES = 64;

/** See {@link ContextIndexes}. */
export interface ContextIndexesOptions {
  readonly store: Pick<Store, "home" | "temp">;
  /** Read every file, whatever the indexes say. */
  readonly paranoid: boolean;
  readonly warn: (text: string) => void;
}

/** Made before the build looks at its first file. */
export class ContextIndexes {
  readonly #options: ContextIndexesOptions;
  readonly #folder: string;
  readonly #startedMs: number = Date.now();
  readonly #open: Map<string, { readonly path: string; readonly index: StatIndex }> = new Map();

  constructor(options: ContextIndexesOptions) {
    this.#options = options;
    this.#folder = join(options.store.home, "context-index");
  }

  /** The index of a context; its file is read at the first question. */
  of(root: string): StatIndex {
    const known = this.#open.get(root);
    if (known !== undefined) return known.index;
    // Without FFI, what node:fs says of times differs between runtimes: one would not believe what the other wrote.
    const times = host.fileStatus().isNative ? "statx" : host.runtime;
    const name = `${times}\0${realpathSync(root)}`;
    const path = join(this.#folder, createHash("sha256").update(name).digest("hex"));
    const { paranoid, warn } = this.#options;
    const index = new StatIndex({
      root,
      paranoid,
      nowMs: this.#startedMs,
      load: () => readIfPresent(path),
      warn: (why) => warn(`all files of build context "${root}" are read again: ${why}`),
    });
    this.#open.set(root, { path, index });
    return index;
  }

  /** Writes what changed. A failure costs the next build time, so it is said and no error. */
  save(): void {
    for (const [root, { path, index }] of this.#open) {
      const bytes = index.changedBytes(Date.now());
      if (bytes === undefined) continue;
      try {
        mkdirSync(this.#folder, { recursive: true });
        writeFileAtomically(path, bytes, this.#options.store.temp);
        this.#removeOldest();
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        this.#options.warn(`the index of build context "${root}" was not kept: ${why}`);
      }
    }
  }

  #removeOldest(): void {
    const names = readdirSync(this.#folder);
    if (names.length <= KEPT_FILES) return;
    const files = names.map((name) => join(this.#folder, name)).map((path) => ({
      path,
      mtimeMs: statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0,
    })).sort((a, b) => b.mtimeMs - a.mtimeMs);
    for (const { path } of files.slice(KEPT_FILES)) rmSync(path, { force: true });
  }
}

function readIfPresent(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    // Whatever else is wrong with it: an empty file is a damaged one.
    return new Uint8Array();
  }
}
