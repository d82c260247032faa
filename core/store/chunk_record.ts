/**
 * What is kept of each chunk of a blob: 16 bytes, by which the chunk is found again and checked.
 *
 * @module
 */

import type { ChunkSums } from "../layer/chunk_sums.ts";

/** Bytes of one record. */
export const CHUNK_RECORD_BYTES = 16;

/** Many records, one after the other. */
export function encodeChunkRecords(chunks: readonly ChunkSums[]): Uint8Array<ArrayBuffer> {
  const records = new Uint8Array(chunks.length * CHUNK_RECORD_BYTES);
  for (const [index, sums] of chunks.entries()) {
    records.set(encodeChunkRecord(sums), index * CHUNK_RECORD_BYTES);
  }
  return records;
}

/** The bytes of a record. */
export function encodeChunkRecord(sums: ChunkSums): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(CHUNK_RECORD_BYTES));
  view.setUint32(0, sums.tarBytes, true);
  view.setUint32(4, sums.tarCrc, true);
  view.setUint32(8, sums.blobBytes, true);
  view.setUint32(12, sums.blobCrc, true);
  return new Uint8Array(view.buffer);
}

/**
 * Reads a record.
 *
 * @param records one after the other.
 * @returns undefined beyond the last whole one.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { decodeChunkRecord, encodeChunkRecord } from "./chunk_record.ts";
 * const sums = { tarBytes: 1024, tarCrc: 1, blobBytes: 17, blobCrc: 0xffffffff };
 * assert.deepEqual(decodeChunkRecord(encodeChunkRecord(sums), 0), sums);
 * assert.equal(decodeChunkRecord(encodeChunkRecord(sums), 1), undefined);
 * ```
 */
export function decodeChunkRecord(records: Uint8Array, index: number): ChunkSums | undefined {
  const offset = index * CHUNK_RECORD_BYTES;
  if (offset + CHUNK_RECORD_BYTES > records.length) return undefined;
  const view = new DataView(records.buffer, records.byteOffset + offset, CHUNK_RECORD_BYTES);
  const [tarBytes, tarCrc, blobBytes, blobCrc] = [0, 4, 8, 12].map((at) =>
    view.getUint32(at, true)
  );
  return {
    tarBytes: tarBytes ?? 0,
    tarCrc: tarCrc ?? 0,
    blobBytes: blobBytes ?? 0,
    blobCrc: blobCrc ?? 0,
  };
}
