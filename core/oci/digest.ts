/**
 * Content digests, and the four kinds of them that must not be mixed up.
 *
 * @see OCI image-spec v1.1, descriptor.md, "Digests"
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import { sha256Hex } from "../host/sha256.ts";

declare const kind: unique symbol;

/** `algorithm:hex`, checked. */
export type Digest = string & { readonly [kind]: unknown };
/** Digest of a blob's bytes as they are stored or sent (compressed, for most layers). */
export type BlobDigest = Digest & { readonly [kind]: "blob" };
/** Digest of a layer's *uncompressed* tar. */
export type DiffID = Digest & { readonly [kind]: "diff" };
/** Digest that names a stack of layers. */
export type ChainID = Digest & { readonly [kind]: "chain" };
/** Digest of an image config's bytes: what docker calls the image ID. */
export type ImageID = Digest & { readonly [kind]: "image" };

const HEX_LENGTH: ReadonlyMap<string, number> = new Map([["sha256", 64], ["sha512", 128]]);

/**
 * Checks a digest that came from outside.
 *
 * @param text `sha256:` + 64 or `sha512:` + 128 lower-case hex digits.
 * @throws {LayerwrightError} `DIGEST_INVALID` for anything else.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseDigest } from "./digest.ts";
 * assert.throws(() => parseDigest("sha256:ABC"), { code: "DIGEST_INVALID" });
 * ```
 */
export function parseDigest<D extends Digest = Digest>(text: string): D {
  if (!isDigest(text)) {
    throw new LayerwrightError(
      "DIGEST_INVALID",
      `Cannot use digest ${JSON.stringify(text)}: not a digest`,
      {
        hint: 'write "sha256:" and 64 lower-case hex digits',
      },
    );
  }
  return text as D;
}

/** Whether a text is a digest of an algorithm we can compute. */
export function isDigest(text: string): text is Digest {
  const colon = text.indexOf(":");
  const hex = text.slice(colon + 1);
  return HEX_LENGTH.get(text.slice(0, Math.max(colon, 0))) === hex.length &&
    /^[0-9a-f]+$/.test(hex);
}

/** The sha256 digest of bytes; the caller says of which kind by the type parameter. */
export function sha256<D extends Digest = Digest>(bytes: Uint8Array | string): D {
  return `sha256:${sha256Hex(bytes)}` as D;
}

/** The hex digits after the colon: the file name of a blob in an image layout. */
export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}

/** The algorithm before the colon. */
export function digestAlgorithm(digest: Digest): "sha256" | "sha512" {
  return digest.startsWith("sha512:") ? "sha512" : "sha256";
}
