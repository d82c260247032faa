/**
 * Encoders that compress a layer chunk by chunk: reading, hashing and writing are the same for all of them.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { LayerwrightError } from "../errors.ts";
import type { BlobDigest, DiffID } from "../oci/digest.ts";
import type {
  BlobAssembly,
  ByteSink,
  CompressedChunk,
  EarlierAttempt,
  EncodedLayer,
  EncodeOptions,
  KnownChunk,
  LayerEncoder,
  LayerTar,
} from "./compress.ts";
import { DEFLATE_INPUT_LIMIT_BYTES } from "./deflate/deflater.ts";
import { readFully } from "./full_io.ts";
import { crc32, crc32Combine } from "./gzip.ts";

/** Room for any chunk, compressed or not: what nothing compresses grows by a few kilobytes. */
export const CHUNK_BUFFER_BYTES: number = DEFLATE_INPUT_LIMIT_BYTES + 64 * 1024;

/** So many chunks of an earlier attempt are taken over before others get a turn: a quarter of a second. */
const CHUNKS_BETWEEN_TURNS = 64;

/** What is special about one encoder. */
export interface ChunkFormat {
  readonly name: string;
  readonly mediaTypeSuffix: "+gzip" | "+zstd";
  /** What the blob begins with. */
  readonly header: Uint8Array;
  /** Where {@link compress} wants its chunk to be. */
  room(): Uint8Array<ArrayBuffer>;
  /**
   * Compresses one chunk on this thread.
   *
   * @param chunk the start of {@link room}.
   * @returns a view that is valid until the next call.
   */
  compress(chunk: Uint8Array): Uint8Array;
  /**
   * What the blob ends with.
   *
   * @param crc CRC-32 of the whole tar.
   */
  end(crc: number, sizeBytes: number): readonly Uint8Array[];
}

/** An encoder of a format. */
export function chunkedEncoder(format: ChunkFormat): LayerEncoder {
  return {
    name: format.name,
    mediaTypeSuffix: format.mediaTypeSuffix,
    headerBytes: format.header.length,
    assemble(sink, onChunk): BlobAssembly {
      const writer = new ChunkWriter(format, sink, onChunk === undefined ? {} : { onChunk });
      return {
        add: (bytes, tarCrc, tarBytes) => writer.write(bytes, tarCrc, tarBytes),
        finish: () => writer.finish(),
      };
    },
    encode(tar, sink, options): EncodedLayer {
      const writer = new ChunkWriter(format, sink, options);
      for (const { length, known, read } of tarChunks(tar, options?.known)) {
        if (known !== undefined) {
          if (!writer.takeOver(length, known.tarCrc)) {
            writer.write(known.bytes, known.tarCrc, length);
          }
          continue;
        }
        const chunk = read(format.room());
        if (writer.read(chunk)) continue;
        writer.write(format.compress(chunk), crc32(chunk), length);
      }
      return writer.finish();
    },
    async encodeWith(compressor, tar, sink, options): Promise<EncodedLayer> {
      const writer = new ChunkWriter(format, sink, options);
      const underWay: { readonly compressed: Promise<CompressedChunk>; readonly length: number }[] =
        [];
      const spare: ArrayBuffer[] = [];
      const writeOldest = async (): Promise<void> => {
        const oldest = underWay.shift();
        if (oldest === undefined) return;
        const { bytes, crc } = await oldest.compressed;
        writer.write(bytes, crc, oldest.length);
        keep(bytes.buffer);
      };
      const keep = (buffer: ArrayBufferLike): void => {
        if (buffer instanceof ArrayBuffer && buffer.byteLength === CHUNK_BUFFER_BYTES) {
          spare.push(buffer);
        }
      };
      const compress = (chunk: Uint8Array<ArrayBuffer>): Promise<CompressedChunk> => {
        const compressed = compressor.compress(chunk, format.name);
        // Its failure is met when its turn comes, or not at all after an earlier one.
        compressed.catch(() => {});
        return compressed;
      };
      let takenOver = 0;
      for (const { length, known, read } of tarChunks(tar, options?.known)) {
        if (known === undefined) {
          const chunk = read(new Uint8Array(spare.pop() ?? new ArrayBuffer(CHUNK_BUFFER_BYTES)));
          // What is hashed is what is compressed: the bytes are read once.
          if (writer.read(chunk)) {
            keep(chunk.buffer);
            if (++takenOver % CHUNKS_BETWEEN_TURNS === 0) await nextTurn();
            continue;
          }
          underWay.push({ compressed: compress(chunk), length });
        } else {
          const { bytes, tarCrc: crc } = known;
          if (writer.takeOver(length, crc)) continue;
          underWay.push({ compressed: Promise.resolve({ bytes, crc }), length });
        }
        if (underWay.length >= compressor.lookAhead) await writeOldest();
      }
      while (underWay.length > 0) await writeOldest();
      return writer.finish();
    },
  };
}

