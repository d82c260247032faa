/**
 * Stubs: the empty files and directories that mounts of a step are made on.
 *
 * They lie in a layer of their own beneath all others, so that no mount has to create its target in the upper
 * directory, where it would be taken for a change made by the step.
 *
 * @module
 */
import {
  chmodSync,
  chownSync,
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmdirSync,
  unlinkSync,
} from "node:fs";
import { posix } from "node:path";
import type { FileEntry } from "../../core/layer/mod.ts";
import { makeUpper } from "./overlay.ts";
import { lstatIfThere } from "./resolve_in_root.ts";
import { systemCalls } from "./system_calls.ts";

const DIRECTORY_MODE = 0o755;
const FILE_MODE = 0o644;

/** One target: absolute inside the root, without symlinks. */
export interface StubTarget {
  readonly path: string;
  readonly kind: "file" | "directory";
}

/** The stubs of one step. */
export class Stubs {
  readonly #kinds = new Map<string, StubTarget["kind"]>();
  /** Those that were made in the mounted root. */
  readonly #gaps: string[] = [];

  constructor(targets: readonly StubTarget[]) {
    for (const { path, kind } of targets) {
      for (let parent = posix.dirname(path); parent !== "/"; parent = posix.dirname(parent)) {
        this.#kinds.set(parent, "directory");
      }
      if (!this.#kinds.has(path)) this.#kinds.set(path, kind);
    }
  }

  /** Equal for equal stubs. */
  get key(): string {
    return JSON.stringify(this.#parentsFirst());
  }

  /** Makes all stubs below an empty directory. */
  makeLayer(directory: string): void {
    const stubs = this.#parentsFirst();
    for (const [path, kind] of stubs) makeStub(directory + path, kind);
    // What a step sees must not tell when it ran.
    for (const [path] of stubs.reverse()) systemCalls().setTimes(directory + path, 0n);
  }

  /**
   * Makes those that the image's own layers hide (by whiteouts, by opaque directories), in the mounted root.
   * The times of their parents stay as they were.
   */
  fillGaps(root: string): void {
    for (const [path, kind] of this.#parentsFirst()) {
      if (lstatIfThere(root + path) !== undefined) continue;
      const parent = root + posix.dirname(path);
      const { mtimeNs } = lstatSync(parent, { bigint: true });
      makeStub(root + path, kind);
      this.#gaps.push(path);
      systemCalls().setTimes(parent, mtimeNs);
    }
  }

  /** Takes those that {@link fillGaps} made, and the step left as they were, out of the upper directory again. */
  emptyGaps(upper: string): void {
    for (const path of this.#gaps.toReversed()) {
      const parent = upper + posix.dirname(path);
      // Nobody kept the step from putting a link in the place of a directory on the way.
      if (!isRealDirectory(upper, posix.dirname(path))) continue;
      const stats = lstatIfThere(upper + path);
      if (stats === undefined || stats.size !== 0 && stats.isFile()) continue;
      const { mtimeNs } = lstatSync(parent, { bigint: true });
      try {
        if (stats.isDirectory()) rmdirSync(upper + path);
        else if (stats.isFile()) unlinkSync(upper + path);
        else continue;
      } catch {
        // The step has put something into it.
        continue;
      }
      systemCalls().setTimes(parent, mtimeNs);
    }
  }

  /** Whether an entry of the upper directory is a stub as it was made, and so no change of the step. */
  isUntouched(entry: FileEntry): boolean {
    const kind = this.#kinds.get(`/${entry.path}`);
    return entry.type === kind && entry.uid === 0 && entry.gid === 0 && entry.sizeBytes === 0 &&
      entry.xattrs === undefined &&
      entry.mode === (kind === "directory" ? DIRECTORY_MODE : FILE_MODE);
  }

  #parentsFirst(): [string, StubTarget["kind"]][] {
    return [...this.#kinds].sort(([a], [b]) => a.length - b.length);
  }
}

/** The layers of stubs of one worker. Nothing is ever written to them, so steps with the same targets share one. */
export class StubLayers {
  readonly #parent: string;
  readonly #made = new Map<string, string>();

  /** @param parent On the file system of all layers. */
  constructor(parent: string) {
    this.#parent = parent;
  }

  /** The directory that has the stubs of a step. */
  layerOf(stubs: Stubs): string {
    const known = this.#made.get(stubs.key);
    if (known !== undefined) return known;
    const directory = makeUpper(`${this.#parent}/stubs-${this.#made.size}`);
    stubs.makeLayer(directory);
    this.#made.set(stubs.key, directory);
    return directory;
  }
}

/** Whether a path leads to a directory without following a link. */
function isRealDirectory(root: string, path: string): boolean {
  return path === "/" || isRealDirectory(root, posix.dirname(path)) &&
      lstatIfThere(root + path)?.isDirectory() === true;
}

function makeStub(path: string, kind: StubTarget["kind"]): void {
  if (kind === "directory") {
    mkdirSync(path);
    chmodSync(path, DIRECTORY_MODE);
  } else {
    closeSync(openSync(path, "wx", FILE_MODE));
    chmodSync(path, FILE_MODE);
  }
  chownSync(path, 0, 0);
}
