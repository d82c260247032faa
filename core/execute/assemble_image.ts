/**
 * Layers and a config become an image of the store: a config blob, and a manifest whose layers are the tars themselves.
 *
 * @module
 */
import { sha256 } from "../oci/digest.ts";
import { type ImageConfig, serializeImageConfig } from "../oci/image_config.ts";
import { serializeManifest } from "../oci/manifest.ts";
import { OCI_IMAGE_CONFIG, OCI_IMAGE_MANIFEST, OCI_LAYER } from "../oci/media_type.ts";
import { describe, type StoredImage } from "./stored_image.ts";
import type { ImageResult, LayerRef } from "./vertex_result.ts";
import type { Workbench } from "./workbench.ts";

/**
 * Makes the documents of an image and, unless this is a plan, stores them: the config, then the manifest, so that a blob
 * is never there before those it names. Nothing is compressed; layers that came compressed, with a base image, stay so.
 */
export async function assembleImage(
  bench: Workbench,
  image: ImageResult & { readonly layers: readonly LayerRef[] },
): Promise<StoredImage> {
  const layers = image.layers.map(({ diffId, sizeBytes, blob }) => ({
    diffId,
    descriptor: blob === undefined
      ? { mediaType: OCI_LAYER, digest: diffId, size: sizeBytes }
      : { mediaType: blob.mediaType, digest: blob.digest, size: blob.size },
  }));
  const created = new Date(bench.epochSeconds * 1000).toISOString().replace(".000Z", "Z");
  const config: ImageConfig = {
    ...image.state.config,
    created,
    rootfs: { type: "layers", diff_ids: image.layers.map(({ diffId }) => diffId) },
    history: image.state.history.map((entry) =>
      entry.created === undefined ? { ...entry, created } : entry
    ),
  };
  const configBytes = serializeImageConfig(config);
  const annotations = image.state.annotations;
  const document = {
    schemaVersion: 2 as const,
    mediaType: OCI_IMAGE_MANIFEST,
    config: describe(OCI_IMAGE_CONFIG, configBytes),
    layers: layers.map(({ descriptor }) => descriptor),
    ...(annotations.size === 0 ? {} : { annotations: Object.fromEntries(annotations) }),
  };
  const manifestBytes = serializeManifest(document);
  if (!bench.planning) {
    await bench.store.blobs.put([configBytes]);
    await bench.store.blobs.put([manifestBytes]);
  }
  return {
    manifest: describe(OCI_IMAGE_MANIFEST, manifestBytes),
    manifestBytes,
    document,
    imageId: sha256(configBytes),
    configBytes,
    config,
    layers,
  };
}
