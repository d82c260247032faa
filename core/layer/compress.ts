/**
 * From an uncompressed layer to the blob that leaves the machine: one named, pinned encoder each, so that the same
 * tar gives the same blob digest on every runtime, machine and version.
 *
 * @module
 */
import type { BlobDigest, DiffID } from "../oci/digest.ts";
import { BlobWriter, chunkedEncoder, tarChunks } from "./chunked_encoder.ts";
import { PLAIN_ENCODER } from "./compression.ts";
import { DEFLATE_INPUT_LIMIT_BYTES, type DeflateLevel, deflater } from "./deflate/deflater.ts";
import { DEFLATE_END, GZIP_HEADER, gzipTrailer } from "./gzip.ts";

export { CHUNK_BUFFER_BYTES } from "./chunked_encoder.ts";

/** An uncompressed layer on disk. */
export interface LayerTar {
  /** The tar. */
  readonly path: string;
  /** Its chunks in order, from `ChunkCutter` or `fixedChunks`: 1 byte to 2 MiB each, their sum the file's length. */
  readonly chunkLengths: readonly number[];
}

/** What a descriptor needs to know of a blob. */
export interface EncodedLayer {
  readonly digest: BlobDigest;
  readonly sizeBytes: number;
  /**
   * Of the tar as it was read: other than the one it is stored under when the store is damaged. Absent where not all of
   * it was read, because chunks were known.
   */
  readonly diffId?: DiffID;
}

/** Takes the next bytes of a blob. They are a view of memory that is used again: valid during the call only. */
export type ByteSink = (bytes: Uint8Array) => void;

/** One pinned way from tar to blob. */
export interface LayerEncoder {
  /** Names the output: two encoders of one name give the same bytes, for ever. */
  readonly name: string;
  /** What the media type of the layer gets behind `…layer.v1.tar`. */
  readonly mediaTypeSuffix: "" | "+gzip" | "+zstd";
  /** What a blob has before its first chunk. */
  readonly headerBytes: number;
  /**
   * Writes the blob of a layer: all on this thread, which is the quickest for a few megabytes.
   *
   * @throws {LayerwrightError} `LAYER_INVALID` if the file is not as long as its chunks.
   */
  encode(tar: LayerTar, sink: ByteSink, options?: EncodeOptions): EncodedLayer;
  /**
   * Writes the same bytes as {@link encode}, compressing several chunks at a time. This thread reads, hashes and writes;
   * its memory is bounded by the chunks under way, however long the layer.
   *
   * @throws {LayerwrightError} as {@link encode}, and what `compressor` fails with.
   */
  encodeWith(
    compressor: ChunkCompressor,
    tar: LayerTar,
    sink: ByteSink,
    options?: EncodeOptions,
  ): Promise<EncodedLayer>;
  /** Begins a blob of chunks that come compressed, in order; absent where chunks are not compressed apart. */
  assemble?(sink: ByteSink, onChunk?: EncodeOptions["onChunk"]): BlobAssembly;
}

/** A blob under construction. */
export interface BlobAssembly {
  /** Takes the next chunk. */
  add(bytes: Uint8Array, tarCrc: number, tarBytes: number): void;
  /** Writes the end. */
  finish(): EncodedLayer;
}

/** What an encoder can be told besides the tar. */
export interface EncodeOptions {
  readonly earlier?: EarlierAttempt;
  /** The chunk at a place of this tar, if it was compressed before, in another layer: it is not read, then. */
  readonly known?: (index: number) => KnownChunk | undefined;
  /** Told of every chunk in order, once the sink has it. */
  readonly onChunk?: (chunk: ChunkRecord) => void;
}

/** A chunk that was compressed before. */
export interface KnownChunk {
  readonly bytes: Uint8Array;
  /** CRC-32 of the bytes before compression. */
  readonly tarCrc: number;
}

/** One chunk of a blob: what went in and what came out. */
export interface ChunkRecord {
  readonly tarBytes: number;
  /** CRC-32 of the bytes before compression. */
  readonly tarCrc: number;
  /** The compressed chunk. Valid during the call only. */
  readonly bytes: Uint8Array;
}

