/**
 * From an uncompressed layer to the blob that leaves the machine: one named, pinned encoder each, so that the same
 * tar gives the same blob digest on every runtime, machine and version.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { LayerwrightError } from "../errors.ts";
import type { BlobDigest, DiffID } from "../oci/digest.ts";
import { DEFLATE_INPUT_LIMIT_BYTES, type DeflateLevel, deflater } from "./deflate/deflater.ts";
import { crc32, crc32Combine, DEFLATE_END, GZIP_HEADER, gzipTrailer } from "./gzip.ts";

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
  /** Of the tar as it was read: other than the one it is stored under when the store is damaged. */
  readonly diffId: DiffID;
}

/** Takes the next bytes of a blob. They are a view of memory that is used again: valid during the call only. */
export type ByteSink = (bytes: Uint8Array) => void;

/** One pinned way from tar to blob. */
export interface LayerEncoder {
  /** Names the output: two encoders of one name give the same bytes, for ever. */
  readonly name: string;
  /** What the media type of the layer gets behind `…layer.v1.tar`. */
  readonly mediaTypeSuffix: "" | "+gzip" | "+zstd";
  /**
   * Writes the blob of a layer: all on this thread, which is the quickest for a few megabytes.
   *
   * @throws {LayerwrightError} `LAYER_INVALID` if the file is not as long as its chunks.
   */
  encode(tar: LayerTar, sink: ByteSink): EncodedLayer;
  /**
   * Writes the same bytes as {@link encode}, compressing several chunks at a time. This thread reads, hashes and writes;
   * its memory is bounded by the chunks under way, however long the layer.
   *
   * @throws {LayerwrightError} as {@link encode}, and what `compressor` fails with.
   */
  encodeWith(compressor: ChunkCompressor, tar: LayerTar, sink: ByteSink): Promise<EncodedLayer>;
}

/** A chunk as {@link ChunkCompressor} gives it back. */
export interface CompressedChunk {
  /** As from {@link compressChunk}; its buffer is the receiver's to use again. */
  readonly bytes: Uint8Array<ArrayBuffer>;
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
   */
  compress(chunk: Uint8Array<ArrayBuffer>, level: DeflateLevel): Promise<CompressedChunk>;
}

/** Room for any chunk, compressed or not: stored blocks add a few kilobytes to bytes that nothing compresses. */
export const CHUNK_BUFFER_BYTES: number = DEFLATE_INPUT_LIMIT_BYTES + 64 * 1024;

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
  return {
    name: `gz-1:${level}`,
    mediaTypeSuffix: "+gzip",
    encode(tar, sink): EncodedLayer {
      const member = new GzipWriter(sink);
      const { input, deflate } = deflater();
      for (const chunk of readChunks(tar, () => input)) {
        member.read(chunk);
        member.write(deflate(chunk.length, level), crc32(chunk), chunk.length);
      }
      return member.finish();
    },
    async encodeWith(compressor, tar, sink): Promise<EncodedLayer> {
      const member = new GzipWriter(sink);
      const underWay: { readonly compressed: Promise<CompressedChunk>; readonly length: number }[] =
        [];
      const spare: ArrayBuffer[] = [];
      const writeOldest = async (): Promise<void> => {
        const oldest = underWay.shift();
        if (oldest === undefined) return;
        const { bytes, crc } = await oldest.compressed;
        member.write(bytes, crc, oldest.length);
        if (bytes.buffer.byteLength === CHUNK_BUFFER_BYTES) spare.push(bytes.buffer);
      };
      const buffer = (): Uint8Array<ArrayBuffer> =>
        new Uint8Array(spare.pop() ?? new ArrayBuffer(CHUNK_BUFFER_BYTES));
      for (const chunk of readChunks(tar, buffer)) {
        // What is hashed is what is compressed: the bytes are read once.
        member.read(chunk);
        const { length } = chunk;
        const compressed = compressor.compress(chunk, level);
        // Its failure is met when its turn comes, or not at all after an earlier one.
        compressed.catch(() => {});
        underWay.push({ compressed, length });
        if (underWay.length >= compressor.lookAhead) await writeOldest();
      }
      while (underWay.length > 0) await writeOldest();
      return member.finish();
    },
  };
}

