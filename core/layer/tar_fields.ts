/**
 * The fields of one 512-byte header block, read as leniently as the archives in the field need and no more.
 *
 * @see POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format"
 * @module
 */
import { decodePath } from "./path_order.ts";

/** Why a header cannot be read; the reader adds which member it was. */
export class TarFieldError extends Error {}

/** A header block, decoded; names joined, no extension applied yet. */
export interface TarBlock {
  readonly typeFlag: string;
  readonly name: string;
  readonly linkName: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
  /** Only read for devices: other members may hold anything there. */
  readonly devMajor: number;
  readonly devMinor: number;
  /** The block itself, for what only some formats have. */
  readonly bytes: Uint8Array;
}

/** Whether all bytes are zero: two such blocks end an archive. */
export function isZeroBlock(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0);
}

/**
 * Reads a header block.
 *
 * @throws {TarFieldError} if the checksum is wrong or a field holds no number.
 */
export function readBlock(block: Uint8Array): TarBlock {
  checkSum(block);
  const typeFlag = String.fromCharCode(block[156] ?? 0);
  const isDevice = typeFlag === "3" || typeFlag === "4";
  const magic = text(block, 257, 6);
  return {
    typeFlag,
    name: joinPrefix(block, magic, text(block, 0, 100)),
    linkName: text(block, 157, 100),
    // Many writers put the file type bits of stat(2) in front.
    mode: positive(block, 100, 8, "mode") & 0o7777,
    uid: positive(block, 108, 8, "uid"),
    gid: positive(block, 116, 8, "gid"),
    sizeBytes: positive(block, 124, 12, "size"),
    mtimeSeconds: number(block, 136, 12, "mtime"),
    devMajor: isDevice ? positive(block, 329, 8, "device major") : 0,
    devMinor: isDevice ? positive(block, 337, 8, "device minor") : 0,
    bytes: block,
  };
}

/**
 * A number field: octal digits, or base-256 where the first bit says so (GNU, for what octal cannot hold).
 *
 * @throws {TarFieldError} for anything else, or beyond 2^53.
 */
export function number(block: Uint8Array, offset: number, size: number, what: string): number {
  const first = block[offset] ?? 0;
  if ((first & 0x80) === 0) return octal(block, offset, size, what);
  // Big-endian two's complement in the remaining bits; the second bit is the sign.
  let value = (first & 0x40) === 0 ? BigInt(first & 0x3f) : BigInt(first & 0x3f) - 0x40n;
  for (let i = offset + 1; i < offset + size; i++) value = value * 256n + BigInt(block[i] ?? 0);
  const result = Number(value);
  if (!Number.isSafeInteger(result)) throw new TarFieldError(`its ${what} ${value} is too large`);
  return result;
}

/** {@link number}, refused below zero. */
export function positive(block: Uint8Array, offset: number, size: number, what: string): number {
  const value = number(block, offset, size, what);
  if (value < 0) throw new TarFieldError(`its ${what} ${value} is negative`);
  return value;
}

/** Bytes up to the first NUL, as a path string. */
function text(block: Uint8Array, offset: number, size: number): string {
  let end = offset;
  let isAscii = true;
  for (; end < offset + size && block[end] !== 0; end++) isAscii &&= (block[end] ?? 0) < 0x80;
  if (end === offset) return "";
  // Most names by far; a decoder has a high price per call.
  if (isAscii) return String.fromCharCode(...block.subarray(offset, end));
  return decodePath(block.subarray(offset, end));
}

function octal(block: Uint8Array, offset: number, size: number, what: string): number {
  let i = offset;
  let end = offset + size;
  // V7 and some later writers pad with spaces or NULs, before or after.
  while (i < end && isBlank(block[i])) i++;
  while (end > i && isBlank(block[end - 1])) end--;
  let value = 0;
  for (; i < end && block[i] !== 0; i++) {
    const digit = (block[i] ?? 0) - 0x30;
    if (digit < 0 || digit > 7) throw new TarFieldError(`its ${what} is not an octal number`);
    value = value * 8 + digit;
  }
  return value;
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0;
}

function checkSum(block: Uint8Array): void {
  const expected = octal(block, 148, 8, "checksum");
  let unsigned = 8 * 0x20;
  let high = 0;
  for (let i = 0; i < block.length; i++) {
    const byte = i >= 148 && i < 156 ? 0 : block[i] ?? 0;
    unsigned += byte;
    high += byte >>> 7;
  }
  // Old writers summed chars where the compiler had them signed.
  if (expected !== unsigned && expected !== unsigned - high * 0x100) {
    throw new TarFieldError("its checksum is wrong: not a tar header, or a damaged one");
  }
}

function joinPrefix(block: Uint8Array, magic: string, name: string): string {
  // GNU's magic is "ustar  " and V7 has none: both keep other things where ustar has the prefix.
  if (magic !== "ustar") return name;
  // star keeps access and change times behind a shorter prefix.
  const isStar = text(block, 508, 4) === "tar";
  const prefix = text(block, 345, isStar ? 131 : 155);
  return prefix === "" ? name : `${prefix}/${name}`;
}