/** A blob of chunks that come in order. */
class ChunkWriter {
  readonly #format: ChunkFormat;
  readonly #blob: BlobWriter;
  readonly #tarHash = createHash("sha256");
  readonly #options: EncodeOptions;
  readonly #earlier: EarlierAttempt | undefined;
  #takesOver: boolean;
  #crc = 0;
  #tarBytes = 0;
  #hashedBytes = 0;

  constructor(format: ChunkFormat, sink: ByteSink, options: EncodeOptions = {}) {
    this.#format = format;
    this.#blob = new BlobWriter(sink);
    this.#options = options;
    this.#earlier = options.earlier;
    this.#takesOver = options.earlier !== undefined;
    this.#blob.write(format.header);
  }

  /** Takes note of the next bytes of the tar. @returns True when an earlier attempt compressed them. */
  read(chunk: Uint8Array): boolean {
    this.#tarHash.update(chunk);
    this.#hashedBytes += chunk.length;
    return this.#takesOver && this.takeOver(chunk.length, crc32(chunk));
  }

  /** Takes the next chunk from the earlier attempt. @returns False when that did not get so far. */
  takeOver(tarBytes: number, tarCrc: number): boolean {
    if (!this.#takesOver) return false;
    const bytes = this.#earlier?.next(tarBytes, tarCrc);
    this.#takesOver = bytes !== undefined;
    if (bytes !== undefined) this.#add(bytes, tarCrc, tarBytes);
    return this.#takesOver;
  }

  /** Takes the next chunk, compressed. */
  write(bytes: Uint8Array, tarCrc: number, tarBytes: number): void {
    this.#add(bytes, tarCrc, tarBytes);
    this.#earlier?.done({ tarBytes, tarCrc, bytes });
  }

  #add(bytes: Uint8Array, tarCrc: number, tarBytes: number): void {
    this.#crc = crc32Combine(this.#crc, tarCrc, tarBytes);
    this.#tarBytes += tarBytes;
    this.#blob.write(bytes);
    this.#options.onChunk?.({ tarBytes, tarCrc, bytes });
  }

  finish(): EncodedLayer {
    for (const bytes of this.#format.end(this.#crc, this.#tarBytes)) this.#blob.write(bytes);
    const blob = this.#blob.finish();
    return this.#hashedBytes === this.#tarBytes
      ? { ...blob, diffId: `sha256:${this.#tarHash.digest("hex")}` as DiffID }
      : blob;
  }
}

/** Hashes and counts what goes into a blob. */
export class BlobWriter {
  readonly #sink: ByteSink;
  readonly #hash = createHash("sha256");
  #sizeBytes = 0;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  /** Takes the next bytes. */
  write(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#sizeBytes += bytes.length;
    this.#sink(bytes);
  }

  /** What it came to. */
  finish(): { readonly digest: BlobDigest; readonly sizeBytes: number } {
    const digest = `sha256:${this.#hash.digest("hex")}` as BlobDigest;
    return { digest, sizeBytes: this.#sizeBytes };
  }
}

/** A chunk of a tar on disk. */
export interface TarChunk {
  readonly length: number;
  /** Its compressed form: the bytes themselves need not be read. */
  readonly known: KnownChunk | undefined;
  /**
   * Reads it to the start of a buffer: the encoder's own memory where it can be, so that nothing is copied.
   *
   * @throws {LayerwrightError} `LAYER_INVALID` if the file became shorter.
   */
  read(buffer: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>;
}

/**
 * The chunks of a tar, one by one; each can be read until the next is asked for.
 *
 * @throws {LayerwrightError} `LAYER_INVALID` if the file is not as long as its chunks.
 */
export function* tarChunks(
  tar: LayerTar,
  known: EncodeOptions["known"],
): Generator<TarChunk> {
  const total = tar.chunkLengths.reduce((sum, length) => sum + length, 0);
  const fd = openSync(tar.path, "r");
  try {
    const sizeBytes = fstatSync(fd).size;
    if (sizeBytes !== total) {
      throw wrongLength(tar, `it has ${sizeBytes} bytes, its chunks ${total}`);
    }
    let offset = 0;
    for (const [index, length] of tar.chunkLengths.entries()) {
      if (!(length > 0 && length <= DEFLATE_INPUT_LIMIT_BYTES)) {
        throw wrongLength(tar, `a chunk of ${length} bytes, expected 1 to 2,097,152`);
      }
      const start = offset;
      yield {
        length,
        known: known?.(index),
        read(buffer): Uint8Array<ArrayBuffer> {
          const chunk = buffer.subarray(0, length);
          if (readFully(fd, chunk, start) < length) {
            throw wrongLength(tar, "it became shorter while it was read");
          }
          return chunk;
        },
      };
      offset += length;
    }
  } finally {
    closeSync(fd);
  }
}

function wrongLength(tar: LayerTar, state: string): LayerwrightError {
  return new LayerwrightError("LAYER_INVALID", `Cannot compress layer "${tar.path}": ${state}`);
}
