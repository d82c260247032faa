/**
 * A chunk of a layer as a message: a few strings and columns of numbers, however many files are in it, so that it goes
 * to another thread as quickly as a single one.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { LayerwrightError } from "../errors.ts";
import type { Digest } from "../oci/digest.ts";
import type { FileEntry, FileType } from "./file_entry.ts";
import type { ContentPart, LayerChunk } from "./layer_chunks.ts";

/** All that the bytes of a chunk follow from. */
export interface ChunkColumns {
  readonly lengthBytes: number;
  /** Paths of the members that have a header here, each ended by a NUL. */
  readonly names: string;
  /**
   * {@link HEADER_ROW} numbers a header: its offset in the chunk, type, mode, owner, group, size of the file, mtime.
   * The type is a place in {@link HEADER_TYPES}; -1 says that the header stands in `extra`, and the number behind it how
   * long it is.
   */
  readonly headers: Float64Array<ArrayBuffer>;
  /**
   * {@link CONTENT_ROW} numbers a content: offset in the chunk, length, offset in the file, size of the file, what is
   * checked, and where a range of a tar begins.
   */
  readonly contents: Float64Array<ArrayBuffer>;
  /** What contents are: sha256 of the whole file, {@link DIGEST_BYTES} a row; zeros where it is not known. */
  readonly digests: Uint8Array<ArrayBuffer>;
  /** Headers of more than one block, and contents that are on no disk, in the order of their rows: headers first. */
  readonly extra: Uint8Array<ArrayBuffer>;
  /** What messages call the files of contents, and where they are, each ended by a NUL. */
  readonly contentNames: string;
  readonly paths: string;
  /** {@link IDENTITY_ROW} numbers a content: device, inode, mtime and ctime; all -1 where they are not known. */
  readonly identities: BigInt64Array<ArrayBuffer>;
}

export const HEADER_ROW = 7;
export const CONTENT_ROW = 6;
export const IDENTITY_ROW = 4;
export const DIGEST_BYTES = 32;
export const HEADER_TYPES: readonly FileType[] = ["file", "directory", "fifo"];

/** What is asked about a content. */
export const CHECK = {
  /** A range of a tar: nothing. */
  range: 0,
  /** A file whose digest nobody asked for. */
  file: 1,
  /** A file whose digest is wanted. */
  digest: 2,
  /** A file whose digest has to be the one given. */
  expected: 3,
  /** Bytes that stand in `extra`. */
  given: 4,
} as const;

/** How contents are checked. */
export interface ColumnsOptions {
  /** The digest of an entry's content, if it is known. */
  readonly digestOf: (entry: FileEntry) => Digest | undefined;
  /** The digests of all files on disk are wanted. */
  readonly wantsDigests: boolean;
}

/** A chunk as columns. */
export interface DescribedChunk {
  readonly columns: ChunkColumns;
  /** All digests are known. */
  readonly isComplete: boolean;
  /** All digests will be known when the files are read. */
  readonly isCompletable: boolean;
}

/**
 * Describes a chunk.
 *
 * @throws {LayerwrightError} `LAYER_INVALID` for bytes that are not as long as their entry says.
 */
