/**
 * The header of one tar member, every byte of it decided by the entry.
 *
 * Plain ustar where ustar can say it; what it cannot say goes into a PAX extended header before it.
 * The fixed fields are pinned by the compat version: empty user and group names, version "00",
 * device numbers only for devices, a trailing slash on names of directories.
 *
 * @see POSIX.1-2017, pax, "ustar Interchange Format" and "pax Extended Header"
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import { checkEntry } from "./entry_rules.ts";
import type { FileEntry, FileType } from "./file_entry.ts";
import { encodePath } from "./path_order.ts";
import { encodePax, type PaxRecord, paxRecordSizeBytes } from "./pax.ts";

/** Tar counts in blocks of this many bytes. */
export const BLOCK_SIZE = 512;

/** Largest number in a field of 7 octal digits: mode, owners, device numbers. */
const MAX_7_DIGITS = 0o7777777;
/** Largest number in a field of 11 octal digits: size, mtime. */
const MAX_11_DIGITS = 0o77777777777;
const NAME_SIZE = 100;
const PREFIX_SIZE = 155;
const NON_ASCII = /[\u0080-\uffff]/;
const TYPE_FLAGS: Readonly<Record<FileType, string>> = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  "character-device": "3",
  "block-device": "4",
  directory: "5",
  fifo: "6",
};

/** What a type flag of ustar stands for. */
export const FLAGGED_TYPES: ReadonlyMap<string, FileType> = new Map(
  (Object.keys(TYPE_FLAGS) as FileType[]).map((type) => [TYPE_FLAGS[type], type]),
);

/** The bytes that fill the last block of `sizeBytes` of content. */
export function paddingBytes(sizeBytes: number): number {
  // Not `-size & 511`: sizes pass 32 bits.
  return (BLOCK_SIZE - sizeBytes % BLOCK_SIZE) % BLOCK_SIZE;
}

/**
 * Bytes that {@link encodeHeader} will give, without making them.
 *
 * @returns 512, or more where the entry needs PAX records.
 */
export function headerSizeBytes(entry: FileEntry): number {
  const records = paxRecords(entry, splitName(tarName(entry)));
  if (records.length === 0) return BLOCK_SIZE;
  let size = 0;
  for (const [key, value] of records) {
    size += paxRecordSizeBytes(encodePath(key).length, value.length);
  }
  return BLOCK_SIZE + size + paddingBytes(size) + BLOCK_SIZE;
}

/**
 * Encodes the header of one entry, its PAX header included.
 *
 * @returns a multiple of 512 bytes; the content follows it in the archive.
 * @throws {LayerwrightError} `LAYER_INVALID` for an entry no layer may hold; `TAR_UNSUPPORTED` for one that tar cannot say.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { encodeHeader } from "./tar_header.ts";
 * const header = encodeHeader({
 *   path: "etc", type: "directory", mode: 0o755, uid: 0, gid: 0, sizeBytes: 0, mtimeSeconds: 0,
 * });
 * assert.equal(header.length, 512);
 * assert.equal(new TextDecoder().decode(header.subarray(0, 5)), "etc/\0");
 * ```
 */
export function encodeHeader(entry: FileEntry): Uint8Array {
  checkEntry(entry);
  const name = tarName(entry);
  const split = splitName(name);
  const records = paxRecords(entry, split);
  if (records.length === 0) {
    const block = new Uint8Array(BLOCK_SIZE);
    fillBlock(new HeaderBlock(block, 0), entry, split ?? { prefix: "", name });
    return block;
  }
  const pax = encodePax(records);
  const header = new Uint8Array(BLOCK_SIZE + pax.length + paddingBytes(pax.length) + BLOCK_SIZE);
  fillPaxBlock(new HeaderBlock(header, 0), entry, pax.length);
  header.set(pax, BLOCK_SIZE);
  const fallback = { prefix: "", name: asciiOf(name).slice(0, NAME_SIZE) };
  fillBlock(new HeaderBlock(header, header.length - BLOCK_SIZE), entry, split ?? fallback);
  return header;
}

