/**
 * Small files that are either the old ones or the new ones, never half of each.
 *
 * @module
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { guarded } from "./store_error.ts";
import type { TempFolder } from "./temp_folder.ts";

/**
 * Replaces a file.
 *
 * @throws {LayerwrightError} `STORE_FULL`, `STORE_UNWRITABLE`; then the old file is still there.
 */
export function writeFileAtomically(path: string, bytes: Uint8Array, temp: TempFolder): void {
  const tempPath = temp.newPath();
  guarded("write a file of the store", path, () => {
    try {
      const fd = openSync(tempPath, "wx", 0o644);
      try {
        writeFileSync(fd, bytes);
        // Without it, a rename may reach the disk before the bytes, and a crash leaves an empty file.
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      renameSync(tempPath, path);
    } catch (error) {
      rmSync(tempPath, { force: true });
      throw error;
    }
  });
}
