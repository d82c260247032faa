/**
 * The directories that an unpacking has come through, as a tree of their own.
 *
 * Held by object and not by path: when one is removed, what was put off for it and for all below it goes with it, so
 * nothing is ever done to whatever stands at the same path later (a link to `/etc`, say).
 *
 * @module
 */
import { chmodSync } from "node:fs";
import { LayerwrightError } from "../errors.ts";
import { LinkTarget } from "./link_resolver.ts";
import { setTimes } from "./unpack_metadata.ts";

/** PATH_MAX counts the NUL at the end. */
const MAX_PATH_BYTES = 4095;

/** A directory on disk below the root, reached without following links. */
export class RealDirectory {
  /** Absolute. */
  readonly path: string;
  /** From the root, `""` for the root itself. */
  readonly relative: string;
  /** Directories and links found in it so far. */
  readonly known: Map<string, RealDirectory | LinkTarget> = new Map();
  #mode: number | undefined;
  #mtimeNs: bigint;

  /** @param mtimeNs the time it gets back when all is done. */
  constructor(path: string, relative: string, mtimeNs: bigint) {
    this.path = path;
    this.relative = relative;
    this.#mtimeNs = mtimeNs;
  }

  /**
   * The absolute path of a name in it.
   *
   * @throws {LayerwrightError} `LAYER_LIMIT` for one that no system call takes.
   */
  pathOf(name: string): string {
    const path = `${this.path}/${name}`;
    // Nearly all paths are far from the limit at any number of bytes per character.
    if (path.length * 3 > MAX_PATH_BYTES && Buffer.byteLength(path) > MAX_PATH_BYTES) {
      throw new LayerwrightError(
        "LAYER_LIMIT",
        `Cannot unpack ${
          JSON.stringify(path.slice(-80))
        }: its path has over ${MAX_PATH_BYTES} bytes`,
        { hint: "unpack into a directory with a shorter path" },
      );
    }
    return path;
  }

  /** The path from the root of a name in it. */
  relativeOf(name: string): string {
    return this.relative === "" ? name : `${this.relative}/${name}`;
  }

  /** Puts off what must come after the last change inside: the mode may forbid it, and it would move the time. */
  settleLater(mode: number, mtimeNs: bigint): void {
    this.#mode = mode;
    this.#mtimeNs = mtimeNs;
  }

  /** Gives this directory and all known below it their modes and times, innermost first. */
  settle(): void {
    const all: RealDirectory[] = [this];
    // Grows while it is walked: no recursion, since depth is the archive's choice.
    for (const directory of all) {
      for (const child of directory.known.values()) {
        if (child instanceof RealDirectory) all.push(child);
      }
    }
    for (const directory of all.reverse()) {
      if (directory.#mode !== undefined) chmodSync(directory.path, directory.#mode);
      setTimes(directory.path, directory.#mtimeNs);
    }
  }
}
