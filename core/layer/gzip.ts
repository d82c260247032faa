/**
 * The gzip member around DEFLATE blocks, and CRC-32.
 *
 * @see RFC 1952
 * @module
 */
import * as zlib from "node:zlib";
import { DEFLATE_INPUT_LIMIT_BYTES, deflater } from "./deflate/deflater.ts";

/** Magic, DEFLATE, no flags, no time, no extra flags, unknown system: nothing that could tell one build from another. */
export const GZIP_HEADER: Uint8Array = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255);

/** An empty block with fixed codes, marked final: ends the stream after any number of byte-aligned chunks. */
export const DEFLATE_END: Uint8Array = Uint8Array.of(3, 0);

/**
 * The eight bytes after the blocks.
 *
 * @param crc CRC-32 of all uncompressed bytes.
 * @param sizeBytes how many they are; the field keeps the low 32 bits, so sizes of 4 GiB and more are fine.
 */
export function gzipTrailer(crc: number, sizeBytes: number): Uint8Array {
  const trailer = new DataView(new ArrayBuffer(8));
  trailer.setUint32(0, crc, true);
  trailer.setUint32(4, sizeBytes % 2 ** 32, true);
  return new Uint8Array(trailer.buffer);
}

/**
 * CRC-32 as gzip means it.
 *
 * @param seed CRC-32 of the bytes before, 0 at the start.
 * @returns an unsigned 32-bit number.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { crc32 } from "./gzip.ts";
 * assert.equal(crc32(new TextEncoder().encode("123456789")), 0xcbf43926);
 * ```
 */
export function crc32(bytes: Uint8Array, seed = 0): number {
  // Absent before Node 22.2; the value is the same by definition.
  const native = (zlib as Partial<Pick<typeof zlib, "crc32">>).crc32;
  return native === undefined ? portableCrc32(bytes, seed) : native(bytes, seed);
}

/** {@link crc32} without `node:zlib`. */
export function portableCrc32(bytes: Uint8Array, seed = 0): number {
  const { input, crc32 } = deflater();
  let crc = seed;
  for (let offset = 0; offset < bytes.length; offset += DEFLATE_INPUT_LIMIT_BYTES) {
    const piece = bytes.subarray(offset, offset + DEFLATE_INPUT_LIMIT_BYTES);
    input.set(piece);
    crc = crc32(piece.length, crc);
  }
  return crc;
}

const POLYNOMIAL = 0xedb88320;
/** x⁸, a byte's shift, in the reflected order where the highest bit is x⁰. */
const X8 = 0x00800000;
const ONE = 0x80000000;

/** Product of two polynomials modulo the CRC's. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let mask = ONE; mask !== 0; mask >>>= 1) {
    if ((a & mask) !== 0) product ^= b;
    b = (b & 1) !== 0 ? (b >>> 1) ^ POLYNOMIAL : b >>> 1;
  }
  return product >>> 0;
}

/**
 * CRC-32 of two byte strings one after the other, from the CRC-32 of each: chunks can be summed apart, in any order.
 *
 * @param secondBytes length of the second string; may pass 2^32.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { crc32, crc32Combine } from "./gzip.ts";
 * const [a, b] = [new TextEncoder().encode("layer"), new TextEncoder().encode("wright")];
 * assert.equal(crc32Combine(crc32(a), crc32(b), b.length), crc32(b, crc32(a)));
 * ```
 */
export function crc32Combine(first: number, second: number, secondBytes: number): number {
  let shift = ONE;
  let power = X8;
  for (let left = secondBytes; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) shift = multiply(shift, power);
    power = multiply(power, power);
  }
  return (multiply(shift, first) ^ second) >>> 0;
}