/** What an attempt that did not finish leaves to the next one. */
export interface EarlierAttempt {
  /**
   * The compressed form of the next chunk, if the earlier attempt got so far; after the first undefined it is not asked
   * again. The encoder gives it to its sink like any other bytes.
   */
  next(tarBytes: number, tarCrc: number): Uint8Array | undefined;
  /** Takes note of a chunk that was compressed anew, once the sink has it. */
  done(chunk: ChunkRecord): void;
}

/** A chunk as {@link ChunkCompressor} gives it back. */
export interface CompressedChunk {
  /** Its buffer is the receiver's to use again. */
  readonly bytes: Uint8Array;
  /** CRC-32 of the bytes before compression. */
  readonly crc: number;
}

/** Compresses several chunks at a time. */
export interface ChunkCompressor {
  /** How many chunks to have at it before the oldest is waited for. */
  readonly lookAhead: number;
  /**
   * Compresses one chunk; those given first need not be done first.
   *
   * @param chunk at the start of a buffer of {@link CHUNK_BUFFER_BYTES}, which is taken away.
   * @param encoder the name of the encoder whose chunk this is.
   */
  compress(chunk: Uint8Array<ArrayBuffer>, encoder: string): Promise<CompressedChunk>;
}

/**
 * Compresses one chunk: the unit of work that other threads may take.
 *
 * @param bytes 0 to 2 MiB.
 * @returns DEFLATE blocks that end on a byte border, none of them final: chunks can be joined.
 * @throws {RangeError} for more than 2 MiB.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { inflateRawSync } from "node:zlib";
 * import { compressChunk } from "./compress.ts";
 * const chunks = ["a".repeat(1000), "b".repeat(1000)].map((text) => compressChunk(new TextEncoder().encode(text), 2));
 * assert.equal(inflateRawSync(Buffer.concat([...chunks, Uint8Array.of(3, 0)])).length, 2000);
 * ```
 */
export function compressChunk(bytes: Uint8Array, level: DeflateLevel): Uint8Array<ArrayBuffer> {
  if (bytes.length > DEFLATE_INPUT_LIMIT_BYTES) {
    throw new RangeError(`Cannot compress a chunk of ${bytes.length} bytes: more than 2 MiB`);
  }
  const { input, deflate } = deflater();
  input.set(bytes);
  return deflate(bytes.length, level).slice();
}

/**
 * The encoder `gz-1`: one standard gzip member of independently compressed chunks. Any gzip reader takes it; the
 * chunks make it parallel and let unchanged ones be used again.
 *
 * @param level 1 fast, 2 the default, 3 small.
 */
export function gzipEncoder(level: DeflateLevel = 2): LayerEncoder {
  return chunkedEncoder({
    name: `gz-1:${level}`,
    mediaTypeSuffix: "+gzip",
    header: GZIP_HEADER,
    room: () => deflater().input,
    // Already in the memory of the encoder: see `room`.
    compress: (chunk) => deflater().deflate(chunk.length, level),
    end: (crc, sizeBytes) => [DEFLATE_END, gzipTrailer(crc, sizeBytes)],
  });
}

/** The tar as it is: its blob digest is its DiffID. */
export const uncompressedEncoder: LayerEncoder = {
  name: PLAIN_ENCODER,
  mediaTypeSuffix: "",
  headerBytes: 0,
  encode(tar, sink): EncodedLayer {
    const blob = new BlobWriter(sink);
    const buffer = new Uint8Array(DEFLATE_INPUT_LIMIT_BYTES);
    for (const chunk of tarChunks(tar, undefined)) blob.write(chunk.read(buffer));
    const { digest, sizeBytes } = blob.finish();
    return { digest, sizeBytes, diffId: digest as string as DiffID };
  },
  // deno-lint-ignore require-await -- a promise that rejects, not a call that throws
  async encodeWith(_compressor, tar, sink): Promise<EncodedLayer> {
    return this.encode(tar, sink);
  },
};
