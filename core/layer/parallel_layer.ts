/**
 * A large layer written by several threads: they read, hash and write files chunk by chunk, while this one hashes the
 * tar in order. The bytes are those of `writeLayer`, whatever the number of threads.
 *
 * Over 300 lines: what is under way, and whose turn it is, is the state of one class.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { closeSync, openSync, rmSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { type ErrorCode, LayerwrightError } from "../errors.ts";
import type { DiffID, Digest } from "../oci/digest.ts";
import { CHUNK_LIMIT_BYTES } from "./chunk.ts";
import type { BlobAssembly, LayerEncoder } from "./compress.ts";
import {
  type ChunkColumns,
  chunkColumns,
  chunkKey,
  type ColumnsOptions,
  type DescribedChunk,
  DIGEST_BYTES,
} from "./chunk_columns.ts";
import type {
  CompressAnswer,
  CompressRequest,
  ContentAnswer,
  ContentError,
  ContentRequest,
  ContentWorkerData,
} from "./content_worker.ts";
import type { FileContent, FileEntry } from "./file_entry.ts";
import { type ContentPart, type LayerChunk, layerChunks } from "./layer_chunks.ts";
import { type ChunkSums, sumsOf } from "./chunk_sums.ts";
import { readFully, writeFully } from "./full_io.ts";
import { crc32 } from "./gzip.ts";
import { normalizeEntries } from "./normalize.ts";
import { siblingModule, ThreadPool } from "./thread_pool.ts";
import type { DeflateLevel } from "./deflate/deflater.ts";
import type { WriteLayerOptions, WrittenBlob, WrittenLayer } from "./write_layer.ts";

/** How a layer is written by threads: compressed as well, or with chunks of earlier layers, which come uncompressed. */
export type ParallelLayerOptions =
  & ParallelOptions
  & (
    | { readonly compress?: CompressOptions; readonly findChunk?: never }
    | {
      readonly compress?: never;
      /** Finds a chunk in an earlier layer, by its key. */
      readonly findChunk?: (key: string) => StoredChunk | undefined;
    }
  );

/** The blob of a layer, made with an encoder that compresses chunks apart, at a path that is free. */
export interface CompressOptions {
  readonly encoder: LayerEncoder;
  readonly level: DeflateLevel;
  readonly blobPath: string;
}

interface ParallelOptions extends WriteLayerOptions {
  /** Threads to start: 1 or more, one for each processor unless given. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
  /** Is told the digest of each file on disk. */
  readonly onContentDigest?: (content: FileContent, digest: Digest) => void;
}

/** Where the bytes of a chunk stand already. */
export interface StoredChunk {
  readonly tarPath: string;
  readonly offset: number;
  /** CRC-32 of its bytes. */
  readonly crc: number;
}

/** From there on the thread that hashes the tar is the slowest part. */
const USEFUL_THREADS = 6;
/** Chunks under way for each thread: enough that none waits while the oldest chunk is a slow one. */
const LOOK_AHEAD_PER_THREAD = 4;

/**
 * Writes a layer as `writeLayer` does, with threads.
 *
 * @param tarPath A file that does not exist yet; removed again when writing fails.
 * @throws {LayerwrightError} as `writeLayer`; `LAYER_FAILED` when a thread ends of itself; `BUILD_CANCELLED`.
 */
export async function writeLayerInParallel(
  entries: Iterable<FileEntry>,
  tarPath: string,
  options: ParallelLayerOptions,
): Promise<WrittenLayer> {
  const tar = openSync(tarPath, "wx", 0o600);
  const { compress } = options;
  const data: ContentWorkerData = { tarPath, deflateLevel: compress?.level };
  const cores = availableParallelism();
  const pool: ContentPool = new ThreadPool({
    module: siblingModule(import.meta.url, "content_worker"),
    data,
    // Without compression one thread fills what this one hashes.
    count: options.threads ??
      Math.min(compress === undefined ? Math.max(cores - 1, 1) : cores, USEFUL_THREADS),
    purpose: "write a layer",
    code: "LAYER_FAILED",
    signal: options.signal,
  });
  try {
    // Where chunks may be found there may be nothing to do for threads.
    if (options.findChunk === undefined) pool.start();
    using writer = new ParallelWriter(tar, pool, options);
    const written = await writer.write(normalizeEntries(entries, options));
    // Threads write at offsets: a tar of another length would have a hole or an end that nobody wrote.
    const { size } = statSync(tarPath);
    if (size !== written.sizeBytes) {
      throw new Error(`layer "${tarPath}" has ${size} bytes, not ${written.sizeBytes}`);
    }
    pool.end();
    return written;
  } catch (error) {
    // No thread may write on into a file that is gone.
    await pool[Symbol.asyncDispose]();
    rmSync(tarPath, { force: true });
    if (compress !== undefined) rmSync(compress.blobPath, { force: true });
    throw error;
  } finally {
    closeSync(tar);
  }
}

