/**
 * An image of the store, read.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { type DiffID, type ImageID, sha256 } from "../oci/digest.ts";
import { type ImageConfig, parseImageConfig } from "../oci/image_config.ts";
import { type Manifest, MANIFEST_LIMIT_BYTES, parseManifest } from "../oci/manifest.ts";
import { isManifestMediaType, OCI_LAYER } from "../oci/media_type.ts";
import type { Store } from "../store/store.ts";

/** One layer of a {@link StoredImage}. */
export interface StoredImageLayer {
  readonly diffId: DiffID;
  /** As in the manifest. */
  readonly descriptor: Descriptor;
}

/** One image of one platform: its documents, and what they say. */
export interface StoredImage {
  /** Names `manifestBytes`. */
  readonly manifest: Descriptor;
  readonly manifestBytes: Uint8Array;
  /** `manifestBytes`, parsed. */
  readonly document: Manifest;
  /** The digest of `configBytes`. */
  readonly imageId: ImageID;
  readonly configBytes: Uint8Array;
  /** `configBytes`, parsed. */
  readonly config: ImageConfig;
  /** Base layer first. */
  readonly layers: readonly StoredImageLayer[];
}

const CONFIG_LIMIT_BYTES = 8 * 1024 * 1024;

/**
 * Reads an image of the store.
 *
 * @param manifest of one image, not of an index.
 * @throws {LayerwrightError} `MANIFEST_INVALID`, `IMAGE_CONFIG_INVALID`, `BLOB_MISSING`, `STORE_CORRUPT`.
 */
export async function readStoredImage(store: Store, manifest: Descriptor): Promise<StoredImage> {
  if (!isManifestMediaType(manifest.mediaType)) {
    throw new LayerwrightError(
      "MANIFEST_INVALID",
      `Cannot read ${manifest.digest} as an image: it is ${manifest.mediaType}`,
      { hint: "choose one of the images that it lists" },
    );
  }
  const manifestBytes = await store.blobs.readBytes(manifest.digest, MANIFEST_LIMIT_BYTES);
  const document = parseManifest(manifestBytes);
  const configBytes = await store.blobs.readBytes(document.config.digest, CONFIG_LIMIT_BYTES);
  const config = parseImageConfig(configBytes);
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== document.layers.length) {
    throw new LayerwrightError(
      "MANIFEST_INVALID",
      `Cannot read image ${manifest.digest}: its manifest has ${document.layers.length} layers, its config ${diffIds.length}`,
    );
  }
  return {
    manifest,
    manifestBytes,
    document,
    imageId: document.config.digest as string as ImageID,
    configBytes,
    config,
    layers: document.layers.flatMap((descriptor, index) => {
      const diffId = diffIds[index];
      return diffId === undefined ? [] : [{ diffId, descriptor }];
    }),
  };
}

/** Whether a layer is in the manifest as the tar itself, so that an encoder may make a blob of it. */
export function isPlain({ diffId, descriptor }: StoredImageLayer): boolean {
  return descriptor.mediaType === OCI_LAYER && descriptor.digest as string === diffId;
}

/** The descriptor of a document. */
export function describe(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: sha256(bytes), size: bytes.length };
}
