/**
 * What is kept of a compressed chunk, by which it is found again and checked.
 *
 * @module
 */
import type { ChunkRecord } from "./compress.ts";
import { crc32 } from "./gzip.ts";

/** Lengths and CRC-32 of a chunk before and after compression: four numbers of 32 bits. */
export interface ChunkSums {
  readonly tarBytes: number;
  readonly tarCrc: number;
  readonly blobBytes: number;
  readonly blobCrc: number;
}

/** The sums of a chunk that was just compressed. */
export function sumsOf({ tarBytes, tarCrc, bytes }: ChunkRecord): ChunkSums {
  return { tarBytes, tarCrc, blobBytes: bytes.length, blobCrc: crc32(bytes) };
}
