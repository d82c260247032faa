/**
 * The grammar of a tar archive, without its bytes: a generator that asks for blocks and gives members.
 * The streaming and the on-disk reader both drive it, so that they cannot disagree.
 *
 * Where readers of the field differ, this one follows Go's archive/tar, which docker, containerd and
 * BuildKit read layers with: two readers that see different files in one layer are an attack.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import type { FileEntry } from "./file_entry.ts";
import { normalizeMemberPath } from "./member_name.ts";
import { decodePath } from "./path_order.ts";
import { parsePax, type PaxRecord } from "./pax.ts";
import { isZeroBlock, readBlock, type TarBlock, TarFieldError } from "./tar_fields.ts";
import { BLOCK_SIZE, paddingBytes } from "./tar_header.ts";
import { entryOf, hasNoContent } from "./tar_member_entry.ts";
import { checkExtents, decimal, readSparseMap, type SparseMap } from "./tar_sparse.ts";

/** A member as its headers tell it. */
export interface MemberHeader {
  /** Place in the archive, from 1; extended headers do not count. */
  readonly number: number;
  /** Without content; `path` is `""` for the root. */
  readonly entry: FileEntry;
  /** The name as it stands in the archive. */
  readonly rawPath: string;
  /** Where the member's first header starts, in bytes from the start of the archive. */
  readonly headerOffset: number;
  readonly contentOffset: number;
  /** Bytes from `contentOffset`, without padding; less than `entry.sizeBytes` for a sparse file. */
  readonly storedBytes: number;
  /** Present for a sparse file. */
  readonly sparse?: SparseMap;
}

/**
 * What the grammar wants next: a number asks for so many bytes (fewer only at the end of the archive; they must
 * stay valid until the next step), a member asks to be handled and its content and padding passed over.
 */
export type MemberSteps = Generator<number | MemberHeader, void, Uint8Array | undefined>;

const MAX_MEMBERS = 2_000_000;
const MAX_PAX_BYTES = 1 << 20;
/** Each member pays for each of them; real archives have a comment, or an owner. */
const MAX_GLOBAL_RECORDS = 100;
const MAX_LONG_NAME_BYTES = 4 * 4096;
const NONE = new Uint8Array();

/**
 * Reads an archive from its first block to its end mark. What follows two zero blocks is ignored, and an archive
 * that ends without them is accepted, as by GNU tar.
 *
 * @throws {LayerwrightError} `TAR_INVALID` naming the member; `TAR_UNSUPPORTED` for an unknown type of member;
 * `LAYER_ESCAPES_ROOT` for a name that leaves the root; `LAYER_LIMIT` for names, headers or archives beyond all measure.
 */
export function* parseMembers(): MemberSteps {
  const globals = new Map<string, Uint8Array>();
  let offset = 0;
  for (let number = 1;; number++) {
    if (number > MAX_MEMBERS) {
      throw new LayerwrightError("LAYER_LIMIT", `Cannot read tar: over ${MAX_MEMBERS} members`);
    }
    const start: MemberStart = { number, headerOffset: offset, globals };
    const member = yield* readMember(start);
    if (member === undefined) return;
    yield member;
    offset = member.contentOffset + member.storedBytes + paddingBytes(member.storedBytes);
  }
}

interface MemberStart {
  readonly number: number;
  readonly headerOffset: number;
  /** Records of PAX `g` headers so far; they hold for all members that follow. */
  readonly globals: Map<string, Uint8Array>;
}

/** What the headers before a member's own one say about it. */
interface Extensions {
  pax: readonly PaxRecord[];
  longName?: string;
  longLink?: string;
}

type Reading<T> = Generator<number | MemberHeader, T, Uint8Array | undefined>;

function* readMember(start: MemberStart): Reading<MemberHeader | undefined> {
  const extensions: Extensions = { pax: [] };
  let offset = start.headerOffset;
  let name: string | undefined;
  try {
    for (;;) {
      const bytes = (yield BLOCK_SIZE) ?? NONE;
      if (bytes.length < BLOCK_SIZE || isZeroBlock(bytes)) {
        // A global header needs no member after it: `git archive` of nothing is one.
        const { pax, longName, longLink } = extensions;
        if (pax.length > 0 || longName !== undefined || longLink !== undefined) {
          throw new TarFieldError("the archive ends after an extended header");
        }
        yield* expectEnd(bytes);
        return undefined;
      }
      const block = readBlock(bytes);
      offset += BLOCK_SIZE;
      if (!isExtension(block.typeFlag)) {
        name = extensions.longName ?? block.name;
        return yield* finishMember(start, block, extensions, offset);
      }
      offset += yield* readExtension(block, extensions, start.globals);
    }
  } catch (error) {
    throw error instanceof TarFieldError ? invalid(start, name, error.message) : error;
  }
}

