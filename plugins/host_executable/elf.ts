/**
 * Reads what the dynamic loader reads of an ELF file: the interpreter, the libraries it needs, and where
 * it says to look for them.
 *
 * Every offset and length in the file is a claim of whoever made it: each is checked against the file's size,
 * and nothing is allocated by a number the file gives beyond the limits below.
 *
 * @see System V ABI, gABI 4.1, chapters 4 ("ELF Header") and 5 ("Program Header", "Dynamic Section")
 * @module
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { LayerwrightError } from "../../core/mod.ts";

/** What the loader goes by. */
export interface ElfFile {
  /** Width of an address in bits. */
  readonly addressBits: 32 | 64;
  readonly littleEndian: boolean;
  /** `e_machine`: 62 is x86-64, 183 is AArch64. */
  readonly machine: number;
  /** PT_INTERP: the dynamic loader. Absent in static programs and in libraries. */
  readonly interpreter?: string;
  /** DT_NEEDED, in order: names or, with a slash, paths. */
  readonly needed: readonly string[];
  /** DT_RPATH, split at colons; the loader ignores it in a file that has a runpath. */
  readonly rpath: readonly string[];
  /** DT_RUNPATH, split at colons. */
  readonly runpath: readonly string[];
  /** DT_SONAME: the name under which a library is known to others. */
  readonly soname?: string;
}

/** Random access to the bytes of a file. */
export interface ByteSource {
  readonly sizeBytes: number;
  /** Exactly `length` bytes at `offset`; the caller has checked that they exist. */
  read(offset: number, length: number): Uint8Array;
}

const CLASS_32 = 1;
const CLASS_64 = 2;
const DATA_LITTLE = 1;
const DATA_BIG = 2;
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
/** The real count is elsewhere: over 65,534 segments, which no program that a loader takes has. */
const PN_XNUM = 0xffff;
const DT_NULL = 0;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const DT_STRSZ = 10;
const DT_SONAME = 14;
const DT_RPATH = 15;
const DT_RUNPATH = 29;

/** PATH_MAX: the kernel refuses a longer interpreter, the loader has no use for a longer name. */
const STRING_LIMIT = 4096;
const DYNAMIC_LIMIT = 1 << 20;
const NEEDED_LIMIT = 4096;

/**
 * Tells by its first bytes whether a file is ELF, a script (`#!`), or neither.
 *
 * @param head The first four bytes of the file, or fewer when it is shorter.
 */
export function executableKind(head: Uint8Array): "elf" | "script" | "other" {
  if (head[0] === 0x7f && head[1] === 0x45 && head[2] === 0x4c && head[3] === 0x46) return "elf";
  return head[0] === 0x23 && head[1] === 0x21 ? "script" : "other";
}

/**
 * Reads the ELF file at a path.
 *
 * @throws {LayerwrightError} `ELF_INVALID` if it is damaged or no ELF file; the error of `node:fs` if it cannot be read.
 */
export function readElf(path: string): ElfFile {
  const fd = openSync(path, "r");
  try {
    const read = (offset: number, length: number): Uint8Array => {
      const bytes = new Uint8Array(length);
      let done = 0;
      while (done < length) {
        const count = readSync(fd, bytes, done, length - done, offset + done);
        if (count === 0) throw invalid(path, "the file became shorter while it was read");
        done += count;
      }
      return bytes;
    };
    return parseElf({ sizeBytes: fstatSync(fd).size, read }, path);
  } finally {
    closeSync(fd);
  }
}

/**
 * Reads ELF from any bytes.
 *
 * @param name What to call the file in errors.
 * @throws {LayerwrightError} `ELF_INVALID`, saying which field is wrong.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseElf } from "./elf.ts";
 * const source = { sizeBytes: 4, read: () => new TextEncoder().encode("#!/b") };
 * assert.throws(() => parseElf(source, "/usr/bin/tool"), { code: "ELF_INVALID" });
 * ```
 */
export function parseElf(source: ByteSource, name: string): ElfFile {
  const head = source.read(0, Math.min(source.sizeBytes, 64));
  if (executableKind(head) !== "elf") throw invalid(name, "not an ELF file");
  const addressBits = head[4] === CLASS_32 ? 32 : head[4] === CLASS_64 ? 64 : undefined;
  if (addressBits === undefined) throw invalid(name, `class ${head[4]} is neither 1 nor 2`);
  if (head[5] !== DATA_LITTLE && head[5] !== DATA_BIG) {
    throw invalid(name, `byte order ${head[5]} is neither 1 nor 2`);
  }
  const littleEndian = head[5] === DATA_LITTLE;
  const file = new Fields(source, name, addressBits === 64, littleEndian);

  const wide = addressBits === 64;
  const header = file.region(0, wide ? 64 : 52, "header");
  const machine = header.getUint16(18, littleEndian);
  const segmentsOffset = file.word(header, wide ? 32 : 28);
  const segmentSize = header.getUint16(wide ? 54 : 42, littleEndian);
  const segmentCount = header.getUint16(wide ? 56 : 44, littleEndian);
  const fixed = { addressBits, littleEndian, machine } as const;
  if (segmentCount === 0) return { ...fixed, needed: [], rpath: [], runpath: [] };
  if (segmentCount === PN_XNUM) throw invalid(name, "too many segments");
  if (segmentSize !== (wide ? 56 : 32)) {
    throw invalid(name, `segment headers of ${segmentSize} bytes`);
  }

  const table = file.region(segmentsOffset, segmentCount * segmentSize, "program headers");
  const segments = Array.from({ length: segmentCount }, (_, index) => {
    return readSegment(file, table, index * segmentSize);
  });
  const interp = segments.find((segment) => segment.type === PT_INTERP);
  const interpreter = interp === undefined ? {} : { interpreter: readInterpreter(file, interp) };
  const dynamic = segments.find((segment) => segment.type === PT_DYNAMIC);
  const linking = dynamic === undefined
    ? { needed: [], rpath: [], runpath: [] }
    : readDynamic(file, dynamic, segments);
  return { ...fixed, ...interpreter, ...linking };
}

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
}

