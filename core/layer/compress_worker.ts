/**
 * The thread that `CompressionWorkers` starts: compresses one chunk after the other, each in the buffer it came in.
 *
 * @module
 */
import { parentPort } from "node:worker_threads";
import { chunkCompressor, type CompressChunk } from "./encoders.ts";
import { crc32 } from "./gzip.ts";

/** A chunk to compress. */
export interface ChunkRequest {
  /** Starts with the chunk; changes hands with the message. */
  readonly buffer: ArrayBuffer;
  readonly lengthBytes: number;
  /** The name of the encoder. */
  readonly encoder: string;
}

/** The same chunk, compressed. Answers come in the order of the requests. */
export interface ChunkAnswer {
  /** The buffer of the request, which now starts with the compressed bytes. */
  readonly buffer: ArrayBuffer;
  readonly lengthBytes: number;
  /** CRC-32 of the bytes before compression. */
  readonly crc: number;
}

const compressors = new Map<string, CompressChunk>();
/** While an encoder is loaded: what waits for it, and must not be overtaken. */
let waiting: ChunkRequest[] | undefined;

const port = parentPort;
port?.on("message", (request: ChunkRequest) => {
  if (waiting !== undefined) waiting.push(request);
  else answer(request);
});

function answer(request: ChunkRequest): void {
  const { buffer, lengthBytes, encoder } = request;
  const compress = compressors.get(encoder) ?? chunkCompressor(encoder);
  if (typeof compress !== "function") {
    waiting = [request];
    compress.then((loaded) => resume(encoder, loaded), endThread);
    return;
  }
  compressors.set(encoder, compress);
  const chunk = new Uint8Array(buffer, 0, lengthBytes);
  const crc = crc32(chunk);
  const compressed = compress(chunk);
  new Uint8Array(buffer).set(compressed);
  const message: ChunkAnswer = { buffer, lengthBytes: compressed.length, crc };
  port?.postMessage(message, [buffer]);
}

function resume(encoder: string, compress: CompressChunk): void {
  compressors.set(encoder, compress);
  const requests = waiting ?? [];
  waiting = undefined;
  try {
    // Loading the next encoder makes the rest wait again.
    for (const request of requests) {
      if (waiting !== undefined) (waiting as ChunkRequest[]).push(request);
      else answer(request);
    }
  } catch (error) {
    endThread(error);
  }
}

/** What is thrown inside a promise ends a thread on one runtime and not on the other. */
function endThread(error: unknown): void {
  setTimeout(() => {
    throw error;
  });
}
