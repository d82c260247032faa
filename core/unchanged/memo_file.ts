/**
 * The file format of the memo of a build: see `unchanged_build.ts`. Light: loaded before the engine.
 *
 * 84 bytes of header: magic (8), sha256 of all that follows it in hexadecimal (64), bytes of the head, rows, bytes of
 * paths (unsigned 32 each). Then the columns of {@link ObservedFiles}, each at a multiple of four, and the head as JSON.
 * Numbers are in the byte order of this machine: the file never leaves it, and one from elsewhere fails its checks.
 *
 * @module
 */
import { type ObservedFiles, ROW_WORDS } from "../context/observed_files.ts";
import { sha256Hex } from "../host/sha256.ts";

const MAGIC = new TextEncoder().encode("LWMEMO1\n");
const HASHED_FROM = 72;
const HEADER_BYTES = HASHED_FROM + 12;
const HEADER_WORDS = HEADER_BYTES / 4;

/** What a memo file holds. */
export interface MemoFile {
  readonly files: ObservedFiles;
  /** What JSON can carry. */
  readonly head: unknown;
}

/** The bytes of a memo file. */
export function serializeMemo({ files, head }: MemoFile): Uint8Array {
  const { rows, offsets, paths } = files;
  const json = new TextEncoder().encode(JSON.stringify(head));
  const pathBytes = padded(paths.length);
  const total = HEADER_BYTES + rows.byteLength + offsets.byteLength + pathBytes;
  const bytes = new Uint8Array(total + padded(json.length));
  const words = new Uint32Array(bytes.buffer);
  bytes.set(MAGIC);
  words.set([json.length, offsets.length, paths.length], HASHED_FROM / 4);
  words.set(rows, HEADER_WORDS);
  words.set(offsets, HEADER_WORDS + rows.length);
  bytes.set(paths, HEADER_BYTES + rows.byteLength + offsets.byteLength);
  bytes.set(json, total);
  bytes.set(hashOf(bytes), MAGIC.length);
  return bytes;
}

/** Reads a memo file; undefined if it is damaged or of another version. */
export function parseMemo(file: Uint8Array): MemoFile | undefined {
  if (file.length < HEADER_BYTES || file.length % 4 !== 0) return undefined;
  if (MAGIC.some((byte, index) => file[index] !== byte)) return undefined;
  // Words need their alignment, and a Buffer may begin anywhere. Its slice() would be no copy.
  const bytes = file.byteOffset % 4 === 0 ? file : new Uint8Array(file);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  if (hashOf(bytes).some((byte, index) => bytes[MAGIC.length + index] !== byte)) return undefined;
  const [jsonLength = 0, count = 0, pathLength = 0] = words.subarray(HASHED_FROM / 4, HEADER_WORDS);
  const offsetsAt = HEADER_WORDS + count * ROW_WORDS;
  const pathsAt = 4 * (offsetsAt + count);
  const jsonAt = pathsAt + padded(pathLength);
  if (bytes.length !== jsonAt + padded(jsonLength)) return undefined;
  try {
    return {
      files: {
        rows: words.subarray(HEADER_WORDS, offsetsAt),
        offsets: words.subarray(offsetsAt, offsetsAt + count),
        paths: bytes.subarray(pathsAt, pathsAt + pathLength),
      },
      head: JSON.parse(new TextDecoder().decode(bytes.subarray(jsonAt, jsonAt + jsonLength))),
    };
  } catch {
    return undefined;
  }
}

function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}

function hashOf(bytes: Uint8Array): Uint8Array {
  return new TextEncoder().encode(sha256Hex(bytes.subarray(HASHED_FROM)));
}
