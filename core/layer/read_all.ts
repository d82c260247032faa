/**
 * Reading a range of a file.
 *
 * @module
 */
import { readSync } from "node:fs";

/** Reads from `offset` on until `target` is full or the file ends. @returns how many bytes there were. */
export function readAll(fd: number, target: Uint8Array, offset: number): number {
  let done = 0;
  while (done < target.length) {
    const length = readSync(fd, target, done, target.length - done, offset + done);
    if (length === 0) break;
    done += length;
  }
  return done;
}
