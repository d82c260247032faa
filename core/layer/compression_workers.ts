/**
 * Threads that compress chunks. The bytes of a chunk are a function of the chunk and the encoder, so how many threads
 * there are, and which takes what, changes nothing but the time.
 *
 * @module
 */
import { availableParallelism } from "node:os";
import type { Worker } from "node:worker_threads";
import { LayerwrightError } from "../errors.ts";
import type { ChunkCompressor, CompressedChunk } from "./compress.ts";
import type { ChunkAnswer, ChunkRequest } from "./compress_worker.ts";

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
/** Chunks given to a thread before it answers: the second is there when the first is done. */
const GIVEN_AHEAD = 2;

interface Job {
  readonly request: ChunkRequest;
  readonly resolve: (chunk: CompressedChunk) => void;
  readonly reject: (reason: LayerwrightError) => void;
}

interface Member {
  readonly worker: Worker;
  /** What it has been given and not answered, oldest first. */
  readonly given: Job[];
}

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
  readonly #count: number;
  readonly #signal: AbortSignal | undefined;
  readonly #cancel = (): void => this.#end(cancelled(this.#signal?.reason));
  readonly #members: Member[] = [];
  readonly #waiting: Job[] = [];
  readonly #terminated: Promise<unknown>[] = [];
  #started: Promise<void> | undefined;
  #ended: LayerwrightError | undefined;

  constructor(options: CompressionWorkersOptions = {}) {
    this.#count = options.count ?? Math.min(availableParallelism(), USEFUL_WORKERS);
    this.lookAhead = this.#count * LOOK_AHEAD_PER_WORKER;
    this.#signal = options.signal;
    if (this.#signal?.aborted === true) this.#cancel();
    this.#signal?.addEventListener("abort", this.#cancel, { once: true });
  }

  /**
   * Compresses one chunk on some thread.
   *
   * @throws {LayerwrightError} `COMPRESSION_FAILED` when a thread ends of itself, for this chunk and all others;
   * `BUILD_CANCELLED` once the signal has fired.
   */
  compress(chunk: Uint8Array<ArrayBuffer>, encoder: string): Promise<CompressedChunk> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const { promise, resolve, reject } = Promise.withResolvers<CompressedChunk>();
    const request = { buffer: chunk.buffer, lengthBytes: chunk.length, encoder };
    this.#waiting.push({ request, resolve, reject });
    this.#started ??= this.#start();
    this.#give();
    return promise;
  }

  /** Ends the threads; a chunk still under way fails. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal?.removeEventListener("abort", this.#cancel);
    this.#end(failed("its threads were ended"));
    await this.#started;
    await Promise.all(this.#terminated);
  }

  async #start(): Promise<void> {
    try {
      // Slow to load, and small builds do without.
      const { Worker } = await import("node:worker_threads");
      if (this.#ended !== undefined) return;
      for (let index = 0; index < this.#count; index++) this.#add(new Worker(workerModule()));
      this.#give();
    } catch (error) {
      this.#end(failed("a thread could not be started", error));
    }
  }

  #add(worker: Worker): void {
    const member: Member = { worker, given: [] };
    this.#members.push(member);
    worker.on("message", ({ buffer, lengthBytes, crc }: ChunkAnswer) => {
      member.given.shift()?.resolve({ bytes: new Uint8Array(buffer, 0, lengthBytes), crc });
      this.#give();
    });
    worker.on("messageerror", (error) => this.#end(failed("a thread could not be heard", error)));
    worker.on("error", (error) => this.#end(failed("a thread failed", error)));
    worker.on("exit", (code) => this.#end(failed(`a thread ended with status ${code}`)));
  }

  /** Hands waiting chunks to the threads that have the least to do. */
  #give(): void {
    for (let ahead = 0; ahead < GIVEN_AHEAD; ahead++) {
      for (const { worker, given } of this.#members) {
        if (given.length > ahead) continue;
        const job = this.#waiting.shift();
        if (job === undefined) return;
        given.push(job);
        worker.postMessage(job.request, [job.request.buffer]);
      }
    }
  }

  /** Ends all threads for one reason, which all that wait are told; later reasons follow from the first. */
  #end(reason: LayerwrightError): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    for (const { worker, given } of this.#members) {
      for (const job of given.splice(0)) job.reject(reason);
      this.#terminated.push(worker.terminate());
    }
    for (const job of this.#waiting.splice(0)) job.reject(reason);
  }
}

/** The compiled package has the module under another name than the source. */
function workerModule(): URL {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return new URL(`./compress_worker.${extension}`, import.meta.url);
}

function failed(state: string, cause?: unknown): LayerwrightError {
  const details = cause instanceof Error ? [cause.message] : [];
  return new LayerwrightError("COMPRESSION_FAILED", `Cannot compress a layer: ${state}`, {
    details,
    cause,
    hint: "build again; nothing was stored",
  });
}

function cancelled(cause: unknown): LayerwrightError {
  return new LayerwrightError("BUILD_CANCELLED", "Cannot go on: the build was cancelled", {
    cause,
  });
}
