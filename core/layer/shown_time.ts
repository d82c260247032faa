/**
 * Times in bytes: whether a piece of a file holds the time it was written at, in one of the forms that programs use.
 *
 * @module
 */

/** A range of whole seconds since the epoch, both ends included. */
export interface SecondRange {
  readonly first: number;
  readonly last: number;
}

/**
 * Finds a time of a range in bytes: seconds since the epoch as a decimal or octal number (as in a tar header) or in 32
 * bits of either byte order (gzip, .pyc), or a time of day, of which minutes and seconds count: those are the same in
 * nearly all time zones.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { holdsTime } from "./shown_time.ts";
 * const noon = { first: 43_200, last: 43_201 };
 * assert.ok(holdsTime(new TextEncoder().encode("Thu Jan  1 13:00:01 CET 1970"), noon));
 * assert.ok(holdsTime(Uint8Array.of(7, 0xc1, 0xa8, 0, 0), noon));
 * assert.ok(!holdsTime(new TextEncoder().encode("12:30:00"), noon));
 * ```
 */
export function holdsTime(bytes: Uint8Array, range: SecondRange): boolean {
  const inside = (seconds: number): boolean => seconds >= range.first && seconds <= range.last;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 4 <= bytes.length; at++) {
    if (inside(view.getUint32(at, true)) || inside(view.getUint32(at, false))) return true;
  }
  const text = Buffer.from(bytes).toString("latin1");
  // Nanoseconds and milliseconds begin with the seconds.
  for (const [digits] of text.matchAll(/\d{5,20}/g)) {
    for (const length of [digits.length, 10, 9, 5]) {
      if (inside(Number(digits.slice(0, length)))) return true;
    }
    if (/^[0-7]+$/.test(digits) && inside(Number.parseInt(digits, 8))) return true;
  }
  for (const [, minutes, seconds] of text.matchAll(/\d\d:(\d\d):(\d\d)/g)) {
    const shown = Number(minutes) * 60 + Number(seconds);
    for (let second = range.first; second <= range.last; second++) {
      if (second % 3600 === shown) return true;
    }
  }
  return false;
}
