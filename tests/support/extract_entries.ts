/**
 * Puts entries on disk with nothing but `node:fs`: a second opinion to the engine's own extraction.
 *
 * @module
 */
import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FileEntry } from "../../core/layer/file_entry.ts";

/** Creates directories, files (content in memory or as a path) and symbolic links below `root`. */
export function extractEntries(entries: readonly FileEntry[], root: string): void {
  for (const entry of entries) {
    const path = join(root, entry.path);
    if (entry.type === "directory") mkdirSync(path);
    else if (entry.type === "symlink") symlinkSync(entry.linkTarget ?? "", path);
    else if (entry.content?.kind === "path") copyFileSync(entry.content.path, path);
    else if (entry.content?.kind === "bytes") writeFileSync(path, entry.content.bytes);
    else throw new Error(`extractEntries() cannot create ${entry.type} "${entry.path}"`);
    if (entry.type !== "symlink") chmodSync(path, entry.mode);
  }
}
