/**
 * The type of a file on disk.
 *
 * @module
 */
import type { BigIntStats } from "node:fs";
import type { FileType } from "./file_entry.ts";

/** The type of a file; undefined for what no layer can hold (a socket). */
export function fileTypeOf(stats: BigIntStats): FileType | undefined {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "symlink";
  if (stats.isFIFO()) return "fifo";
  if (stats.isCharacterDevice()) return "character-device";
  if (stats.isBlockDevice()) return "block-device";
  return undefined;
}
