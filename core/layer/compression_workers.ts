/**
 * Threads that compress chunks. The bytes of a chunk are a function of the chunk and the encoder, so how many threads
 * there are, and which takes what, changes nothing but the time.
 *
 * @module
 */
import { availableParallelism } from "node:os";
import type { ChunkCompressor, CompressedChunk } from "./compress.ts";
import type { ChunkAnswer, ChunkRequest } from "./compress_worker.ts";
import { siblingModule, ThreadPool } from "./thread_pool.ts";

/** How many threads, and until when. */
export interface CompressionWorkersOptions {
  /** Threads to start: 1 or more, one for each processor unless given. */
  readonly count?: number;
  /** Ends the threads, and with them all that waits for them. */
  readonly signal?: AbortSignal;
}

/** From there on the thread that reads and hashes is the slowest part. */
const USEFUL_WORKERS = 6;
/** Chunks under way for each thread: enough that none waits while the oldest chunk is a slow one. */
const LOOK_AHEAD_PER_WORKER = 4;
/**
 * A pool of threads, started by the first chunk and used until it is disposed.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { CHUNK_BUFFER_BYTES, compressChunk } from "./compress.ts";
 * import { CompressionWorkers } from "./compression_workers.ts";
 * await using workers = new CompressionWorkers({ count: 1 });
 * const chunk = new Uint8Array(CHUNK_BUFFER_BYTES).subarray(0, 1000);
 * const { bytes } = await workers.compress(chunk, "gz-1:2");
 * assert.deepEqual(bytes, compressChunk(new Uint8Array(1000), 2));
 * ```
 */
export class CompressionWorkers implements ChunkCompressor, AsyncDisposable {
  readonly lookAhead: number;
  readonly #pool: ThreadPool<ChunkRequest, ChunkAnswer>;

  constructor({ count, signal }: CompressionWorkersOptions = {}) {
    this.#pool = new ThreadPool({
      module: siblingModule(import.meta.url, "compress_worker"),
      count: count ?? Math.min(availableParallelism(), USEFUL_WORKERS),
      purpose: "compress a layer",
      code: "COMPRESSION_FAILED",
      signal,
    });
    this.lookAhead = this.#pool.size * LOOK_AHEAD_PER_WORKER;
  }

  /**
   * Compresses one chunk on some thread.
   *
   * @throws {LayerwrightError} `COMPRESSION_FAILED` when a thread ends of itself, for this chunk and all others;
   * `BUILD_CANCELLED` once the signal has fired.
   */
  async compress(chunk: Uint8Array<ArrayBuffer>, encoder: string): Promise<CompressedChunk> {
    const { buffer, length: lengthBytes } = chunk;
    const answer = await this.#pool.ask({ buffer, lengthBytes, encoder }, [buffer]);
    return { bytes: new Uint8Array(answer.buffer, 0, answer.lengthBytes), crc: answer.crc };
  }

  /** Ends the threads; a chunk still under way fails. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
  }
}