/** Whether the header of an entry is one block, which {@link putPlainHeader} can write. */
export function hasPlainHeader(entry: FileEntry): boolean {
  const { path, type, linkTarget, sizeBytes, uid, gid, mtimeSeconds, xattrs } = entry;
  const limit = type === "directory" ? NAME_SIZE - 1 : NAME_SIZE;
  return path.length <= limit && xattrs === undefined && linkTarget === undefined &&
    entry.devMajor === undefined && sizeBytes <= MAX_11_DIGITS && uid <= MAX_7_DIGITS &&
    gid <= MAX_7_DIGITS && mtimeSeconds >= 0 && mtimeSeconds <= MAX_11_DIGITS &&
    !NON_ASCII.test(path);
}

/**
 * Writes the header that {@link encodeHeader} gives of an entry that {@link hasPlainHeader}, which most do: without a look
 * at it, since layers have a hundred thousand of them and `normalizeEntries` has looked.
 *
 * @param target zeros from `offset` on, for 512 bytes.
 */
export function putPlainHeader(
  entry: Omit<FileEntry, "content">,
  target: Uint8Array,
  offset: number,
): void {
  fillBlock(new HeaderBlock(target, offset), entry, { prefix: "", name: tarName(entry) });
}

interface UstarName {
  readonly prefix: string;
  readonly name: string;
}

function tarName(entry: FileEntry): string {
  return entry.type === "directory" ? `${entry.path}/` : entry.path;
}

/** The name as ustar can hold it: at once, or cut at a slash; undefined where only PAX can. */
function splitName(name: string): UstarName | undefined {
  if (NON_ASCII.test(name)) return undefined;
  if (name.length <= NAME_SIZE) return { prefix: "", name };
  // A cut at the slash that ends a directory's name would leave the name field empty.
  const cut = name.lastIndexOf("/", Math.min(PREFIX_SIZE, name.length - 2));
  const rest = name.length - cut - 1;
  return cut > 0 && rest <= NAME_SIZE
    ? { prefix: name.slice(0, cut), name: name.slice(cut + 1) }
    : undefined;
}

function paxRecords(entry: FileEntry, split: UstarName | undefined): PaxRecord[] {
  const records: PaxRecord[] = [];
  const add = (key: string, value: string): unknown => records.push([key, encodePath(value)]);
  if (split === undefined) add("path", tarName(entry));
  const target = entry.linkTarget ?? "";
  if (target.length > NAME_SIZE || NON_ASCII.test(target)) add("linkpath", target);
  if (entry.sizeBytes > MAX_11_DIGITS) add("size", String(entry.sizeBytes));
  if (entry.uid > MAX_7_DIGITS) add("uid", String(entry.uid));
  if (entry.gid > MAX_7_DIGITS) add("gid", String(entry.gid));
  if (entry.mtimeSeconds < 0 || entry.mtimeSeconds > MAX_11_DIGITS) {
    add("mtime", String(entry.mtimeSeconds));
  }
  for (const [name, value] of Object.entries(entry.xattrs ?? {})) {
    // POSIX gives keys no way to hold "=": readers would take the rest of the name for the value.
    if (name === "" || name.includes("=") || name.includes("\0")) {
      throw new LayerwrightError(
        "TAR_UNSUPPORTED",
        `Cannot write ${
          JSON.stringify(entry.path)
        }: a tar cannot hold an extended attribute named ${JSON.stringify(name)}`,
      );
    }
    records.push([`SCHILY.xattr.${name}`, value]);
  }
  return records;
}

