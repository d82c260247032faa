/**
 * From a layer blob, however it is compressed, to its tar.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import { ByteSource } from "./byte_source.ts";
import type { Compression } from "./compression_error.ts";
import { decodedByProgram } from "./external_decoder.ts";
import { gunzip } from "./gunzip.ts";
import { unzstd } from "./unzstd.ts";

export type { Compression } from "./compression_error.ts";

const PLAIN_PIECE_BYTES = 1024 * 1024;

/** Bytes that {@link sniffCompression} needs to see. */
export const SNIFF_BYTES = 10;

/** Most bytes of one layer unless the caller says otherwise: 64 GiB, several times the largest images in use. */
const LAYER_LIMIT_BYTES: number = 64 * 1024 ** 3;

/** How far {@link decompressed} goes. */
export interface DecompressOptions {
  /** Most bytes to give. A few kilobytes can become terabytes: a caller that knows the size says so here. */
  readonly limitBytes?: number;
}

/**
 * Tells a blob's compression by its first bytes. The media type is not asked: registries hold layers whose type says
 * one thing and whose bytes another, and all engines go by the bytes.
 *
 * @param head the first {@link SNIFF_BYTES} bytes, fewer if the blob is shorter.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { gzipSync } from "node:zlib";
 * import { sniffCompression } from "./decompress.ts";
 * assert.equal(sniffCompression(gzipSync("tar")), "gzip");
 * assert.equal(sniffCompression(new TextEncoder().encode("BZh9/name")), "none");
 * ```
 */
export function sniffCompression(head: Uint8Array): Compression {
  const hex = Buffer.from(head.subarray(0, SNIFF_BYTES)).toString("hex");
  if (hex.startsWith("1f8b08")) return "gzip";
  // A frame, or a skippable frame before it.
  if (/^(?:28b52ffd|5[0-9a-f]2a4d18)/.test(hex)) return "zstd";
  // A tar may well begin with a file named "BZh…": the magic of the first block, or of the end, must follow.
  if (/^425a683[1-9](?:314159265359|177245385090)/.test(hex)) return "bzip2";
  if (hex.startsWith("fd377a585a00")) return "xz";
  return "none";
}

/**
 * Decompresses a layer blob: gzip, zstd, bzip2, xz or a plain tar. Stop early and the source is closed.
 * Bytes given before an error mean nothing: a digest is right or wrong at the end only.
 *
 * @param source the blob's bytes, in pieces of any length.
 * @returns the tar's bytes, in pieces of any length.
 * @throws {LayerwrightError} `COMPRESSION_INVALID` if the stream is damaged, cut short or followed by other bytes;
 * `COMPRESSION_UNSUPPORTED` if nothing here reads the format; `LAYER_LIMIT` past `limitBytes`. Errors of the source
 * come through as they are.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { gzipSync } from "node:zlib";
 * import { decompressed } from "./decompress.ts";
 * async function* blob(): AsyncGenerator<Uint8Array> {
 *   yield gzipSync("layer");
 *   yield gzipSync("wright");
 * }
 * let text = "";
 * for await (const piece of decompressed(blob())) text += new TextDecoder().decode(piece);
 * assert.equal(text, "layerwright");
 * ```
 */
export async function* decompressed(
  source: AsyncIterable<Uint8Array>,
  options: DecompressOptions = {},
): AsyncGenerator<Uint8Array> {
  const limitBytes = options.limitBytes ?? LAYER_LIMIT_BYTES;
  const bytes = new ByteSource(source);
  let total = 0;
  try {
    const compression = sniffCompression(await bytes.peek(SNIFF_BYTES));
    for await (const piece of decoded(compression, bytes)) {
      total += piece.length;
      if (total > limitBytes) {
        throw new LayerwrightError(
          "LAYER_LIMIT",
          `Cannot decompress layer: more than ${limitBytes.toLocaleString("en-US")} bytes`,
          { hint: "raise the limit if the image is to be trusted" },
        );
      }
      yield piece;
    }
  } finally {
    await bytes.close();
  }
}

function decoded(compression: Compression, bytes: ByteSource): AsyncGenerator<Uint8Array> {
  switch (compression) {
    case "none":
      return plain(bytes);
    case "gzip":
      return gunzip(bytes);
    case "zstd":
      return unzstd(bytes);
    case "bzip2":
    case "xz":
      return decodedByProgram(compression, bytes);
  }
}

async function* plain(bytes: ByteSource): AsyncGenerator<Uint8Array> {
  for (;;) {
    const piece = await bytes.next(PLAIN_PIECE_BYTES);
    if (piece === undefined) return;
    yield piece;
  }
}
