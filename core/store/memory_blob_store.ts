/**
 * Blobs in memory: for tests, and for images that are pushed and forgotten.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { type Digest, digestAlgorithm } from "../oci/digest.ts";
import {
  blobMissing,
  type BlobSource,
  type BlobStore,
  blobTooLarge,
  type ByteRange,
  checkNotLonger,
  checkReceived,
  type StoredBlob,
} from "./blob_store.ts";

/** A {@link BlobStore} that ends with the process. */
export class MemoryBlobStore implements BlobStore {
  readonly #blobs = new Map<Digest, Uint8Array>();

  has(digest: Digest): Promise<boolean> {
    return Promise.resolve(this.#blobs.has(digest));
  }

  size(digest: Digest): Promise<number | undefined> {
    return Promise.resolve(this.#blobs.get(digest)?.length);
  }

  async *openRead(digest: Digest, range: ByteRange = { start: 0 }): AsyncIterable<Uint8Array> {
    const bytes = this.#blobs.get(digest);
    if (bytes === undefined) throw blobMissing(digest);
    const part = bytes.slice(range.start, range.end);
    if (part.length > 0) yield await Promise.resolve(part);
  }

  async readBytes(digest: Digest, limitBytes: number): Promise<Uint8Array> {
    const bytes = await Promise.resolve(this.#blobs.get(digest));
    if (bytes === undefined) throw blobMissing(digest);
    if (bytes.length > limitBytes) throw blobTooLarge(digest, bytes.length, limitBytes);
    return bytes.slice();
  }

  async put(source: BlobSource, expected: Partial<StoredBlob> = {}): Promise<StoredBlob> {
    const algorithm = expected.digest === undefined ? "sha256" : digestAlgorithm(expected.digest);
    const hash = createHash(algorithm);
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const piece of source) {
      size += piece.length;
      checkNotLonger(size, expected);
      hash.update(piece);
      // The sender may use its buffer again.
      pieces.push(piece.slice());
    }
    const received = { digest: `${algorithm}:${hash.digest("hex")}` as Digest, size };
    checkReceived(received, expected);
    const bytes = new Uint8Array(size);
    let offset = 0;
    for (const piece of pieces) {
      bytes.set(piece, offset);
      offset += piece.length;
    }
    this.#blobs.set(received.digest, bytes);
    return received;
  }

  putFile(path: string, digest: Digest): Promise<StoredBlob> {
    const bytes = new Uint8Array(readFileSync(path));
    rmSync(path);
    this.#blobs.set(digest, bytes);
    return Promise.resolve({ digest, size: bytes.length });
  }

  delete(digest: Digest): Promise<boolean> {
    return Promise.resolve(this.#blobs.delete(digest));
  }

  async *list(): AsyncIterable<Digest> {
    for (const digest of [...this.#blobs.keys()]) yield await Promise.resolve(digest);
  }
}
