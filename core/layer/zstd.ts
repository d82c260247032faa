/**
 * The encoder `zstd-1`: zstd 1.5.7 as WebAssembly, whose bytes are the same on every runtime and machine, unlike those
 * of the runtimes' own zstd. Asked for by name only: umoci and older clients cannot read such layers.
 *
 * @see RFC 8878, 3: a stream is any number of frames
 * @module
 */
import { CHUNK_BUFFER_BYTES, chunkedEncoder } from "./chunked_encoder.ts";
import type { LayerEncoder } from "./compress.ts";
import { DEFAULT_ZSTD_LEVEL, type ZstdLevel } from "./compression.ts";

/** Compresses bytes to one frame. */
export type ZstdCompress = (bytes: Uint8Array, level: ZstdLevel) => Uint8Array<ArrayBuffer>;

let loading: Promise<ZstdCompress> | undefined;

/**
 * Loads zstd: a quarter of a megabyte of code that other builds do without.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { loadZstd } from "./zstd.ts";
 * const compress = await loadZstd();
 * assert.deepEqual(compress(new Uint8Array(0), 3).subarray(0, 4), Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd));
 * ```
 */
export function loadZstd(): Promise<ZstdCompress> {
  loading ??= (async (): Promise<ZstdCompress> => {
    const { init, compress } = await import("@bokuweb/zstd-wasm");
    await init();
    return (bytes, level) => compress(bytes, level) as Uint8Array<ArrayBuffer>;
  })();
  return loading;
}

/**
 * The encoder `zstd-1`: one frame for each chunk of the layer, so that chunks can be compressed apart.
 *
 * @param level 1 fast to 19 small.
 */
export async function zstdEncoder(level: ZstdLevel = DEFAULT_ZSTD_LEVEL): Promise<LayerEncoder> {
  const compress = await loadZstd();
  const room = new Uint8Array(CHUNK_BUFFER_BYTES);
  return chunkedEncoder({
    name: `zstd-1:${level}`,
    mediaTypeSuffix: "+zstd",
    header: new Uint8Array(0),
    room: () => room,
    compress: (chunk) => compress(chunk, level),
    // A stream of no frames is none: readers take an empty file for a truncated one.
    end: (_crc, sizeBytes) => sizeBytes === 0 ? [compress(new Uint8Array(0), level)] : [],
  });
}