export function chunkColumns(chunk: LayerChunk, options: ColumnsOptions): DescribedChunk {
  const extra: Uint8Array[] = [];
  const { names, headers } = headerColumns(chunk, extra);
  const { contents: parts } = chunk;
  const contents = new Float64Array(parts.length * CONTENT_ROW);
  const identities = new BigInt64Array(parts.length * IDENTITY_ROW).fill(-1n);
  const digests = new Uint8Array(parts.length * DIGEST_BYTES);
  let contentNames = "";
  let paths = "";
  let isComplete = true;
  let isCompletable = true;
  for (let row = 0; row < parts.length; row++) {
    const part = parts[row] as ContentPart;
    const { entry, from, lengthBytes, offset } = part;
    const { content } = entry;
    const at = row * CONTENT_ROW;
    contents[at] = offset;
    contents[at + 1] = lengthBytes;
    contents[at + 2] = from;
    contents[at + 3] = entry.sizeBytes;
    contentNames += `${entry.path}\0`;
    if (content?.kind !== "path" && content?.kind !== "slice") {
      contents[at + 4] = CHECK.given;
      const bytes = givenBytes(entry);
      extra.push(bytes.subarray(from, from + lengthBytes));
      digests.set(createHash("sha256").update(bytes).digest(), row * DIGEST_BYTES);
      paths += "\0";
      continue;
    }
    paths += `${content.path}\0`;
    const known = options.digestOf(entry);
    if (known !== undefined) {
      digests.subarray(row * DIGEST_BYTES).setFromHex(known.slice("sha256:".length));
    }
    if (known === undefined) {
      isComplete = false;
      if (content.kind === "slice" || !options.wantsDigests) isCompletable = false;
    }
    if (content.kind === "slice") {
      contents[at + 4] = CHECK.range;
      contents[at + 5] = content.offset + from;
    } else {
      contents[at + 4] = known !== undefined
        ? CHECK.expected
        : options.wantsDigests
        ? CHECK.digest
        : CHECK.file;
      if (content.identity !== undefined) {
        const id = row * IDENTITY_ROW;
        identities[id] = content.identity.dev;
        identities[id + 1] = content.identity.ino;
        identities[id + 2] = content.identity.mtimeNs;
        identities[id + 3] = content.identity.ctimeNs;
      }
    }
  }
  const columns = {
    lengthBytes: chunk.lengthBytes,
    names,
    headers,
    contents,
    digests,
    extra: joinBytes(extra),
    contentNames,
    paths,
    identities,
  };
  return { columns, isComplete, isCompletable };
}

function headerColumns(
  { headers: parts }: LayerChunk,
  extra: Uint8Array[],
): Pick<ChunkColumns, "names" | "headers"> {
  const headers = new Float64Array(parts.length * HEADER_ROW);
  let names = "";
  let at = 0;
  for (const { entry, bytes, sizeBytes, offset } of parts) {
    names += `${entry.path}\0`;
    headers[at] = offset;
    if (bytes === undefined) {
      headers[at + 1] = HEADER_TYPES.indexOf(entry.type);
      headers[at + 2] = entry.mode;
      headers[at + 3] = entry.uid;
      headers[at + 4] = entry.gid;
      headers[at + 5] = entry.sizeBytes;
      headers[at + 6] = entry.mtimeSeconds;
    } else {
      headers[at + 1] = -1;
      headers[at + 2] = sizeBytes;
      extra.push(bytes);
    }
    at += HEADER_ROW;
  }
  return { names, headers };
}

function givenBytes(entry: FileEntry): Uint8Array {
  const bytes = entry.content?.kind === "bytes" ? entry.content.bytes : new Uint8Array();
  if (bytes.length === entry.sizeBytes) return bytes;
  throw new LayerwrightError(
    "LAYER_INVALID",
    `Cannot read the content of ${
      JSON.stringify(entry.path)
    }: found ${bytes.length} bytes, expected ${entry.sizeBytes}`,
  );
}

function joinBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Changes with every rule by which columns become bytes: a key of other rules must not be found. */
const KEY_FORMAT = "chunk-1";

/**
 * What a chunk is known by: chunks of equal keys have equal bytes. All of its digests have to be known.
 *
 * @param digests in place of those of the columns, which were not known yet.
 */
export function chunkKey(
  { lengthBytes, names, headers, contents, digests, extra }: ChunkColumns,
  found: Uint8Array = digests,
): string {
  // Where the bytes come from, and how they are checked, decides nothing.
  const places = contents.slice();
  for (let at = 0; at < places.length; at += CONTENT_ROW) {
    places[at + 4] = 0;
    places[at + 5] = 0;
  }
  return createHash("sha256").update(`${KEY_FORMAT}\0${lengthBytes}\0${names}`).update(headers)
    .update(places).update(found).update(extra).digest("hex");
}
