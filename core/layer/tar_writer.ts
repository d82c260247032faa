/**
 * Writes entries as a tar archive: same entries, same bytes.
 *
 * @module
 */
import { checkEntry } from "./entry_rules.ts";
import { ContentReader } from "./file_content.ts";
import type { FileEntry } from "./file_entry.ts";
import {
  BLOCK_SIZE,
  encodeHeader,
  hasPlainHeader,
  paddingBytes,
  putPlainHeader,
} from "./tar_header.ts";
import { refuseFalseWhiteout } from "./whiteout.ts";

/** Where one member stands in the archive, in bytes from its start. */
export interface MemberOffsets {
  readonly headerOffset: number;
  readonly contentOffset: number;
  /** After the padding: the next member's `headerOffset`. */
  readonly endOffset: number;
}

/** What a caller of {@link writeTar} may watch. */
export interface WriteTarOptions {
  /** Called for each entry before its first byte. */
  readonly onEntry?: (entry: FileEntry, offsets: MemberOffsets) => void;
  /** Called for each piece of content, in order; the bytes are valid during the call only. */
  readonly onContent?: (entry: FileEntry, bytes: Uint8Array) => void;
}

const BUFFER_BYTES = 1 << 20;

/**
 * Writes entries in the order given: sort and clean them with `normalizeEntries()` first.
 *
 * @param sink takes the archive in pieces of up to 1 MiB, which are valid during the call only.
 * @returns the size of the archive in bytes, the two closing zero blocks included.
 * @throws {LayerwrightError} `CONTEXT_FILE_CHANGED` if a file on disk changed since it was listed or while it is read;
 * `LAYER_INVALID`, `LAYER_NAME_RESERVED` or `TAR_UNSUPPORTED` for an entry that cannot be written.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { writeTar } from "./tar_writer.ts";
 * let received = 0;
 * assert.equal(writeTar([], (bytes) => received += bytes.length), 1024);
 * assert.equal(received, 1024);
 * ```
 */
export function writeTar(
  entries: Iterable<FileEntry>,
  sink: (bytes: Uint8Array) => void,
  options: WriteTarOptions = {},
): number {
  using contents = new ContentReader();
  const output = new PooledOutput(sink);
  for (const entry of entries) {
    refuseFalseWhiteout(entry);
    // Most headers are one block, which needs no memory of its own.
    const header = hasPlainHeader(entry) ? undefined : encodeHeader(entry);
    if (header === undefined) checkEntry(entry);
    const contentOffset = output.offset + (header?.length ?? BLOCK_SIZE);
    const padding = paddingBytes(entry.sizeBytes);
    options.onEntry?.(entry, {
      headerOffset: output.offset,
      contentOffset,
      endOffset: contentOffset + entry.sizeBytes + padding,
    });
    if (header === undefined) output.writePlainHeader(entry);
    else output.write(header);
    if (entry.type !== "file") continue;
    contents.read(entry, (piece) => {
      options.onContent?.(entry, piece);
      output.write(piece);
    });
    output.writeZeros(padding);
  }
  output.writeZeros(2 * BLOCK_SIZE);
  output.flush();
  return output.offset;
}

/** Gathers the many small writes of an archive into few large ones. */
class PooledOutput {
  readonly #sink: (bytes: Uint8Array) => void;
  readonly #buffer: Uint8Array = new Uint8Array(BUFFER_BYTES);
  #used = 0;
  #flushed = 0;

  constructor(sink: (bytes: Uint8Array) => void) {
    this.#sink = sink;
  }

  /** Bytes written so far. */
  get offset(): number {
    return this.#flushed + this.#used;
  }

  write(bytes: Uint8Array): void {
    if (this.#used + bytes.length > BUFFER_BYTES) this.flush();
    if (bytes.length >= BUFFER_BYTES) {
      this.#sink(bytes);
      this.#flushed += bytes.length;
      return;
    }
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  writePlainHeader(entry: FileEntry): void {
    // Made on zeros, where they are.
    this.writeZeros(BLOCK_SIZE);
    putPlainHeader(entry, this.#buffer, this.#used - BLOCK_SIZE);
  }

  /** At most two blocks at a time. */
  writeZeros(length: number): void {
    if (this.#used + length > BUFFER_BYTES) this.flush();
    this.#buffer.fill(0, this.#used, this.#used + length);
    this.#used += length;
  }

  flush(): void {
    if (this.#used === 0) return;
    this.#sink(this.#buffer.subarray(0, this.#used));
    this.#flushed += this.#used;
    this.#used = 0;
  }
}