/** The header block of the PAX header itself: a file beside nothing, named so that old tools unpack it harmlessly. */
function fillPaxBlock(block: HeaderBlock, entry: FileEntry, sizeBytes: number): void {
  const base = asciiOf(entry.path.slice(entry.path.lastIndexOf("/") + 1));
  block.text(0, `PaxHeaders/${base}`.slice(0, NAME_SIZE));
  putNumbers(block, 0o644, 0, 0, sizeBytes, 0);
  block.text(156, "x");
  block.seal();
}

function fillBlock(block: HeaderBlock, entry: FileEntry, { prefix, name }: UstarName): void {
  block.text(0, name);
  putNumbers(block, entry.mode, entry.uid, entry.gid, entry.sizeBytes, entry.mtimeSeconds);
  block.text(156, TYPE_FLAGS[entry.type]);
  if (entry.linkTarget !== undefined) {
    block.text(157, asciiOf(entry.linkTarget).slice(0, NAME_SIZE));
  }
  if (entry.devMajor !== undefined && entry.devMinor !== undefined) {
    // There is no PAX record for device numbers that all readers know.
    if (entry.devMajor > MAX_7_DIGITS || entry.devMinor > MAX_7_DIGITS) {
      throw new LayerwrightError(
        "TAR_UNSUPPORTED",
        `Cannot write ${
          JSON.stringify(entry.path)
        }: a tar holds device numbers up to ${MAX_7_DIGITS}, not ${entry.devMajor}:${entry.devMinor}`,
      );
    }
    block.octal(329, 7, entry.devMajor);
    block.octal(337, 7, entry.devMinor);
  }
  block.text(345, prefix);
  block.seal();
}

/** A number that a PAX record carries stands as 0 here, as Go's writer has it. */
function putNumbers(
  block: HeaderBlock,
  mode: number,
  uid: number,
  gid: number,
  size: number,
  mtime: number,
): void {
  block.octal(100, 7, mode);
  block.octal(108, 7, uid > MAX_7_DIGITS ? 0 : uid);
  block.octal(116, 7, gid > MAX_7_DIGITS ? 0 : gid);
  block.octal(124, 11, size > MAX_11_DIGITS ? 0 : size);
  block.octal(136, 11, mtime < 0 || mtime > MAX_11_DIGITS ? 0 : mtime);
}

/** One block, zeros at first, whose sum is kept while it is filled. */
class HeaderBlock {
  readonly #bytes: Uint8Array;
  readonly #start: number;
  #sum = 0;

  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes;
    this.#start = start;
  }

  text(offset: number, ascii: string): void {
    const bytes = this.#bytes;
    const at = this.#start + offset;
    let sum = 0;
    for (let i = 0; i < ascii.length; i++) {
      const code = ascii.charCodeAt(i);
      bytes[at + i] = code;
      sum += code;
    }
    this.#sum += sum;
  }

  /** Octal digits with leading zeros; the byte after them stays NUL. */
  octal(offset: number, digits: number, value: number): void {
    const bytes = this.#bytes;
    const first = this.#start + offset;
    let sum = 0x30 * digits;
    let rest = value;
    for (let i = first + digits - 1; i >= first; i--) {
      // Not by bits: sizes pass 32 of them.
      const high = Math.floor(rest / 8);
      const digit = rest - high * 8;
      bytes[i] = 0x30 + digit;
      sum += digit;
      rest = high;
    }
    this.#sum += sum;
  }

  /** Magic, version and checksum: last, since the sum is over all the rest. */
  seal(): void {
    this.text(257, "ustar");
    this.text(263, "00");
    // The sum counts the checksum field itself as eight spaces.
    this.octal(148, 6, this.#sum + 8 * 0x20);
    this.#bytes[this.#start + 155] = 0x20;
  }
}

/** What a tool that knows no PAX gets to see: one "_" for each byte that is not ASCII. */
function asciiOf(text: string): string {
  if (!NON_ASCII.test(text)) return text;
  let ascii = "";
  for (const byte of encodePath(text)) ascii += byte < 0x80 ? String.fromCharCode(byte) : "_";
  return ascii;
}
