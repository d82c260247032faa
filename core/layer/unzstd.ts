/**
 * Reading zstd: any number of frames, skippable ones among them (zstd:chunked layers end with some).
 *
 * The frames are walked here and each is decompressed by a stream of its own, block by block, because the runtimes'
 * streams cannot be trusted with more: they take a truncated frame for a whole one, Deno drops every frame but the
 * first, and a damaged block that is not decoded by the first call ends Deno's process.
 *
 * @see RFC 8878, 3
 * @module
 */
import * as zlib from "node:zlib";
import type { ByteSource } from "./byte_source.ts";
import { damagedStream, unsupportedStream } from "./compression_error.ts";
import { ZlibDecoder, type ZlibStream } from "./zlib_decoder.ts";

/** RFC 8878, 3.1.1.2.4: no block is longer, compressed or not. */
const BLOCK_LIMIT_BYTES = 128 * 1024;
const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
const RLE_BLOCK = 1;
const RESERVED_BLOCK = 3;

type CreateZstdDecompress = (options: { readonly chunkSize: number }) => ZlibStream;

/**
 * Decompresses all of `source`.
 *
 * @throws {LayerwrightError} `COMPRESSION_INVALID` if it is damaged, cut short, or followed by anything;
 * `COMPRESSION_UNSUPPORTED` if the runtime has no zstd.
 */
export async function* unzstd(source: ByteSource): AsyncGenerator<Uint8Array> {
  // Absent before Node 22.15.
  const create = (zlib as { createZstdDecompress?: CreateZstdDecompress }).createZstdDecompress;
  if (create === undefined) {
    throw unsupportedStream("zstd", "this runtime cannot read that", "run it on Bun or Deno");
  }
  for (;;) {
    const magic = await source.take(4);
    if (magic.length === 0) return;
    const number = magic.length < 4 ? undefined : littleEndian(magic);
    if (number !== undefined && (number & ~0xf) === SKIPPABLE_MAGIC) await skipFrame(source);
    else if (number === FRAME_MAGIC) yield* frame(source, magic, create);
    else throw damagedStream("zstd", "bytes follow its last frame");
  }
}

async function skipFrame(source: ByteSource): Promise<void> {
  for (let left = littleEndian(await exactly(source, 4)); left > 0;) {
    const piece = await source.next(left);
    if (piece === undefined) throw truncated();
    left -= piece.length;
  }
}

async function* frame(
  source: ByteSource,
  magic: Uint8Array,
  create: CreateZstdDecompress,
): AsyncGenerator<Uint8Array> {
  // Twice a block: what one block gives always fits, so one call decodes all of it.
  const decoder = new ZlibDecoder("zstd", create({ chunkSize: 2 * BLOCK_LIMIT_BYTES }));
  try {
    const descriptor = await exactly(source, 1);
    const flags = descriptor[0] ?? 0;
    const header = await exactly(source, headerBytes(flags));
    yield* await decoder.feed(Buffer.concat([magic, descriptor, header]));
    for (let last = false; !last;) {
      const blockHeader = await exactly(source, 3);
      const { length, type, isLast } = parseBlockHeader(blockHeader);
      last = isLast;
      if (type === RESERVED_BLOCK || length > BLOCK_LIMIT_BYTES) {
        throw damagedStream("zstd", "a block has no valid header");
      }
      const content = await exactly(source, type === RLE_BLOCK ? 1 : length);
      yield* await decoder.feed(Buffer.concat([blockHeader, content]));
    }
    const hasChecksum = (flags & 0b100) !== 0;
    if (hasChecksum) yield* await decoder.feed(await exactly(source, 4));
    yield* await decoder.finish();
  } finally {
    decoder.close();
  }
}

/** RFC 8878, 3.1.1.1: bytes of the frame header after its descriptor. */
function headerBytes(flags: number): number {
  const isSingleSegment = (flags & 0x20) !== 0;
  const contentSizeFlag = flags >> 6;
  const dictionaryId = DICTIONARY_ID_BYTES[flags & 3] ?? 0;
  const contentSize = CONTENT_SIZE_BYTES[contentSizeFlag] ?? 0;
  return isSingleSegment
    ? dictionaryId + (contentSizeFlag === 0 ? 1 : contentSize)
    : 1 + dictionaryId + contentSize;
}

function parseBlockHeader(bytes: Uint8Array): { length: number; type: number; isLast: boolean } {
  const header = littleEndian(bytes);
  return { length: header >> 3, type: (header >> 1) & 3, isLast: (header & 1) === 1 };
}

function littleEndian(bytes: Uint8Array): number {
  let number = 0;
  for (const [index, byte] of bytes.entries()) number += byte * 2 ** (8 * index);
  return number;
}

async function exactly(source: ByteSource, length: number): Promise<Uint8Array> {
  const bytes = await source.take(length);
  if (bytes.length < length) throw truncated();
  return bytes;
}

function truncated(): Error {
  return damagedStream("zstd", "unexpected end inside a frame");
}
