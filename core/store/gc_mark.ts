/**
 * Finds all that a store has to keep, from its roots: tags, leases, cache records.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { type DiffID, type Digest, isDigest } from "../oci/digest.ts";
import { parseImageConfig } from "../oci/image_config.ts";
import { parseImageIndex } from "../oci/image_index.ts";
import { MANIFEST_LIMIT_BYTES, parseManifest } from "../oci/manifest.ts";
import {
  isImageConfigMediaType,
  isIndexMediaType,
  isManifestMediaType,
} from "../oci/media_type.ts";
import type { Store } from "./store.ts";

const CONFIG_LIMIT_BYTES = 8 * 1024 * 1024;

/** The blobs that are needed, each with the first reason found. Blobs that are not here count as well. */
export class Marks {
  readonly #store: Store;
  readonly #reasons = new Map<Digest, string>();
  /** Documents whose content was followed, which an opaque mark does not do. */
  readonly #followed = new Set<Digest>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Why a blob is needed; undefined when it is not. */
  reason(digest: Digest): string | undefined {
    return this.#reasons.get(digest);
  }

  /** Marks a blob alone, whatever it names. */
  blob(digest: Digest, why: string): void {
    if (!this.#reasons.has(digest)) this.#reasons.set(digest, why);
  }

  /** Marks an uncompressed layer, and the blobs it was compressed to. */
  layer(diffId: DiffID, why: string): void {
    this.blob(diffId, why);
    const encoded = this.#store.database.all(
      "SELECT digest FROM encoded WHERE diff_id = ?",
      diffId,
    );
    for (const { digest } of encoded) this.blob(String(digest) as Digest, why);
  }

  /**
   * Marks a blob and all that it names.
   *
   * @throws {LayerwrightError} `STORE_CORRUPT` for a manifest that is here but cannot be read: what it
   * names cannot be known, and must not be removed on a guess.
   */
  document(descriptor: Descriptor, why: string): void {
    const { digest, mediaType } = descriptor;
    this.blob(digest, why);
    if (this.#followed.has(digest)) return;
    if (isManifestMediaType(mediaType)) this.#manifest(digest, why);
    else if (isIndexMediaType(mediaType)) this.#index(digest, why);
  }

  /** Marks something known by its digest alone: a blob, a layer, or a document that may name others. */
  anything(digest: Digest, why: string): void {
    this.layer(digest as DiffID, why);
    this.#content(digest, why);
  }

  /** As {@link anything}, without the blobs that a layer was compressed to: they can be made again. */
  result(digest: Digest, why: string): void {
    this.blob(digest, why);
    this.#content(digest, why);
  }

  #content(digest: Digest, why: string): void {
    if (this.#followed.has(digest) || !this.#startsLikeJson(digest)) return;
    try {
      this.#manifest(digest, why);
    } catch (error) {
      if (!(error instanceof LayerwrightError)) throw error;
      try {
        this.#index(digest, why);
      } catch (second) {
        // Neither: then it names nothing.
        if (!(second instanceof LayerwrightError)) throw second;
      }
    }
  }

  #manifest(digest: Digest, why: string): void {
    const manifest = this.#read(digest, MANIFEST_LIMIT_BYTES, parseManifest);
    if (manifest === undefined) return;
    this.#followed.add(digest);
    // Its layers are those of this manifest, and what they were compressed to.
    for (
      const row of this.#store.database.all(
        "SELECT digest FROM encoded_images WHERE manifest = ?",
        digest,
      )
    ) this.blob(String(row.digest) as Digest, `as it left: ${why}`);
    this.blob(manifest.config.digest, `config of ${why}`);
    for (const layer of manifest.layers) this.blob(layer.digest, `layer of ${why}`);
    if (manifest.subject !== undefined) this.document(manifest.subject, `subject of ${why}`);
    if (!isImageConfigMediaType(manifest.config.mediaType)) return;
    const config = this.#read(manifest.config.digest, CONFIG_LIMIT_BYTES, parseImageConfig);
    for (const diffId of config?.rootfs.diff_ids ?? []) {
      this.layer(diffId, `uncompressed layer of ${why}`);
    }
  }

  #index(digest: Digest, why: string): void {
    const index = this.#read(digest, MANIFEST_LIMIT_BYTES, parseImageIndex);
    if (index === undefined) return;
    this.#followed.add(digest);
    for (const child of index.manifests) this.document(child, `image in ${why}`);
    if (index.subject !== undefined) this.document(index.subject, `subject of ${why}`);
  }

  #read<T>(digest: Digest, limitBytes: number, parse: (bytes: Uint8Array) => T): T | undefined {
    // Not here: the base of an image whose files nobody needed yet.
    if (this.#store.blobs.path(digest) === undefined) return undefined;
    try {
      return parse(this.#store.blobs.readBytesSync(digest, limitBytes));
    } catch (cause) {
      if (!(cause instanceof LayerwrightError)) throw cause;
      throw new LayerwrightError(
        "STORE_CORRUPT",
        `Cannot collect garbage: ${
          this.#reasons.get(digest) ?? "a document"
        } cannot be read: ${cause.message}`,
        { hint: "remove what names it, or pull or build it again", details: cause.details, cause },
      );
    }
  }

  #startsLikeJson(digest: Digest): boolean {
    const head = this.#store.blobs.headSync(digest, 1);
    return head !== undefined && head[0] === 0x7b;
  }
}

/** Every digest that stands as a string in a JSON text. */
export function digestsIn(json: string): Digest[] {
  return (json.match(/"sha(?:256|512):[0-9a-f]+"/g) ?? []).map((text) => text.slice(1, -1)).filter(
    isDigest,
  );
}
