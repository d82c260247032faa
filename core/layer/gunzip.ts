/**
 * Reading gzip: any number of members, and nothing after the last.
 *
 * @see RFC 1952, 2.2
 * @module
 */
import { createGunzip } from "node:zlib";
import type { ByteSource } from "./byte_source.ts";
import { ZlibDecoder } from "./zlib_decoder.ts";

/** DEFLATE grows by 1,032 at most: a piece of this length becomes 16 MiB in memory. */
const PIECE_BYTES = 16 * 1024;
const OUTPUT_BYTES = 256 * 1024;

/**
 * Decompresses all of `source`.
 *
 * @throws {LayerwrightError} `COMPRESSION_INVALID` if it is damaged, cut short, or followed by anything.
 */
export async function* gunzip(source: ByteSource): AsyncGenerator<Uint8Array> {
  const decoder = new ZlibDecoder("gzip", createGunzip({ chunkSize: OUTPUT_BYTES }));
  try {
    for (;;) {
      const piece = await source.next(PIECE_BYTES);
      if (piece === undefined) break;
      yield* await decoder.feed(piece);
    }
    yield* await decoder.finish();
  } finally {
    decoder.close();
  }
}
