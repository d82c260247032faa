/**
 * The seam for content by digest.
 *
 * The contract, run on every implementation by `tests/contracts/blob_store_contract.ts`:
 * a blob that can be seen is whole and has the digest it is seen under; putting it again changes nothing;
 * a put that fails leaves nothing; concurrent puts of one blob all succeed.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import type { Digest } from "../oci/digest.ts";

/** Bytes in pieces of any size. An array of pieces will do. */
export type BlobSource = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** What a blob is known by. */
export interface StoredBlob {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

/** A part of a blob, in bytes from its start; `end` is the first byte not wanted (absent: to the end). */
export interface ByteRange {
  readonly start: number;
  readonly end?: number;
}

/** Content by digest. */
export interface BlobStore {
  has(digest: Digest): Promise<boolean>;
  /** Bytes of a blob, or undefined when it is not here. */
  size(digest: Digest): Promise<number | undefined>;
  /**
   * Reads a blob in pieces that the reader may keep.
   *
   * @throws {LayerwrightError} `BLOB_MISSING` at the first piece.
   */
  openRead(digest: Digest, range?: ByteRange): AsyncIterable<Uint8Array>;
  /**
   * Reads a small blob whole, and checks that it still has its digest.
   *
   * @throws {LayerwrightError} `BLOB_MISSING`; `BLOB_LIMIT` when it has more than `limitBytes`;
   * `STORE_CORRUPT` when its bytes changed.
   */
  readBytes(digest: Digest, limitBytes: number): Promise<Uint8Array>;
  /**
   * Stores bytes under the digest they turn out to have (sha256, or the algorithm of `expected.digest`).
   *
   * @throws {LayerwrightError} `BLOB_DIGEST_MISMATCH` when they are not what is expected;
   * `STORE_FULL`, `STORE_UNWRITABLE`; and whatever the source throws. Then nothing is stored.
   */
  put(source: BlobSource, expected?: Partial<StoredBlob>): Promise<StoredBlob>;
  /**
   * Moves a finished file into the store. The caller has hashed what it wrote; the file is gone afterwards.
   *
   * @param path On the file system of the store: see `TempFolder`.
   */
  putFile(path: string, digest: Digest): Promise<StoredBlob>;
  /** Removes a blob. @returns False when it was not here. */
  delete(digest: Digest): Promise<boolean>;
  /** Every blob, in no order. */
  list(): AsyncIterable<Digest>;
  /** The file of a blob that is here, for stores that have files. */
  path?(digest: Digest): string | undefined;
}

/** The error for a blob that is not here. */
export function blobMissing(digest: Digest): LayerwrightError {
  return new LayerwrightError("BLOB_MISSING", `Cannot read blob ${digest}: not in the store`);
}

/** The error for a blob that is larger than its reader allows. */
export function blobTooLarge(digest: Digest, size: number, limitBytes: number): LayerwrightError {
  return new LayerwrightError(
    "BLOB_LIMIT",
    `Cannot read blob ${digest}: ${size} bytes, more than the limit of ${limitBytes}`,
  );
}

/**
 * Checks what arrived against what was asked for.
 *
 * @throws {LayerwrightError} `BLOB_DIGEST_MISMATCH` naming both.
 */
export function checkReceived(received: StoredBlob, expected: Partial<StoredBlob>): void {
  const wrongDigest = expected.digest !== undefined && expected.digest !== received.digest;
  const wrongSize = expected.size !== undefined && expected.size !== received.size;
  if (!wrongDigest && !wrongSize) return;
  const wanted = [
    ...(expected.digest === undefined ? [] : [expected.digest]),
    ...(expected.size === undefined ? [] : [`${expected.size} bytes`]),
  ].join(", ");
  throw new LayerwrightError(
    "BLOB_DIGEST_MISMATCH",
    `Cannot store blob: received ${received.digest}, ${received.size} bytes, expected ${wanted}`,
    { hint: "fetch it again; if it repeats, the sender holds a damaged blob" },
  );
}

/**
 * Stops a transfer as soon as it is longer than it may be, so that an endless one cannot fill the disk.
 *
 * @throws {LayerwrightError} `BLOB_DIGEST_MISMATCH`.
 */
export function checkNotLonger(receivedBytes: number, expected: Partial<StoredBlob>): void {
  if (expected.size === undefined || receivedBytes <= expected.size) return;
  throw new LayerwrightError(
    "BLOB_DIGEST_MISMATCH",
    `Cannot store blob ${expected.digest ?? ""}`.trimEnd() +
      `: received more than the expected ${expected.size} bytes`,
    { hint: "fetch it again; if it repeats, the sender holds a damaged blob" },
  );
}
