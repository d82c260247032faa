/**
 * Stubs: the empty files and directories that mounts of a step are made on.
 *
 * They lie in a layer of their own beneath all others, so that no mount has to create its target in the upper
 * directory, where it would be taken for a change made by the step.
 *
 * @module
 */
import { chmodSync, chownSync, closeSync, lstatSync, mkdirSync, openSync } from "node:fs";
import { posix } from "node:path";
import type { FileEntry } from "../../core/layer/mod.ts";
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

  constructor(targets: readonly StubTarget[]) {
    for (const { path, kind } of targets) {
      for (let parent = posix.dirname(path); parent !== "/"; parent = posix.dirname(parent)) {
        this.#kinds.set(parent, "directory");
      }
      if (!this.#kinds.has(path)) this.#kinds.set(path, kind);
    }
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
