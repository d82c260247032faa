/**
 * Reads and writes that go on until all is done: one call may do less, at a signal or where the disk ends.
 *
 * @module
 */
import { readSync, writeSync } from "node:fs";

/** Reads from `offset` on until `target` is full or the file ends. @returns how many bytes there were. */
export function readFully(fd: number, target: Uint8Array, offset: number): number {
  let done = 0;
  while (done < target.length) {
    const length = readSync(fd, target, done, target.length - done, offset + done);
    if (length === 0) break;
    done += length;
  }
  return done;
}

/** Writes all bytes, from `offset` on; unless it is given, behind what was written last. */
export function writeFully(fd: number, bytes: Uint8Array, offset?: number): void {
  for (let done = 0; done < bytes.length;) {
    const position = offset === undefined ? null : offset + done;
    done += writeSync(fd, bytes, done, bytes.length - done, position);
  }
}
