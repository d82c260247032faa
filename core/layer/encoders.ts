/**
 * All encoders by their names.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import { gzipEncoder, type LayerEncoder, uncompressedEncoder } from "./compress.ts";
import { type DeflateLevel, deflater } from "./deflate/deflater.ts";
import { HIGHEST_ZSTD_LEVEL, PLAIN_ENCODER, type ZstdLevel } from "./compression.ts";
import { loadZstd, zstdEncoder } from "./zstd.ts";

/**
 * The encoder of a name; loads what it is made of.
 *
 * @throws {LayerwrightError} `OPTION_INVALID` for a name that no encoder has.
 */
export async function loadEncoder(name: string): Promise<LayerEncoder> {
  if (name === PLAIN_ENCODER) return uncompressedEncoder;
  const { type, level } = partsOf(name);
  return type === "gz" ? gzipEncoder(level as DeflateLevel) : await zstdEncoder(level as ZstdLevel);
}

/** Compresses one chunk, of 2 MiB at most, to bytes that are valid until the next call. */
export type CompressChunk = (chunk: Uint8Array) => Uint8Array<ArrayBuffer>;

/**
 * What the encoder of a name does to each chunk: for threads.
 *
 * @returns at once where nothing has to be loaded.
 * @throws {LayerwrightError} `OPTION_INVALID` for a name that no such encoder has.
 */
export function chunkCompressor(name: string): CompressChunk | Promise<CompressChunk> {
  const { type, level } = partsOf(name);
  if (type === "gz") {
    return (chunk) => {
      const { input, deflate } = deflater();
      input.set(chunk);
      return deflate(chunk.length, level as DeflateLevel);
    };
  }
  return loadZstd().then((compress) => (chunk) => compress(chunk, level as ZstdLevel));
}

/** The level of a gzip encoder; undefined for another one. */
export function gzipLevelOf(name: string): DeflateLevel | undefined {
  if (name === PLAIN_ENCODER) return undefined;
  const { type, level } = partsOf(name);
  return type === "gz" ? level as DeflateLevel : undefined;
}

function partsOf(name: string): { readonly type: "gz" | "zstd"; readonly level: number } {
  const [, type, digits] = /^(gz|zstd)-1:(\d{1,2})$/.exec(name) ?? [];
  const level = Number(digits);
  const highest = type === "gz" ? 3 : HIGHEST_ZSTD_LEVEL;
  if ((type === "gz" || type === "zstd") && level >= 1 && level <= highest) return { type, level };
  throw new LayerwrightError(
    "OPTION_INVALID",
    `Cannot encode layers with ${JSON.stringify(name)}: no encoder has this name`,
  );
}