function isExtension(typeFlag: string): boolean {
  return typeFlag === "x" || typeFlag === "g" || typeFlag === "L" || typeFlag === "K";
}

function* expectEnd(bytes: Uint8Array): Reading<void> {
  if (bytes.length === 0) return;
  if (bytes.length < BLOCK_SIZE) throw new TarFieldError("the archive ends inside a header");
  const second = (yield BLOCK_SIZE) ?? NONE;
  // Some readers go on after one zero block and some stop: none may see more files than we do.
  if (!isZeroBlock(second)) throw new TarFieldError("a single zero block stands before it");
}

/** Reads the content of an extended header into `extensions` or `globals`; returns its length with padding. */
function* readExtension(
  { typeFlag, sizeBytes }: TarBlock,
  extensions: Extensions,
  globals: Map<string, Uint8Array>,
): Reading<number> {
  const limit = typeFlag === "x" || typeFlag === "g" ? MAX_PAX_BYTES : MAX_LONG_NAME_BYTES;
  if (sizeBytes > limit) {
    throw new TarFieldError(`its extended header has ${sizeBytes} bytes, over ${limit}`);
  }
  const storedBytes = sizeBytes + paddingBytes(sizeBytes);
  const bytes = ((yield storedBytes) ?? NONE).subarray(0, sizeBytes);
  if (bytes.length < sizeBytes) throw new TarFieldError("its extended header is cut off");
  if (typeFlag === "L" || typeFlag === "K") {
    const nul = bytes.indexOf(0);
    const text = decodePath(nul < 0 ? bytes : bytes.subarray(0, nul));
    if (typeFlag === "L") extensions.longName = text;
    else extensions.longLink = text;
    return storedBytes;
  }
  const records = parsePax(bytes);
  if (records === undefined) {
    throw new TarFieldError("its extended header is not made of PAX records");
  }
  if (typeFlag === "x") extensions.pax = records;
  else applyRecords(globals, records);
  if (globals.size > MAX_GLOBAL_RECORDS) {
    throw new TarFieldError(`its global headers have over ${MAX_GLOBAL_RECORDS} records`);
  }
  return storedBytes;
}

/**
 * POSIX: a record without a value takes back what an earlier one of its key said. For an extended attribute it means
 * the empty value instead, as GNU tar has it: Linux has such attributes.
 */
function applyRecords(target: Map<string, Uint8Array>, records: readonly PaxRecord[]): void {
  for (const [key, value] of records) {
    if (value.length === 0 && !key.startsWith("SCHILY.xattr.")) target.delete(key);
    else target.set(key, value);
  }
}

function* finishMember(
  start: MemberStart,
  block: TarBlock,
  { pax, longName, longLink }: Extensions,
  headerEnd: number,
): Reading<MemberHeader> {
  const records = new Map(start.globals);
  applyRecords(records, pax);
  const size = records.get("size");
  const declared = size === undefined ? block.sizeBytes : decimal(decodePath(size));
  let storedBytes = hasNoContent(block.typeFlag) ? 0 : declared;
  const found = yield* readSparseMap(block, pax, records);
  const sparse = found?.map;
  if (found !== undefined) {
    storedBytes -= found.contentBytes;
    checkExtents(found.map, storedBytes);
  }
  const sparseName = sparse === undefined ? undefined : records.get("GNU.sparse.name");
  const pathRecord = sparseName ?? records.get("path");
  const rawPath = longName ?? (pathRecord === undefined ? block.name : decodePath(pathRecord));
  const linkRecord = records.get("linkpath");
  const rawLink = longLink ?? (linkRecord === undefined ? block.linkName : decodePath(linkRecord));
  const { number, headerOffset } = start;
  const contentOffset = headerEnd + (found?.headerBytes ?? 0) + (found?.contentBytes ?? 0);
  const action = describe(start, rawPath);
  const entry = entryOf(block, records, {
    path: normalizeMemberPath(rawPath, action),
    rawPath,
    rawLink,
    sizeBytes: sparse?.sizeBytes ?? storedBytes,
    action,
  });
  const member = { number, entry, rawPath, headerOffset, contentOffset, storedBytes };
  return sparse === undefined ? member : { ...member, sparse };
}

function describe({ number }: MemberStart, name: string | undefined): string {
  return `Cannot read tar member ${number}${name === undefined ? "" : ` ${JSON.stringify(name)}`}`;
}

function invalid(start: MemberStart, name: string | undefined, why: string): LayerwrightError {
  const where = name === undefined ? ` at byte ${start.headerOffset}` : "";
  return new LayerwrightError("TAR_INVALID", `${describe(start, name)}${where}: ${why}`);
}
