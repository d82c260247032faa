/**
 * A layer's tar as chunks that can be made apart: which bytes are headers, and which come out of which file.
 *
 * @module
 */
import { ChunkCutter, fixedChunks } from "./chunk.ts";
import type { FileEntry } from "./file_entry.ts";
import { BLOCK_SIZE, encodeHeader, hasPlainHeader, paddingBytes } from "./tar_header.ts";
import { refuseFalseWhiteout } from "./whiteout.ts";

/** Some content of a file, and where it stands in a chunk. */
export interface ContentPart {
  readonly entry: FileEntry;
  /** Where the content begins in the file: 0 but in chunks that are slices of one member. */
  readonly from: number;
  readonly lengthBytes: number;
  /** Where it goes in the chunk. */
  readonly offset: number;
}

/** A header, or a part of one, and where it stands in a chunk. */
export interface HeaderPart {
  readonly entry: FileEntry;
  /** Absent for one that `putPlainHeader` can make in its place. */
  readonly bytes?: Uint8Array;
  readonly sizeBytes: number;
  readonly offset: number;
}

/** One chunk. What is neither header nor content is zero. */
export interface LayerChunk {
  /** Where the chunk begins in the tar. */
  readonly tarOffset: number;
  readonly lengthBytes: number;
  readonly headers: readonly HeaderPart[];
  /** In order. */
  readonly contents: readonly ContentPart[];
  /** The file that this chunk is a slice of: its slices follow one another. */
  readonly sliceOf?: FileEntry;
}

/**
 * Plans the tar that `writeTar` makes of the same entries, cut as `ChunkCutter` cuts it. Headers are made when their
 * chunk is asked for, so that memory is bounded however many files there are.
 *
 * @param entries as `normalizeEntries` gives them.
 * @throws {LayerwrightError} as `writeTar` does for entries that cannot be written.
 */
export function* layerChunks(entries: Iterable<FileEntry>): Generator<LayerChunk> {
  const cutter = new ChunkCutter();
  let tarOffset = 0;
  let open = new OpenChunk();
  const close = function* (): Generator<LayerChunk> {
    if (open.lengthBytes > 0) yield { tarOffset, ...open };
    tarOffset += open.lengthBytes;
    open = new OpenChunk();
  };
  for (const entry of entries) {
    refuseFalseWhiteout(entry);
    const header = hasPlainHeader(entry) ? undefined : encodeHeader(entry);
    const headerBytes = header?.length ?? BLOCK_SIZE;
    const total = headerBytes + entry.sizeBytes + paddingBytes(entry.sizeBytes);
    const place = cutter.member(entry.path, total);
    if (place !== "joins") yield* close();
    if (place !== "alone") {
      open.add(entry, header, headerBytes, total);
      continue;
    }
    for (const chunk of slices(entry, header ?? encodeHeader(entry), total, tarOffset)) {
      yield chunk;
      tarOffset += chunk.lengthBytes;
    }
  }
  const lengths = cutter.finish(2 * BLOCK_SIZE);
  // The two zero blocks that end an archive go into the last chunk, or are one of their own.
  const end = lengths.at(-1) ?? 0;
  if (end === open.lengthBytes + 2 * BLOCK_SIZE) open.lengthBytes = end;
  else {
    yield* close();
    open.lengthBytes = end;
  }
  yield* close();
}

class OpenChunk {
  lengthBytes = 0;
  readonly headers: HeaderPart[] = [];
  readonly contents: ContentPart[] = [];

  add(
    entry: FileEntry,
    bytes: Uint8Array | undefined,
    headerBytes: number,
    totalBytes: number,
  ): void {
    const offset = this.lengthBytes;
    const header = { entry, sizeBytes: headerBytes, offset };
    this.headers.push(bytes === undefined ? header : { ...header, bytes });
    // An empty file is looked at, too: it may have grown since it was listed.
    if (entry.sizeBytes > 0 || entry.content?.kind === "path") {
      this.contents.push({
        entry,
        from: 0,
        lengthBytes: entry.sizeBytes,
        offset: offset + headerBytes,
      });
    }
    this.lengthBytes += totalBytes;
  }
}

/** A member too long for a chunk, in slices of fixed length. */
function* slices(
  entry: FileEntry,
  header: Uint8Array,
  totalBytes: number,
  start: number,
): Generator<LayerChunk> {
  const contentEnd = header.length + entry.sizeBytes;
  let at = 0;
  for (const lengthBytes of fixedChunks(totalBytes)) {
    const end = at + lengthBytes;
    const headers = at < header.length ? [sliceOfHeader(entry, header.subarray(at, end))] : [];
    const from = Math.max(at, header.length);
    const to = Math.min(end, contentEnd);
    const contents = to > from
      ? [{ entry, from: from - header.length, lengthBytes: to - from, offset: from - at }]
      : [];
    yield { tarOffset: start + at, lengthBytes, headers, contents, sliceOf: entry };
    at = end;
  }
}

function sliceOfHeader(entry: FileEntry, bytes: Uint8Array): HeaderPart {
  return { entry, bytes, sizeBytes: bytes.length, offset: 0 };
}
