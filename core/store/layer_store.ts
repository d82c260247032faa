/**
 * Uncompressed layers by DiffID, and the blobs they were compressed to.
 *
 * @module
 */
import { statSync } from "node:fs";
import type { BlobDigest, DiffID, Digest } from "../oci/digest.ts";
import type { StoredBlob } from "./blob_store.ts";
import type { Database } from "./database.ts";
import type { FsBlobStore } from "./fs_blob_store.ts";

/** An uncompressed layer that is here. */
export interface StoredLayer {
  readonly diffId: DiffID;
  /** The tar on disk. Nobody may write to it. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Lengths of the chunks the tar is compressed in, in order; their sum is `sizeBytes`. */
  readonly chunkLengths: readonly number[];
}

/** A layer tar that was just written. */
export interface NewLayer {
  readonly diffId: DiffID;
  readonly sizeBytes: number;
  readonly chunkLengths: readonly number[];
}

/** The blob that a layer became. */
export interface EncodedLayer extends StoredBlob {
  readonly digest: BlobDigest;
}

/** Layer tars are blobs whose digest is their DiffID; a record beside each says where it is cut. */
export class LayerStore {
  readonly #database: Database;
  readonly #blobs: FsBlobStore;

  constructor(database: Database, blobs: FsBlobStore) {
    this.#database = database;
    this.#blobs = blobs;
  }

  /**
   * Moves a finished tar into the store: blob first, then record.
   *
   * @param tarPath A path from `TempFolder.newPath()`; gone afterwards.
   */
  async addFromTemp(tarPath: string, layer: NewLayer): Promise<StoredLayer> {
    const { size } = await this.#blobs.putFile(tarPath, layer.diffId);
    const total = layer.chunkLengths.reduce((sum, length) => sum + length, 0);
    if (size !== layer.sizeBytes || size !== total) {
      throw new RangeError(
        `layer ${layer.diffId}: ${size} bytes on disk, ${layer.sizeBytes} said, ${total} in chunks`,
      );
    }
    this.describe(layer.diffId, layer.chunkLengths);
    return { ...layer, path: this.#pathOf(layer.diffId) ?? "" };
  }

  /** Records how a tar is cut that is in the store already. */
  describe(diffId: DiffID, chunkLengths: readonly number[]): void {
    this.#database.run(
      "INSERT OR REPLACE INTO layers (diff_id, size, chunk_lengths, created) VALUES (?, ?, ?, ?)",
      diffId,
      chunkLengths.reduce((sum, length) => sum + length, 0),
      JSON.stringify(chunkLengths),
      Date.now(),
    );
  }

  /** A layer whose tar and record are both here and agree; anything less is a miss. */
  get(diffId: DiffID): StoredLayer | undefined {
    const row = this.#database.get(
      "SELECT size, chunk_lengths FROM layers WHERE diff_id = ?",
      diffId,
    );
    const path = this.#pathOf(diffId);
    if (row === undefined || path === undefined) return undefined;
    // Cut short by a disk that ran full or by hand.
    if (statSync(path, { throwIfNoEntry: false })?.size !== Number(row.size)) return undefined;
    const chunkLengths = parseLengths(String(row.chunk_lengths), Number(row.size));
    if (chunkLengths === undefined) {
      this.#database.run("DELETE FROM layers WHERE diff_id = ?", diffId);
      return undefined;
    }
    return { diffId, path, sizeBytes: Number(row.size), chunkLengths };
  }

  /** The blob an encoder made of a layer earlier, if it is still here. */
  encoded(diffId: DiffID, encoder: string): EncodedLayer | undefined {
    const row = this.#database.get(
      "SELECT digest, size FROM encoded WHERE diff_id = ? AND encoder = ?",
      diffId,
      encoder,
    );
    if (row === undefined) return undefined;
    const digest = String(row.digest) as BlobDigest;
    return this.#pathOf(digest) === undefined ? undefined : { digest, size: Number(row.size) };
  }

  /**
   * Remembers what an encoder made of a layer. The blob has to be in the store already.
   *
   * @param chunkRecords of all its chunks in order, see `chunk_record.ts`; absent where it has none.
   */
  setEncoded(diffId: DiffID, encoder: string, blob: EncodedLayer, chunkRecords?: Uint8Array): void {
    this.#database.run(
      "INSERT OR REPLACE INTO encoded (diff_id, encoder, digest, size, chunks) VALUES (?, ?, ?, ?, ?)",
      diffId,
      encoder,
      blob.digest,
      blob.size,
      chunkRecords ?? null,
    );
  }

  #pathOf(digest: Digest): string | undefined {
    return this.#blobs.path(digest);
  }
}

/** Undefined for what cannot be the chunk lengths of a tar of that size. */
function parseLengths(text: string, sizeBytes: number): number[] | undefined {
  try {
    const lengths: unknown = JSON.parse(text);
    if (!Array.isArray(lengths) || !lengths.every(Number.isSafeInteger)) return undefined;
    return lengths.reduce((sum, length) => sum + length, 0) === sizeBytes ? lengths : undefined;
  } catch {
    return undefined;
  }
}
