/**
 * How users ask for an encoder, and what it is called. Light: checked before anything is loaded.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import type { DeflateLevel } from "./deflate/deflater.ts";

/** How hard zstd looks for matches: 3 is its default, from 16 on it is very slow. */
export type ZstdLevel =
  | 1
  | 2
  | 3
  | 4
  | 5
  | 6
  | 7
  | 8
  | 9
  | 10
  | 11
  | 12
  | 13
  | 14
  | 15
  | 16
  | 17
  | 18
  | 19;

/** The level of `zstd` without a number. */
export const DEFAULT_ZSTD_LEVEL: ZstdLevel = 3;
/** The highest level that needs no more memory than readers have to provide. */
export const HIGHEST_ZSTD_LEVEL: ZstdLevel = 19;

/** How layers leave: a type, and a level where it has some. */
export type Compression =
  | "gzip"
  | `gzip:${DeflateLevel}`
  | "zstd"
  | `zstd:${ZstdLevel}`
  | "uncompressed";

/** The encoder of images that leave without anybody asking for another. */
export const DEFAULT_ENCODER = "gz-1:2";
/** The encoder that leaves a layer as it is. */
export const PLAIN_ENCODER = "tar";

/** On the descriptor of a tag: the name of the encoder that its image leaves with. Without it, it leaves as it is. */
export const ENCODER_ANNOTATION = "dev.layerwright.encoder";

/** What is said to those who ask for something else. */
const KNOWN_COMPRESSIONS =
  "uncompressed, gzip (gzip:1 to gzip:3, 2 unless given), zstd (zstd:1 to zstd:19, 3 unless given)";

/**
 * The encoder that a compression stands for.
 *
 * @throws {LayerwrightError} `OPTION_INVALID` with all that is known.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { encoderNameOf } from "./compression.ts";
 * assert.equal(encoderNameOf("gzip"), "gz-1:2");
 * assert.equal(encoderNameOf("zstd:19"), "zstd-1:19");
 * assert.throws(() => encoderNameOf("gzip:9"), { code: "OPTION_INVALID" });
 * ```
 */
export function encoderNameOf(compression: string): string {
  const [, type, level] = /^(gzip|zstd|uncompressed)(?::([1-9]\d?))?$/.exec(compression) ?? [];
  const number = level === undefined ? undefined : Number(level);
  if (type === "uncompressed" && number === undefined) return PLAIN_ENCODER;
  if (type === "gzip" && (number ?? 2) <= 3) return `gz-1:${number ?? 2}`;
  if (type === "zstd" && (number ?? 0) <= HIGHEST_ZSTD_LEVEL) {
    return `zstd-1:${number ?? DEFAULT_ZSTD_LEVEL}`;
  }
  throw new LayerwrightError(
    "OPTION_INVALID",
    `Cannot compress layers as ${JSON.stringify(compression)}`,
    { details: [`known are ${KNOWN_COMPRESSIONS}`], hint: "choose one of these" },
  );
}
