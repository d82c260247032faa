/**
 * Whether two files hold the same bytes.
 *
 * @module
 */
import { closeSync, openSync, readSync } from "node:fs";

const PIECE_BYTES = 1024 * 1024;
const left = new Uint8Array(PIECE_BYTES);
const right = new Uint8Array(PIECE_BYTES);

/** Compares two regular files of the same size. */
export function sameContent(a: string, b: string): boolean {
  const first = openSync(a, "r");
  try {
    const second = openSync(b, "r");
    try {
      for (;;) {
        const length = fill(first, left);
        if (length !== fill(second, right)) return false;
        if (Buffer.compare(left.subarray(0, length), right.subarray(0, length)) !== 0) return false;
        if (length < PIECE_BYTES) return true;
      }
    } finally {
      closeSync(second);
    }
  } finally {
    closeSync(first);
  }
}

/** Reads until the buffer is full or the file ends. */
function fill(fd: number, buffer: Uint8Array): number {
  let length = 0;
  while (length < buffer.length) {
    const count = readSync(fd, buffer, length, buffer.length - length, null);
    if (count === 0) break;
    length += count;
  }
  return length;
}