/** Threads that fill chunks, and compress them: the answer to each request is of its kind. */
type ContentPool = ThreadPool<ContentRequest | CompressRequest, ContentAnswer | CompressAnswer>;

/** A chunk that waits for its turn: a thread works on it, or it is copied from an earlier layer. */
interface UnderWay {
  readonly chunk: LayerChunk;
  readonly described: DescribedChunk;
  /** What it is known by, where that is known before it is made. */
  readonly key: string | undefined;
  readonly from: Promise<ContentAnswer> | StoredChunk;
}

class ParallelWriter implements Disposable {
  readonly #tar: number;
  readonly #blob: BlobFile | undefined;
  readonly #pool: ContentPool;
  readonly #options: ParallelLayerOptions;
  readonly #columns: ColumnsOptions;
  readonly #lookAhead: number;
  readonly #underWay: UnderWay[] = [];
  readonly #spare: ArrayBuffer[] = [];
  readonly #hash = createHash("sha256");
  readonly #chunkLengths: number[] = [];
  readonly #chunkCrcs: number[] = [];
  readonly #chunkKeys: (string | null)[] = [];
  /** The slices of the file under way, which get their keys when its digest is known. */
  readonly #keyless: { readonly index: number; readonly columns: ChunkColumns }[] = [];
  #room: Uint8Array | undefined;
  #earlier: { readonly path: string; readonly fd: number } | undefined;
  #sizeBytes = 0;
  #lane = 0;

