/**
 * Sparse members: files whose holes are not in the archive. GNU's old header and its three PAX forms.
 *
 * @see GNU tar manual, appendix "Sparse Formats"
 * @module
 */
import { decodePath } from "./path_order.ts";
import type { PaxRecord } from "./pax.ts";
import { positive, type TarBlock, TarFieldError } from "./tar_fields.ts";
import { BLOCK_SIZE } from "./tar_header.ts";

const NEWLINE = 0x0a;

/** A run of bytes that is in the archive; all between the runs is zero. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
}

/** What a sparse member unpacks to. */
export interface SparseMap {
  /** Size of the file with its holes. */
  readonly sizeBytes: number;
  readonly extents: readonly Extent[];
}

/** A sparse map, and how many bytes it took after the member's header. */
export interface FoundMap {
  readonly map: SparseMap;
  /** Blocks of an old GNU header's continuation: not counted in the member's size. */
  readonly headerBytes: number;
  /** Blocks at the start of the content: counted in the member's size. */
  readonly contentBytes: number;
}

type Reading<T> = Generator<number, T, Uint8Array | undefined>;

const MAX_MAP_BYTES = 1 << 20;
const NONE = new Uint8Array();

/**
 * Reads the sparse map of a member in whichever form it has; asks for blocks where the map goes on after the header.
 *
 * @param pax the member's own records in order; `records` the same by key, merged with the global ones.
 * @returns undefined for a member that is not sparse.
 * @throws {TarFieldError} for a map that is no map.
 */
export function* readSparseMap(
  block: TarBlock,
  pax: readonly PaxRecord[],
  records: ReadonlyMap<string, Uint8Array>,
): Reading<FoundMap | undefined> {
  if (block.typeFlag === "S") return yield* readOldMap(block.bytes);
  if (records.has("GNU.sparse.major")) {
    const version = `${textOf(records, "GNU.sparse.major")}.${textOf(records, "GNU.sparse.minor")}`;
    if (version !== "1.0") throw new TarFieldError(`its sparse format ${version} is unknown`);
    const sizeBytes = decimal(textOf(records, "GNU.sparse.realsize"));
    return yield* readLeadingMap(sizeBytes);
  }
  const extents = paxExtents(pax);
  if (extents === undefined) return undefined;
  const sizeBytes = decimal(textOf(records, "GNU.sparse.size"));
  return { map: { sizeBytes, extents }, headerBytes: 0, contentBytes: 0 };
}

/** GNU's own format: four pairs in the header, 21 in each block after it. */
function* readOldMap(header: Uint8Array): Reading<FoundMap> {
  const sizeBytes = positive(header, 483, 12, "real size");
  const extents = oldExtents(header, 386, 4);
  let more = header[482] !== 0;
  let headerBytes = 0;
  while (more) {
    const block = (yield BLOCK_SIZE) ?? NONE;
    headerBytes += BLOCK_SIZE;
    if (block.length < BLOCK_SIZE || headerBytes > MAX_MAP_BYTES) {
      throw new TarFieldError("its sparse map is cut off or too long");
    }
    extents.push(...oldExtents(block, 0, 21));
    more = block[504] !== 0;
  }
  return { map: { sizeBytes, extents }, headerBytes, contentBytes: 0 };
}

function oldExtents(block: Uint8Array, offset: number, count: number): Extent[] {
  const extents: Extent[] = [];
  for (let at = offset; at < offset + count * 24; at += 24) {
    // Unused room is all NUL.
    if (block[at] === 0) break;
    extents.push({
      offset: positive(block, at, 12, "sparse offset"),
      length: positive(block, at + 12, 12, "sparse length"),
    });
  }
  return extents;
}

/** PAX format 1.0: a count, then offsets and lengths, one decimal number a line, filled up to a block. */
function* readLeadingMap(sizeBytes: number): Reading<FoundMap> {
  let text = "";
  let lines = 0;
  let wanted = Infinity;
  for (let contentBytes = BLOCK_SIZE; contentBytes <= MAX_MAP_BYTES; contentBytes += BLOCK_SIZE) {
    const block = (yield BLOCK_SIZE) ?? NONE;
    if (block.length < BLOCK_SIZE) break;
    for (const byte of block) if (byte === NEWLINE) lines++;
    text += String.fromCharCode(...block);
    if (wanted === Infinity && lines > 0) {
      wanted = 1 + 2 * decimal(text.slice(0, text.indexOf("\n")));
    }
    if (lines >= wanted) {
      const extents = pairsOf(text.split("\n").slice(1, wanted).map(decimal));
      return { map: { sizeBytes, extents }, headerBytes: 0, contentBytes };
    }
  }
  throw new TarFieldError("its sparse map is cut off or too long");
}

/** PAX format 0.0 (repeated records) or 0.1 (one list). */
function paxExtents(records: readonly PaxRecord[]): Extent[] | undefined {
  const numbers: number[] = [];
  let found = false;
  for (const [key, value] of records) {
    if (key === "GNU.sparse.map") {
      found = true;
      const list = decodePath(value);
      for (const item of list === "" ? [] : list.split(",")) numbers.push(decimal(item));
    } else if (key === "GNU.sparse.offset" || key === "GNU.sparse.numbytes") {
      found = true;
      // The two keys alternate: an offset stands at an even place.
      if ((numbers.length % 2 === 0) !== (key === "GNU.sparse.offset")) {
        throw new TarFieldError("its sparse map is out of order");
      }
      numbers.push(decimal(decodePath(value)));
    }
  }
  return found ? pairsOf(numbers) : undefined;
}

/**
 * Refuses a map that does not describe `storedBytes` bytes of a file of `sizeBytes`.
 *
 * @throws {TarFieldError}
 */
export function checkExtents(map: SparseMap, storedBytes: number): void {
  let end = 0;
  let stored = 0;
  for (const extent of map.extents) {
    if (extent.offset < end) throw new TarFieldError("its sparse map is out of order");
    end = extent.offset + extent.length;
    stored += extent.length;
    if (end > map.sizeBytes) throw new TarFieldError("its sparse map passes the end of the file");
  }
  if (stored !== storedBytes) {
    throw new TarFieldError(
      `its sparse map tells of ${stored} bytes, the header of ${storedBytes}`,
    );
  }
}

/** A decimal number without sign, as PAX has them. */
export function decimal(text: string): number {
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(value)) {
    throw new TarFieldError(`${JSON.stringify(text)} is not a number`);
  }
  return value;
}

function pairsOf(numbers: readonly number[]): Extent[] {
  if (numbers.length % 2 !== 0) throw new TarFieldError("its sparse map lacks a length");
  const extents: Extent[] = [];
  for (let i = 0; i < numbers.length; i += 2) {
    extents.push({ offset: numbers[i] ?? 0, length: numbers[i + 1] ?? 0 });
  }
  return extents;
}

function textOf(records: ReadonlyMap<string, Uint8Array>, key: string): string {
  return decodePath(records.get(key) ?? NONE);
}
