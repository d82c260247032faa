/**
 * The file format of the stat index: columns that are used where they lie, so that reading 30,000 entries costs
 * milliseconds.
 *
 * Numbers are in the byte order of this machine: the file never leaves it, and one from elsewhere fails its checks.
 * The header is 72 bytes: magic with version (8), sha256 of all that follows it (32), milliseconds since the epoch
 * (float 64), entries, saves, bytes of paths (unsigned 64 each). The columns follow widest first, and last the paths
 * in UTF-8, each ended by a NUL.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** The entries of an index, column by column; row n of each is one file. */
export interface StatColumns {
  /** When the file was written. */
  readonly savedMs: number;
  /** How many times this index was written. */
  readonly save: number;
  readonly paths: readonly string[];
  readonly dev: BigUint64Array;
  readonly ino: BigUint64Array;
  readonly sizeBytes: Float64Array;
  readonly mtimeNs: BigInt64Array;
  readonly ctimeNs: BigInt64Array;
  /** The `save` before which an entry was last asked for. */
  readonly seen: Uint32Array;
  /** 32 bytes of sha256 for each entry. */
  readonly digests: Uint8Array;
}

const MAGIC = new TextEncoder().encode("LWSTAT1\n");
const HASHED_FROM = 40;
const HEADER_BYTES = 72;
/** Five columns of 8 bytes, one of 4, one of 32. */
const ROW_BYTES = 5 * 8 + 4 + 32;

/** The bytes of an index file. */
export function serializeStatColumns(columns: StatColumns): Uint8Array {
  const paths = new TextEncoder().encode(columns.paths.map((path) => `${path}\0`).join(""));
  const { dev, ino, sizeBytes, mtimeNs, ctimeNs, seen, digests } = columns;
  const count = columns.paths.length;
  const bytes = new Uint8Array(HEADER_BYTES + count * ROW_BYTES + paths.length);
  bytes.set(MAGIC);
  new Float64Array(bytes.buffer, HASHED_FROM, 1)[0] = columns.savedMs;
  new BigUint64Array(bytes.buffer, HASHED_FROM + 8, 3).set(
    [count, columns.save, paths.length].map(BigInt),
  );
  let offset = HEADER_BYTES;
  for (const column of [dev, ino, sizeBytes, mtimeNs, ctimeNs, seen, digests, paths]) {
    bytes.set(new Uint8Array(column.buffer, column.byteOffset, column.byteLength), offset);
    offset += column.byteLength;
  }
  bytes.set(hashOf(bytes), MAGIC.length);
  return bytes;
}

/** Reads an index file; undefined if it is damaged or of another version. */
export function parseStatColumns(file: Uint8Array): StatColumns | undefined {
  if (file.length < HEADER_BYTES || MAGIC.some((byte, index) => file[index] !== byte)) return;
  // Columns need their alignment, and a Buffer may begin anywhere. Its slice() would be no copy.
  const bytes = file.byteOffset % 8 === 0 ? file : new Uint8Array(file);
  const { buffer, byteOffset } = bytes;
  if (hashOf(bytes).some((byte, index) => bytes[MAGIC.length + index] !== byte)) return;
  const [savedMs = 0] = new Float64Array(buffer, byteOffset + HASHED_FROM, 1);
  const [count = 0, save = 0, pathBytes = 0] = Array.from(
    new BigUint64Array(buffer, byteOffset + HASHED_FROM + 8, 3),
    Number,
  );
  if (bytes.length !== HEADER_BYTES + count * ROW_BYTES + pathBytes) return;
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const paths = decoder.decode(bytes.subarray(bytes.length - pathBytes)).split("\0");
  paths.pop();
  if (paths.length !== count) return;
  const at = (column: number): number => byteOffset + HEADER_BYTES + column * 8 * count;
  return {
    savedMs,
    save,
    paths,
    dev: new BigUint64Array(buffer, at(0), count),
    ino: new BigUint64Array(buffer, at(1), count),
    sizeBytes: new Float64Array(buffer, at(2), count),
    mtimeNs: new BigInt64Array(buffer, at(3), count),
    ctimeNs: new BigInt64Array(buffer, at(4), count),
    seen: new Uint32Array(buffer, at(5), count),
    digests: bytes.subarray(
      HEADER_BYTES + count * (ROW_BYTES - 32),
      HEADER_BYTES + count * ROW_BYTES,
    ),
  };
}

function hashOf(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes.subarray(HASHED_FROM)).digest();
}
