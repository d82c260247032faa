/**
 * Blobs as files of an OCI image layout.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import {
  chmodSync,
  closeSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from "node:fs";
import { writeFully } from "../layer/full_io.ts";
import { LayerwrightError, systemErrorCode } from "../errors.ts";
import { type Digest, digestAlgorithm } from "../oci/digest.ts";
import type { BlobFolder } from "./blob_folder.ts";
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
import type { Database } from "./database.ts";
import { type Durability, syncPath } from "./durability.ts";
import { guarded } from "./store_error.ts";
import type { TempFolder } from "./temp_folder.ts";

const PIECE_BYTES = 1024 * 1024;

/** What a {@link FsBlobStore} is made of. */
export interface FsBlobStoreParts {
  readonly folder: BlobFolder;
  readonly temp: TempFolder;
  readonly database: Database;
  readonly durability: Durability;
}

/** A {@link BlobStore} that other tools can read: the `blobs` folder of an OCI image layout. */
export class FsBlobStore implements BlobStore {
  readonly #folder: BlobFolder;
  readonly #temp: TempFolder;
  readonly #database: Database;
  readonly #durability: Durability;

  constructor(parts: FsBlobStoreParts) {
    this.#folder = parts.folder;
    this.#temp = parts.temp;
    this.#database = parts.database;
    this.#durability = parts.durability;
  }

  has(digest: Digest): Promise<boolean> {
    return Promise.resolve(this.#folder.stat(digest) !== undefined);
  }

  size(digest: Digest): Promise<number | undefined> {
    return Promise.resolve(this.#folder.stat(digest)?.size);
  }

  path(digest: Digest): string | undefined {
    return this.#folder.stat(digest) === undefined ? undefined : this.#folder.filePath(digest);
  }

  async *openRead(digest: Digest, range: ByteRange = { start: 0 }): AsyncIterable<Uint8Array> {
    const fd = this.#open(digest);
    try {
      const size = this.#folder.stat(digest)?.size ?? 0;
      const end = Math.min(range.end ?? size, size);
      let position = range.start;
      while (position < end) {
        // A fresh buffer each time: the reader may keep its pieces.
        const piece = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, end - position));
        const count = readSync(fd, piece, 0, piece.length, position);
        if (count === 0) break;
        position += count;
        yield await Promise.resolve(new Uint8Array(piece.buffer, piece.byteOffset, count));
      }
    } finally {
      closeSync(fd);
    }
  }

  async readBytes(digest: Digest, limitBytes: number): Promise<Uint8Array> {
    return await Promise.resolve(this.readBytesSync(digest, limitBytes));
  }

  /** As {@link readBytes}, at once: for garbage collection, which must not let go of the database meanwhile. */
  readBytesSync(digest: Digest, limitBytes: number): Uint8Array {
    const size = this.#folder.stat(digest)?.size;
    if (size === undefined) throw blobMissing(digest);
    if (size > limitBytes) throw blobTooLarge(digest, size, limitBytes);
    const bytes = new Uint8Array(size);
    const fd = this.#open(digest);
    try {
      let offset = 0;
      while (offset < size) {
        const count = readSync(fd, bytes, offset, size - offset, offset);
        if (count === 0) break;
        offset += count;
      }
    } finally {
      closeSync(fd);
    }
    const algorithm = digestAlgorithm(digest);
    const actual = `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
    if (actual !== digest) {
      throw new LayerwrightError(
        "STORE_CORRUPT",
        `Cannot read blob ${digest}: its file "${
          this.#folder.filePath(digest)
        }" has changed, now ${actual}`,
        { hint: "check the disk, remove the file, and build or pull the image again" },
      );
    }
    return bytes;
  }

  #open(digest: Digest): number {
    const path = this.#folder.filePath(digest);
    try {
      return openSync(path, "r");
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") throw blobMissing(digest);
      throw error;
    }
  }

  async put(source: BlobSource, expected: Partial<StoredBlob> = {}): Promise<StoredBlob> {
    const algorithm = expected.digest === undefined ? "sha256" : digestAlgorithm(expected.digest);
    const action = expected.digest === undefined ? "store a blob" : `store blob ${expected.digest}`;
    const path = this.#temp.newPath();
    const hash = createHash(algorithm);
    let size = 0;
    const fd = guarded(action, path, () => openSync(path, "wx", 0o600));
    try {
      try {
        for await (const piece of source) {
          size += piece.length;
          checkNotLonger(size, expected);
          guarded(action, path, () => writeFully(fd, piece));
          hash.update(piece);
        }
        if (this.#durability.mode === "safe") guarded(action, path, () => fsyncSync(fd));
      } finally {
        closeSync(fd);
      }
      const received = { digest: `${algorithm}:${hash.digest("hex")}` as Digest, size };
      checkReceived(received, expected);
      this.#adopt(path, received);
      return received;
    } catch (error) {
      rmSync(path, { force: true });
      throw error;
    }
  }

  async putFile(path: string, digest: Digest): Promise<StoredBlob> {
    const blob = { digest, size: statSync(path).size };
    if (this.#durability.mode === "safe") syncPath(path);
    this.#adopt(path, blob);
    return await Promise.resolve(blob);
  }

  /** Gives a finished file its name. */
  #adopt(tempPath: string, blob: StoredBlob): void {
    const target = this.#folder.filePath(blob.digest);
    this.#durability.beforeWrite();
    guarded(`store blob ${blob.digest}`, target, () => {
      chmodSync(tempPath, 0o444);
      // Gone, or of another size (damaged): what the books say of the old file is not true of the new one.
      if (this.#folder.stat(blob.digest)?.size !== blob.size) this.#durability.forget(blob.digest);
      // Garbage is collected inside a transaction too: it cannot remove what is found here.
      this.#database.transaction(() => {
        if (this.#folder.stat(blob.digest)?.size === blob.size) {
          const now = Date.now() / 1000;
          utimesSync(target, now, now);
          rmSync(tempPath);
        } else {
          renameSync(tempPath, target);
        }
      });
      this.#durability.written(blob.digest);
    });
  }

  async delete(digest: Digest): Promise<boolean> {
    return await Promise.resolve(this.deleteSync(digest));
  }

  /** As {@link delete}, at once. */
  deleteSync(digest: Digest): boolean {
    const path = this.#folder.filePath(digest);
    return this.#database.transaction(() => {
      if (this.#folder.stat(digest) === undefined) return false;
      this.#database.run("DELETE FROM synced_blobs WHERE digest = ?", digest);
      guarded(`remove blob ${digest}`, path, () => rmSync(path, { force: true }));
      return true;
    });
  }

  /** Every blob with its size and the time it was last put, in milliseconds since the epoch. */
  statsSync(): { readonly digest: Digest; readonly size: number; readonly modifiedMs: number }[] {
    return this.#folder.digests().flatMap((digest) => {
      const stats = this.#folder.stat(digest);
      return stats === undefined ? [] : [{ digest, size: stats.size, modifiedMs: stats.mtimeMs }];
    });
  }

  /** The first bytes of a blob; undefined when it is not here. */
  headSync(digest: Digest, length: number): Uint8Array | undefined {
    if (this.#folder.stat(digest) === undefined) return undefined;
    const fd = this.#open(digest);
    try {
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, readSync(fd, bytes, 0, length, 0));
    } finally {
      closeSync(fd);
    }
  }

  async *list(): AsyncIterable<Digest> {
    for (const digest of this.#folder.digests()) yield await Promise.resolve(digest);
  }
}
