/**
 * The thread that `CompressionWorkers` starts: compresses one chunk after the other, each in the buffer it came in.
 *
 * @module
 */
import { parentPort } from "node:worker_threads";
import { type DeflateLevel, deflater } from "./deflate/deflater.ts";
import { crc32 } from "./gzip.ts";

/** A chunk to compress. */
export interface ChunkRequest {
  /** Starts with the chunk; changes hands with the message. */
  readonly buffer: ArrayBuffer;
  readonly lengthBytes: number;
  readonly level: DeflateLevel;
}

/** The same chunk, compressed. Answers come in the order of the requests. */
export interface ChunkAnswer {
  /** The buffer of the request, which now starts with the compressed bytes. */
  readonly buffer: ArrayBuffer;
  readonly lengthBytes: number;
  /** CRC-32 of the bytes before compression. */
  readonly crc: number;
}

const port = parentPort;
port?.on("message", ({ buffer, lengthBytes, level }: ChunkRequest) => {
  const chunk = new Uint8Array(buffer, 0, lengthBytes);
  const crc = crc32(chunk);
  const { input, deflate } = deflater();
  input.set(chunk);
  const compressed = deflate(lengthBytes, level);
  new Uint8Array(buffer).set(compressed);
  const answer: ChunkAnswer = { buffer, lengthBytes: compressed.length, crc };
  port.postMessage(answer, [buffer]);
});
