/**
 * Manifests of the store, and the manifests they became when their layers were compressed to leave.
 *
 * @module
 */
import type { BlobDigest, Digest } from "../oci/digest.ts";
import type { StoredBlob } from "./blob_store.ts";
import type { Database } from "./database.ts";
import type { FsBlobStore } from "./fs_blob_store.ts";

/** The manifest of an image as it leaves. */
export interface EncodedManifest extends StoredBlob {
  readonly digest: BlobDigest;
}

/** What images became, by the name of the encoder: so that they are the same when they leave again. */
export class EncodedImageStore {
  readonly #database: Database;
  readonly #blobs: FsBlobStore;

  constructor(database: Database, blobs: FsBlobStore) {
    this.#database = database;
    this.#blobs = blobs;
  }

  /** The manifest that an image of the store became, if it is still here; its layers may be gone. */
  get(manifest: Digest, encoder: string): EncodedManifest | undefined {
    const row = this.#database.get(
      "SELECT digest, size FROM encoded_images WHERE manifest = ? AND encoder = ?",
      manifest,
      encoder,
    );
    if (row === undefined) return undefined;
    const digest = String(row.digest) as BlobDigest;
    return this.#blobs.path(digest) === undefined ? undefined : { digest, size: Number(row.size) };
  }

  /** Remembers what an image became. Both manifests have to be in the store already. */
  set(manifest: Digest, encoder: string, encoded: EncodedManifest): void {
    this.#database.run(
      "INSERT OR REPLACE INTO encoded_images (manifest, encoder, digest, size) VALUES (?, ?, ?, ?)",
      manifest,
      encoder,
      encoded.digest,
      encoded.size,
    );
  }
}
