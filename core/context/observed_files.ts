/**
 * What a build saw of the file system, as bytes that can be compared with what is there now without decoding them.
 *
 * Light: loaded before the engine. {@link Observations} collects what is kept here.
 *
 * Three columns: rows of {@link ROW_WORDS} words (a status, and beside its mode how it was looked at), the offset of
 * each row's path, and the paths in UTF-8, each ended by a NUL. Numbers are in the byte order of this machine.
 *
 * @module
 */
import { type FileStatus, STATUS_WORDS } from "../host/mod.ts";

/** Words of one row: those of a status, or zeros where nothing was. */
export const ROW_WORDS: number = STATUS_WORDS.length;

/** The word of a row that holds the mode. */
export const MODE_WORD = 3;

/** Above the 16 bits of a mode: links were followed. */
export const FOLLOWED = 0x10000;

/** Above the 16 bits of a mode: a directory of which only matters that it is this one, not what it holds. */
export const PLACE = 0x20000;

/** Files as they were looked at. */
export interface ObservedFiles {
  readonly rows: Uint32Array;
  readonly offsets: Uint32Array;
  /** With the NULs. */
  readonly paths: Uint8Array;
}

/**
 * Whether a look at all paths finds what was found before.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { host } from "../host/mod.ts";
 * import { isAllAsObserved, ROW_WORDS } from "./observed_files.ts";
 * const missing = {
 *   rows: new Uint32Array(ROW_WORDS),
 *   offsets: new Uint32Array(1),
 *   paths: new TextEncoder().encode("/no/such/file\0"),
 * };
 * assert.ok(isAllAsObserved(missing, host.fileStatus()));
 * ```
 */
export function isAllAsObserved(files: ObservedFiles, status: FileStatus): boolean {
  const { rows, offsets, paths } = files;
  const isThere = status.within(paths);
  try {
    for (let row = 0, at = 0; row < offsets.length; row++, at += ROW_WORDS) {
      const mode = rows[at + MODE_WORD] ?? 0;
      if (isThere(offsets[row] ?? 0, (mode & FOLLOWED) !== 0)) {
        if (!((mode & PLACE) === 0 ? status.equals(rows, at) : status.isSameFile(rows, at))) {
          return false;
        }
      } else if ((mode & 0xffff) !== 0) return false;
    }
    return true;
  } catch {
    // What cannot be looked at is not what it was: the build will say what is wrong with it.
    return false;
  }
}
