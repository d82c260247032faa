/**
 * What can be wrong with a compressed layer.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";

/** How a layer blob is compressed; `none` is a plain tar. */
export type Compression = "none" | "gzip" | "zstd" | "bzip2" | "xz";

/** The stream is not what its format allows. */
export function damagedStream(
  format: Compression,
  reason: string,
  cause?: unknown,
): LayerwrightError {
  return new LayerwrightError(
    "COMPRESSION_INVALID",
    `Cannot decompress layer: damaged ${format} stream, ${reason}`,
    { cause, hint: "fetch it again; if it repeats, the blob was damaged where it is kept" },
  );
}

/** Nothing here can read the format. */
export function unsupportedStream(
  format: Compression,
  state: string,
  hint: string,
  cause?: unknown,
): LayerwrightError {
  return new LayerwrightError(
    "COMPRESSION_UNSUPPORTED",
    `Cannot decompress layer: it is ${format}, and ${state}`,
    { cause, hint },
  );
}
