/**
 * Entries to a layer tar on disk: the one way a layer comes into being, in the engine and in workers alike.
 *
 * @module
 */
import { createHash, type Hash } from "node:crypto";
import { closeSync, openSync, rmSync } from "node:fs";
import type { BlobDigest, DiffID, Digest } from "../oci/digest.ts";
import { ChunkCutter } from "./chunk.ts";
import type { FileEntry } from "./file_entry.ts";
import type { ChunkSums } from "./chunk_sums.ts";
import { contentChanged } from "./file_content.ts";
import { writeFully } from "./full_io.ts";
import { normalizeEntries } from "./normalize.ts";
import { BLOCK_SIZE } from "./tar_header.ts";
import { writeTar } from "./tar_writer.ts";

/** A layer tar on disk, uncompressed. */
export interface WrittenLayer {
  readonly diffId: DiffID;
  readonly sizeBytes: number;
  /** Lengths of the chunks the tar is compressed in, in order; their sum is `sizeBytes`. */
  readonly chunkLengths: readonly number[];
  /**
   * What the chunks are known by, one for each: equal keys, equal bytes. Null for a chunk, or absent, where contents were
   * not hashed one by one.
   */
  readonly chunkKeys?: readonly (string | null)[];
  /** CRC-32 of the chunks, where there are keys. */
  readonly chunkCrcs?: readonly number[];
  /** What the layer was compressed to while it was written, if it was. */
  readonly blob?: WrittenBlob;
  /** 0 for a layer without changes. */
  readonly entryCount: number;
}

/** A compressed layer on disk. */
export interface WrittenBlob {
  readonly path: string;
  readonly digest: BlobDigest;
  readonly sizeBytes: number;
  /** The name of the encoder. */
  readonly encoder: string;
  /** Its chunks in order. */
  readonly chunks: readonly ChunkSums[];
}

/** How a layer is written. */
export interface WriteLayerOptions {
  /** Later modification times become this, in seconds since the epoch. */
  readonly epochSeconds: number;
  /**
   * The digest a file's bytes had when its layer was decided upon; undefined for files that cannot change. A file system's
   * clock ticks in milliseconds: a file written twice in one tick looks unchanged, and only its bytes tell.
   */
  readonly expectedContent?: (entry: FileEntry) => Digest | undefined;
}

/**
 * Normalises entries (order, owners, times, hard links) and writes them as one tar.
 * The bytes depend on the entries and the epoch alone, not on the order they come in.
 *
 * @param tarPath A file that does not exist yet; removed again when writing fails.
 * @throws {LayerwrightError} as `normalizeEntries` and `writeTar` do; `CONTEXT_FILE_CHANGED` for bytes other than expected.
 */
export function writeLayer(
  entries: Iterable<FileEntry>,
  tarPath: string,
  options: WriteLayerOptions,
): WrittenLayer {
  const normalized = normalizeEntries(entries, options);
  const hash = createHash("sha256");
  const cutter = new ChunkCutter();
  const check = options.expectedContent === undefined
    ? undefined
    : new ContentCheck(options.expectedContent);
  let sizeBytes: number;
  const fd = openSync(tarPath, "wx", 0o600);
  try {
    sizeBytes = writeTar(normalized, (bytes) => {
      hash.update(bytes);
      writeFully(fd, bytes);
    }, {
      onEntry: (entry, { headerOffset, endOffset }) => {
        cutter.member(entry.path, endOffset - headerOffset);
        check?.start(entry);
      },
      onContent: (_entry, bytes) => check?.update(bytes),
    });
    check?.finish();
  } catch (error) {
    rmSync(tarPath, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
  return {
    diffId: `sha256:${hash.digest("hex")}` as DiffID,
    sizeBytes,
    // What follows the last member are the two zero blocks that end every archive.
    chunkLengths: cutter.finish(2 * BLOCK_SIZE),
    entryCount: normalized.length,
  };
}

/** Compares each file's bytes, as they are written, with the digest expected. */
class ContentCheck {
  readonly #expectedOf: (entry: FileEntry) => Digest | undefined;
  #current:
    | { readonly entry: FileEntry; readonly expected: Digest; readonly hash: Hash }
    | undefined;

  constructor(expectedOf: (entry: FileEntry) => Digest | undefined) {
    this.#expectedOf = expectedOf;
  }

  start(entry: FileEntry): void {
    this.finish();
    const expected = entry.type === "file" ? this.#expectedOf(entry) : undefined;
    if (expected !== undefined) this.#current = { entry, expected, hash: createHash("sha256") };
  }

  update(bytes: Uint8Array): void {
    this.#current?.hash.update(bytes);
  }

  finish(): void {
    if (this.#current === undefined) return;
    const { entry, expected, hash } = this.#current;
    this.#current = undefined;
    if (`sha256:${hash.digest("hex")}` === expected) return;
    throw contentChanged(entry.path);
  }
}
