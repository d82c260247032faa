/**
 * An image of the store becomes the image that leaves: the layers that are plain tars in its manifest are compressed,
 * and the manifest names the blobs instead. Done once for each encoder, and remembered.
 *
 * @module
 */
import type { LayerEncoder } from "../layer/compress.ts";
import { ENCODER_ANNOTATION, PLAIN_ENCODER } from "../layer/compression.ts";
import { loadEncoder } from "../layer/encoders.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { BlobDigest } from "../oci/digest.ts";
import { serializeManifest } from "../oci/manifest.ts";
import { OCI_IMAGE_MANIFEST } from "../oci/media_type.ts";
import type { Store } from "../store/store.ts";
import {
  type CompressionSite,
  compressLayers,
  knownBlob,
  type PlainLayer,
} from "./compress_layers.ts";
import { storeLayers } from "./layer_space.ts";
import { describe, isPlain, readStoredImage, type StoredImage } from "./stored_image.ts";
import { describeTar } from "./tar_chunks.ts";

/** What {@link encodeImage} can be told. */
export interface EncodeImageOptions {
  /** The name of the encoder; unless given, what the descriptor's {@link ENCODER_ANNOTATION} says. */
  readonly encoder?: string;
  /** Ends the work; what is done of a large layer is taken over by whoever tries again. */
  readonly signal?: AbortSignal;
  /** Told of every layer that was compressed anew. */
  readonly onCompressed?: (layer: PlainLayer, blob: Descriptor) => void;
}

/**
 * Makes the image that leaves the store, and keeps it in the store: for a push, an archive, a registry, or because its
 * digest is asked for. Quick when it was made before. Needs nothing but the store, which any process may have open.
 *
 * @param manifest of one image, as a tag names it.
 * @returns The image with the manifest that leaves; the same image when there is nothing to compress.
 * @throws {LayerwrightError} as `compressLayers` and `readStoredImage` do; `OPTION_INVALID` for an encoder that does not exist.
 */
export async function encodeImage(
  store: Store,
  manifest: Descriptor,
  options: EncodeImageOptions = {},
): Promise<StoredImage> {
  const { signal = new AbortController().signal, onCompressed } = options;
  const encoder = await loadEncoder(
    options.encoder ?? manifest.annotations?.[ENCODER_ANNOTATION] ?? PLAIN_ENCODER,
  );
  // Before it is looked at: what is found then cannot be collected any more.
  using _lease = store.leases.acquire([manifest.digest]);
  const image = await readStoredImage(store, manifest);
  for (const layer of image.layers) if (isPlain(layer)) describeTar(store, layer.diffId);
  return await encodeStoredImage(
    {
      store,
      space: storeLayers(store),
      signal,
      planning: false,
      ...(onCompressed === undefined ? {} : { onCompressed }),
    },
    image,
    encoder,
  );
}

/** {@link encodeImage} for an image that is at hand, and whose blobs are leased. A plan stores nothing. */
export async function encodeStoredImage(
  site: CompressionSite,
  image: StoredImage,
  encoder: LayerEncoder,
): Promise<StoredImage> {
  const plain = plainLayers(image);
  if (encoder.name === PLAIN_ENCODER || plain.length === 0) return image;
  const encoded = withBlobs(image, await compressLayers(site, plain, encoder));
  if (site.planning) return encoded;
  const { digest, size } = encoded.manifest;
  if (site.store.encodedImages.get(image.manifest.digest, encoder.name)?.digest !== digest) {
    await site.store.blobs.put([encoded.manifestBytes]);
    site.store.encodedImages.set(image.manifest.digest, encoder.name, {
      digest: digest as BlobDigest,
      size,
    });
  }
  return encoded;
}

/** The image that leaves, if all of its layers were compressed before; nothing is stored. */
export function knownEncodedImage(
  store: Store,
  image: StoredImage,
  encoder: LayerEncoder,
): StoredImage | undefined {
  if (encoder.name === PLAIN_ENCODER) return image;
  const blobs = plainLayers(image).map(({ diffId }) => knownBlob(store, diffId, encoder));
  return blobs.includes(undefined)
    ? undefined
    : withBlobs(image, blobs.filter((blob) => blob !== undefined));
}

function plainLayers({ layers }: StoredImage): PlainLayer[] {
  return layers.filter(isPlain).map(({ diffId, descriptor }) => ({
    diffId,
    sizeBytes: descriptor.size,
  }));
}

/** The same image with a blob for each plain layer. */
function withBlobs(image: StoredImage, blobs: readonly Descriptor[]): StoredImage {
  if (blobs.length === 0) return image;
  const next = blobs.values();
  const layers = image.layers.map((layer) => {
    const blob = isPlain(layer) ? next.next().value : undefined;
    return blob === undefined ? layer : { ...layer, descriptor: { ...layer.descriptor, ...blob } };
  });
  const document = { ...image.document, layers: layers.map(({ descriptor }) => descriptor) };
  const manifestBytes = serializeManifest(document);
  return {
    ...image,
    manifest: describe(image.document.mediaType ?? OCI_IMAGE_MANIFEST, manifestBytes),
    manifestBytes,
    document,
    layers,
  };
}