/** Checked access to numbers and strings of one file. */
class Fields {
  readonly #source: ByteSource;
  readonly #name: string;
  readonly wide: boolean;
  readonly littleEndian: boolean;

  constructor(source: ByteSource, name: string, wide: boolean, littleEndian: boolean) {
    this.#source = source;
    this.#name = name;
    this.wide = wide;
    this.littleEndian = littleEndian;
  }

  invalid(what: string): LayerwrightError {
    return invalid(this.#name, what);
  }

  region(offset: number, length: number, what: string): DataView {
    const size = this.#source.sizeBytes;
    // Subtracting instead of adding: offset + length of two huge numbers is not exact.
    if (offset > size || length > size - offset) {
      throw this.invalid(`${what} at offset ${offset} end after the file (${size} bytes)`);
    }
    const bytes = this.#source.read(offset, length);
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** An address-sized number. One over 2^53 loses digits, and is refused as out of the file all the same. */
  word(view: DataView, offset: number): number {
    return this.wide
      ? Number(view.getBigUint64(offset, this.littleEndian))
      : view.getUint32(offset, this.littleEndian);
  }

  /** The bytes before the first NUL, which must be there within `limit` bytes. */
  string(offset: number, limit: number, what: string): string {
    const room = Math.min(limit, STRING_LIMIT, this.#source.sizeBytes - offset);
    if (!(room > 0)) throw this.invalid(`${what} is outside of the file`);
    const view = this.region(offset, room, what);
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    const end = bytes.indexOf(0);
    if (end < 0) throw this.invalid(`${what} does not end`);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
        bytes.subarray(0, end),
      );
    } catch {
      throw this.invalid(`${what} is not UTF-8`);
    }
  }
}

function readSegment(file: Fields, table: DataView, at: number): Segment {
  const wide = file.wide;
  return {
    type: table.getUint32(at, file.littleEndian),
    offset: file.word(table, at + (wide ? 8 : 4)),
    address: file.word(table, at + (wide ? 16 : 8)),
    fileSize: file.word(table, at + (wide ? 32 : 16)),
  };
}

function readInterpreter(file: Fields, segment: Segment): string {
  const path = file.string(segment.offset, segment.fileSize, "interpreter");
  // The kernel takes a relative one from the working directory: no image could say which file that is.
  if (!path.startsWith("/")) {
    throw file.invalid(`interpreter ${JSON.stringify(path)} is not absolute`);
  }
  return path;
}

type Linking = Pick<ElfFile, "needed" | "rpath" | "runpath" | "soname">;

function readDynamic(file: Fields, segment: Segment, segments: readonly Segment[]): Linking {
  if (segment.fileSize > DYNAMIC_LIMIT) {
    throw file.invalid(`dynamic section of ${segment.fileSize} bytes`);
  }
  const view = file.region(segment.offset, segment.fileSize, "dynamic section");
  const width = file.wide ? 8 : 4;
  const values = new Map<number, number>();
  const neededOffsets: number[] = [];
  for (let at = 0; at + 2 * width <= view.byteLength; at += 2 * width) {
    const tag = file.word(view, at);
    const value = file.word(view, at + width);
    if (tag === DT_NULL) break;
    if (tag === DT_NEEDED) neededOffsets.push(value);
    else values.set(tag, value);
  }
  if (neededOffsets.length > NEEDED_LIMIT) {
    throw file.invalid(`${neededOffsets.length} needed libraries: over ${NEEDED_LIMIT}`);
  }

  const string = (at: number | undefined, what: string): string | undefined => {
    if (at === undefined) return undefined;
    const address = values.get(DT_STRTAB);
    const size = values.get(DT_STRSZ);
    if (address === undefined || size === undefined) throw file.invalid("no string table");
    // DT_STRTAB is an address in memory; the segment that is loaded there says where in the file.
    const load = segments.find((s) => {
      return s.type === PT_LOAD && address >= s.address && address - s.address < s.fileSize;
    });
    if (load === undefined) throw file.invalid("the string table is in no segment");
    return file.string(load.offset + (address - load.address) + at, size - at, what);
  };
  const soname = string(values.get(DT_SONAME), "soname");
  return {
    needed: neededOffsets.map((at) => string(at, "name of a needed library") ?? ""),
    rpath: splitSearchPath(string(values.get(DT_RPATH), "rpath")),
    runpath: splitSearchPath(string(values.get(DT_RUNPATH), "runpath")),
    ...(soname === undefined ? {} : { soname }),
  };
}

function splitSearchPath(text: string | undefined): string[] {
  return text === undefined || text === "" ? [] : text.split(":");
}

function invalid(name: string, what: string): LayerwrightError {
  return new LayerwrightError(
    "ELF_INVALID",
    `Cannot read program ${JSON.stringify(name)}: ${what}`,
  );
}