  constructor(
    tar: number,
    pool: ContentPool,
    options: ParallelLayerOptions,
  ) {
    this.#tar = tar;
    this.#blob = options.compress === undefined ? undefined : new BlobFile(options.compress);
    this.#pool = pool;
    this.#options = options;
    this.#lookAhead = pool.size * LOOK_AHEAD_PER_THREAD;
    this.#columns = {
      digestOf: options.expectedContent ?? ((): undefined => undefined),
      wantsDigests: options.onContentDigest !== undefined,
    };
  }

  async write(entries: readonly FileEntry[]): Promise<WrittenLayer> {
    for (const chunk of layerChunks(entries)) {
      this.#underWay.push(this.#fill(chunk));
      if (this.#underWay.length >= this.#lookAhead) await this.#takeOldest();
    }
    while (this.#underWay.length > 0) await this.#takeOldest();
    const blob = this.#blob?.finish();
    return {
      ...(blob === undefined ? {} : { blob }),
      diffId: `sha256:${this.#hash.digest("hex")}` as DiffID,
      sizeBytes: this.#sizeBytes,
      chunkLengths: this.#chunkLengths,
      chunkKeys: this.#chunkKeys,
      chunkCrcs: this.#chunkCrcs,
      entryCount: entries.length,
    };
  }

  #fill(chunk: LayerChunk): UnderWay {
    const { findChunk } = this.#options;
    const described = chunkColumns(chunk, this.#columns);
    const key = described.isComplete ? chunkKey(described.columns) : undefined;
    // Slices of one file are read in order by one thread, all or none.
    const stored = key === undefined || chunk.sliceOf !== undefined ? undefined : findChunk?.(key);
    return { chunk, described, key, from: stored ?? this.#ask(chunk, described) };
  }

  #ask(chunk: LayerChunk, { columns }: DescribedChunk): Promise<ContentAnswer> {
    const buffer = this.#spare.pop() ?? new ArrayBuffer(CHUNK_LIMIT_BYTES);
    const { tarOffset, sliceOf, lengthBytes } = chunk;
    const request = { buffer, tarOffset, columns, compresses: sliceOf === undefined };
    if (sliceOf !== undefined && chunk.contents[0]?.from === 0) this.#lane++;
    const lane = sliceOf === undefined ? undefined : this.#lane;
    const filled = this.#pool.ask(request, [buffer], lane) as Promise<ContentAnswer>;
    if (sliceOf === undefined) return filled;
    if (this.#blob === undefined) return filled;
    const compressed = filled.then((answer) => this.#compress(answer, lengthBytes));
    // Its failure is met when its turn comes, or not at all after an earlier one.
    compressed.catch(() => {});
    return compressed;
  }

  async #compress(answer: ContentAnswer, lengthBytes: number): Promise<ContentAnswer> {
    if (answer.error !== undefined) return answer;
    const { buffer } = answer;
    const compressed = await this.#pool.ask({ buffer, lengthBytes }, [buffer]);
    return { ...answer, ...compressed as CompressAnswer };
  }

  async #takeOldest(): Promise<void> {
    const oldest = this.#underWay.shift();
    if (oldest === undefined) return;
    const { chunk, described, from } = oldest;
    const copied = "tarPath" in from ? this.#copy(chunk, from) : undefined;
    if ("tarPath" in from && copied !== undefined) {
      this.#take(chunk, copied, from.crc);
      this.#report(chunk, described.columns.digests);
      this.#keep(oldest, described.columns.digests);
      return;
    }
    const { buffer, digests, crc, compressed, error } =
      await ("tarPath" in from ? this.#ask(chunk, described) : from);
    if (error !== undefined) throw errorOf(error);
    this.#take(chunk, new Uint8Array(buffer, 0, chunk.lengthBytes), crc);
    if (compressed !== undefined) this.#blob?.add(compressed, crc, chunk.lengthBytes);
    this.#spare.push(buffer);
    this.#report(chunk, digests);
    this.#keep(oldest, digests);
  }

  #take(chunk: LayerChunk, bytes: Uint8Array, crc: number): void {
    this.#hash.update(bytes);
    this.#sizeBytes += chunk.lengthBytes;
    this.#chunkLengths.push(chunk.lengthBytes);
    this.#chunkCrcs.push(crc);
  }

  /** Copies a chunk of an earlier layer into the tar, if it is still what it was. */
  #copy(chunk: LayerChunk, { tarPath, offset, crc }: StoredChunk): Uint8Array | undefined {
    this.#room ??= new Uint8Array(CHUNK_LIMIT_BYTES);
    const bytes = this.#room.subarray(0, chunk.lengthBytes);
    try {
      if (this.#earlier?.path !== tarPath) {
        this.#closeEarlier();
        this.#earlier = { path: tarPath, fd: openSync(tarPath, "r") };
      }
      if (readFully(this.#earlier.fd, bytes, offset) !== bytes.length) return undefined;
    } catch {
      // Collected meanwhile: the files themselves are still there.
      return undefined;
    }
    if (crc32(bytes) !== crc) return undefined;
    writeFully(this.#tar, bytes, chunk.tarOffset);
    return bytes;
  }

  [Symbol.dispose](): void {
    this.#blob?.[Symbol.dispose]();
    this.#closeEarlier();
  }

  #closeEarlier(): void {
    if (this.#earlier !== undefined) closeSync(this.#earlier.fd);
    this.#earlier = undefined;
  }

  /** Tells what the files of a chunk contain. */
  #report({ contents }: LayerChunk, digests: Uint8Array): void {
    const { onContentDigest } = this.#options;
    if (onContentDigest === undefined) return;
    for (let row = 0; row < contents.length; row++) {
      const { entry, from, lengthBytes } = contents[row] as ContentPart;
      // Only with its last slice is the digest of a file known.
      if (entry.content?.kind !== "path" || from + lengthBytes < entry.sizeBytes) continue;
      const digest = digests.subarray(row * DIGEST_BYTES, (row + 1) * DIGEST_BYTES).toHex();
      onContentDigest(entry.content, `sha256:${digest}` as Digest);
    }
  }

  /** Keeps the key of a chunk; those of slices when the last of their file is there. */
  #keep({ chunk, described, key }: UnderWay, digests: Uint8Array): void {
    const index = this.#chunkKeys.push(key ?? null) - 1;
    const { columns, isCompletable } = described;
    if (key !== undefined || !isCompletable) return;
    if (chunk.sliceOf === undefined) {
      this.#chunkKeys[index] = chunkKey(columns, digests);
      return;
    }
    this.#keyless.push({ index, columns });
    const [content] = chunk.contents;
    // The last slice may hold nothing but the padding.
    const isLast = content === undefined ||
      content.from + content.lengthBytes >= content.entry.sizeBytes;
    if (!isLast || content === undefined) return;
    for (const slice of this.#keyless.splice(0)) {
      this.#chunkKeys[slice.index] = chunkKey(slice.columns, digests);
    }
  }
}

/** The blob of a layer, written beside its tar. */
class BlobFile implements Disposable {
  readonly #path: string;
  readonly #encoder: string;
  readonly #assembly: BlobAssembly | undefined;
  readonly #chunks: ChunkSums[] = [];
  #fd: number | undefined;

  constructor({ encoder, blobPath }: CompressOptions) {
    this.#path = blobPath;
    this.#encoder = encoder.name;
    const fd = openSync(blobPath, "wx", 0o600);
    this.#fd = fd;
    this.#assembly = encoder.assemble?.(
      (bytes) => writeFully(fd, bytes),
      (chunk) => void this.#chunks.push(sumsOf(chunk)),
    );
  }

  add(bytes: Uint8Array, tarCrc: number, tarBytes: number): void {
    this.#assembly?.add(bytes, tarCrc, tarBytes);
  }

  finish(): WrittenBlob | undefined {
    const done = this.#assembly?.finish();
    this[Symbol.dispose]();
    if (done === undefined) return undefined;
    const { digest, sizeBytes } = done;
    return {
      path: this.#path,
      digest,
      sizeBytes,
      encoder: this.#encoder,
      chunks: this.#chunks,
    };
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

function errorOf({ kind, code, message, hint }: ContentError): Error {
  return kind === "layerwright"
    ? new LayerwrightError(code as ErrorCode, message, { hint })
    : Object.assign(new Error(message), { code });
}