/** The tar as it is: its blob digest is its DiffID. */
export const uncompressedEncoder: LayerEncoder = {
  name: "tar",
  mediaTypeSuffix: "",
  encode(tar, sink): EncodedLayer {
    const blob = new BlobWriter(sink);
    const buffer = new Uint8Array(DEFLATE_INPUT_LIMIT_BYTES);
    for (const chunk of readChunks(tar, () => buffer)) blob.write(chunk);
    const { digest, sizeBytes } = blob.finish();
    return { digest, sizeBytes, diffId: digest as string as DiffID };
  },
  // deno-lint-ignore require-await -- a promise that rejects, not a call that throws
  async encodeWith(_compressor, tar, sink): Promise<EncodedLayer> {
    return this.encode(tar, sink);
  },
};

/** The one gzip member of a layer, around chunks that come in order. */
class GzipWriter {
  readonly #blob: BlobWriter;
  readonly #tarHash = createHash("sha256");
  #crc = 0;
  #tarBytes = 0;

  constructor(sink: ByteSink) {
    this.#blob = new BlobWriter(sink);
    this.#blob.write(GZIP_HEADER);
  }

  /** Takes note of the next bytes of the tar. */
  read(chunk: Uint8Array): void {
    this.#tarHash.update(chunk);
  }

  write(compressed: Uint8Array, crc: number, lengthBytes: number): void {
    this.#crc = crc32Combine(this.#crc, crc, lengthBytes);
    this.#tarBytes += lengthBytes;
    this.#blob.write(compressed);
  }

  finish(): EncodedLayer {
    this.#blob.write(DEFLATE_END);
    this.#blob.write(gzipTrailer(this.#crc, this.#tarBytes));
    return { ...this.#blob.finish(), diffId: `sha256:${this.#tarHash.digest("hex")}` as DiffID };
  }
}

class BlobWriter {
  readonly #sink: ByteSink;
  readonly #hash = createHash("sha256");
  #sizeBytes = 0;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  write(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#sizeBytes += bytes.length;
    this.#sink(bytes);
  }

  finish(): { readonly digest: BlobDigest; readonly sizeBytes: number } {
    const digest = `sha256:${this.#hash.digest("hex")}` as BlobDigest;
    return { digest, sizeBytes: this.#sizeBytes };
  }
}

/** Reads each chunk to the start of a buffer: the encoder's own memory where it can be, so that nothing is copied. */
function* readChunks(
  tar: LayerTar,
  bufferOf: () => Uint8Array<ArrayBuffer>,
): Generator<Uint8Array<ArrayBuffer>> {
  const total = tar.chunkLengths.reduce((sum, length) => sum + length, 0);
  const fd = openSync(tar.path, "r");
  try {
    const sizeBytes = fstatSync(fd).size;
    if (sizeBytes !== total) {
      throw wrongLength(tar, `it has ${sizeBytes} bytes, its chunks ${total}`);
    }
    for (const length of tar.chunkLengths) {
      if (!(length > 0 && length <= DEFLATE_INPUT_LIMIT_BYTES)) {
        throw wrongLength(tar, `a chunk of ${length} bytes, expected 1 to 2,097,152`);
      }
      const chunk = bufferOf().subarray(0, length);
      for (let filled = 0; filled < length;) {
        const count = readSync(fd, chunk, filled, length - filled, null);
        if (count === 0) throw wrongLength(tar, "it became shorter while it was read");
        filled += count;
      }
      yield chunk;
    }
  } finally {
    closeSync(fd);
  }
}

function wrongLength(tar: LayerTar, state: string): LayerwrightError {
  return new LayerwrightError("LAYER_INVALID", `Cannot compress layer "${tar.path}": ${state}`);
}
