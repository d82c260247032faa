/**
 * PAX records: `length key=value\n`, where `length` counts its own digits too.
 *
 * @see POSIX.1-2017, pax, "pax Extended Header"
 * @module
 */
import { comparePaths, decodePath, encodePath } from "./path_order.ts";

/** One record; the value stays bytes, because xattr values are binary. */
export type PaxRecord = readonly [key: string, value: Uint8Array];

const DIGIT_0 = 0x30;
const SPACE = 0x20;
const EQUALS = 0x3d;
const NEWLINE = 0x0a;

/** Bytes of the record, its length prefix included. */
export function paxRecordSizeBytes(keyBytes: number, valueBytes: number): number {
  const rest = keyBytes + valueBytes + 3;
  const size = rest + String(rest).length;
  // The digits themselves may push the length to one digit more (98 -> 100, not 99 + 2).
  return rest + String(size).length;
}

/**
 * Writes records, sorted by the bytes of their keys so that the order they were collected in never shows.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { encodePax, parsePax } from "./pax.ts";
 * const records = [["path", new TextEncoder().encode("é")]] as const;
 * assert.equal(new TextDecoder().decode(encodePax(records)), "11 path=é\n");
 * assert.deepEqual(parsePax(encodePax(records)), records);
 * ```
 */
export function encodePax(records: readonly PaxRecord[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [key, value] of records.toSorted((a, b) => comparePaths(a[0], b[0]))) {
    const keyBytes = encodePath(key);
    const size = paxRecordSizeBytes(keyBytes.length, value.length);
    parts.push(
      encodePath(`${size} `),
      keyBytes,
      Uint8Array.of(EQUALS),
      value,
      Uint8Array.of(NEWLINE),
    );
  }
  return Buffer.concat(parts);
}

/**
 * Reads all records of one extended header, in order, duplicates kept (GNU.sparse 0.0 repeats keys).
 *
 * @returns undefined if the bytes are not a sequence of whole records.
 */
export function parsePax(bytes: Uint8Array): PaxRecord[] | undefined {
  const records: PaxRecord[] = [];
  let start = 0;
  while (start < bytes.length) {
    let length = 0;
    let i = start;
    for (; i < bytes.length && bytes[i] !== SPACE; i++) {
      const digit = (bytes[i] ?? 0) - DIGIT_0;
      if (digit < 0 || digit > 9) return undefined;
      length = length * 10 + digit;
      if (length > bytes.length) return undefined;
    }
    const end = start + length;
    const equals = bytes.indexOf(EQUALS, i + 1);
    const whole = i > start && equals > i + 1 && equals + 1 < end && end <= bytes.length;
    if (!whole || bytes[end - 1] !== NEWLINE) return undefined;
    records.push([
      decodePath(bytes.subarray(i + 1, equals)),
      new Uint8Array(bytes.subarray(equals + 1, end - 1)),
    ]);
    start = end;
  }
  return records;
}
