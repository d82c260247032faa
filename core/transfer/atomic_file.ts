/**
 * A file that is there whole or not at all.
 *
 * @module
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { writeFully } from "../layer/full_io.ts";

/** A name beside `path` that nothing has: on the same file system, so that a rename can end it. */
export function temporaryBeside(path: string): string {
  return join(dirname(path), `.${basename(path).slice(0, 100)}.${crypto.randomUUID()}.tmp`);
}

/**
 * Writes a file under a temporary name beside it, syncs and renames it. Missing folders are created. A link is
 * followed; what is no regular file (a pipe, `/dev/stdout`) is written to directly, since a rename would replace it.
 *
 * @param fill Calls its argument with the content, piece by piece. When it throws, the file is as before.
 * @throws The errors of `node:fs`, and whatever `fill` throws.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { mkdtempSync, readFileSync, rmSync } from "node:fs";
 * import { tmpdir } from "node:os";
 * import { join } from "node:path";
 * import { writeFileAtomically } from "./atomic_file.ts";
 * const directory = mkdtempSync(join(tmpdir(), "lw-"));
 * writeFileAtomically(join(directory, "a.tar"), (write) => write(Uint8Array.of(104, 105)));
 * assert.equal(readFileSync(join(directory, "a.tar"), "utf8"), "hi");
 * rmSync(directory, { recursive: true });
 * ```
 */
export function writeFileAtomically(
  path: string,
  fill: (write: (bytes: Uint8Array) => void) => void,
): void {
  const existing = statSync(path, { throwIfNoEntry: false });
  if (existing !== undefined && !existing.isFile() && !existing.isDirectory()) {
    return writeTo(openSync(path, "w"), fill);
  }
  mkdirSync(dirname(path), { recursive: true });
  const target = existsSync(path) ? realpathSync(path) : path;
  const temporary = temporaryBeside(target);
  try {
    writeTo(openSync(temporary, "wx", 0o666), fill, fsyncSync);
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function writeTo(
  fd: number,
  fill: (write: (bytes: Uint8Array) => void) => void,
  finish: (fd: number) => void = () => {},
): void {
  try {
    fill((bytes) => writeFully(fd, bytes));
    finish(fd);
  } finally {
    closeSync(fd);
  }
}
