/**
 * What every entry must satisfy before it is written, whoever made it.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import type { FileEntry } from "./file_entry.ts";
import { decodePath, encodePath } from "./path_order.ts";

// 4,294,967,295 is (uid_t)-1, which chown(2) takes for "leave as it is".
const MAX_ID = 0xffff_fffe;

/**
 * Refuses an entry that no layer may hold.
 *
 * @throws {LayerwrightError} `LAYER_INVALID` for a path or hard link target that is not in the form {@link FileEntry}
 * asks for, a number out of range, or a field that is missing for its type.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { checkEntry } from "./entry_rules.ts";
 * const entry = { type: "file", mode: 0o644, uid: 0, gid: 0, sizeBytes: 0, mtimeSeconds: 0 } as const;
 * assert.throws(() => checkEntry({ ...entry, path: "a/../b" }), { code: "LAYER_INVALID" });
 * ```
 */
export function checkEntry(entry: FileEntry): void {
  checkPath(entry, entry.path, "its path");
  checkRange(entry, "mode", entry.mode, 0o7777);
  checkRange(entry, "uid", entry.uid, MAX_ID);
  checkRange(entry, "gid", entry.gid, MAX_ID);
  checkRange(entry, "size", entry.sizeBytes, Number.MAX_SAFE_INTEGER);
  if (!Number.isSafeInteger(entry.mtimeSeconds)) {
    refuse(entry, `its mtime ${entry.mtimeSeconds} is not a whole number of seconds`);
  }
  if (entry.type !== "file" && entry.sizeBytes !== 0) {
    refuse(entry, `a ${entry.type} has no content`);
  }
  if (entry.type === "hardlink") {
    checkPath(entry, entry.linkTarget ?? "", "its hard link target");
  } else if (entry.type === "symlink") {
    const target = entry.linkTarget ?? "";
    if (target === "" || target.includes("\0")) {
      refuse(entry, `its symlink target ${JSON.stringify(target)} is empty or holds a NUL byte`);
    }
  } else if (entry.linkTarget !== undefined) {
    refuse(entry, `a ${entry.type} has no link target`);
  }
  if (entry.type === "character-device" || entry.type === "block-device") {
    checkRange(entry, "device major", entry.devMajor ?? -1, 0xffff_ffff);
    checkRange(entry, "device minor", entry.devMinor ?? -1, 0xffff_ffff);
  } else if (entry.devMajor !== undefined || entry.devMinor !== undefined) {
    refuse(entry, `a ${entry.type} has no device numbers`);
  }
}

function checkPath(entry: FileEntry, path: string, what: string): void {
  // One pass over the characters, not a split: this runs for each entry of each layer.
  let start = 0;
  for (let i = 0; i <= path.length; i++) {
    const code = i === path.length ? 0x2f : path.charCodeAt(i);
    if (code === 0) refuse(entry, `${what} holds a NUL byte`);
    if (code !== 0x2f) continue;
    const dots = path.charCodeAt(start) === 0x2e &&
      (i - start === 1 || (i - start === 2 && path.charCodeAt(start + 1) === 0x2e));
    if (i === start || dots) {
      refuse(entry, `${what} ${JSON.stringify(path)} has an empty, "." or ".." component`);
    }
    start = i + 1;
  }
  // Escaped bytes that together are valid UTF-8 would give one file two names.
  if (!path.isWellFormed() && decodePath(encodePath(path)) !== path) {
    refuse(entry, `${what} ${JSON.stringify(path)} escapes bytes that are valid UTF-8`);
  }
}

function checkRange(entry: FileEntry, what: string, value: number, max: number): void {
  if (!Number.isSafeInteger(value) || value < 0 || value > max) {
    refuse(entry, `its ${what} ${value} is not a whole number from 0 to ${max}`);
  }
}

function refuse(entry: FileEntry, why: string): never {
  throw new LayerwrightError(
    "LAYER_INVALID",
    `Cannot use entry ${JSON.stringify(entry.path)}: ${why}`,
  );
}
