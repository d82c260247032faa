/**
 * How much room a tree takes.
 *
 * @module
 */
import { lstatSync, readdirSync } from "node:fs";

/** The kernel counts in them whatever the file system's own are. */
const BLOCK_BYTES = 512;
/** Beyond it an estimate will do. */
const MAX_ENTRIES = 200_000;

/** Bytes on disk of all files below a path, as far as this user can look. */
export function treeSize(path: string): number {
  let bytes = 0;
  const folders = [path];
  let entries = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    try {
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        if (++entries > MAX_ENTRIES) return bytes;
        const child = `${folder}/${entry.name}`;
        bytes += (lstatSync(child, { throwIfNoEntry: false })?.blocks ?? 0) * BLOCK_BYTES;
        if (entry.isDirectory()) folders.push(child);
      }
    } catch {
      // Closed by the step, to a user who is not the owner.
    }
  }
  return bytes;
}
