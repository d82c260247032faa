/**
 * Layers and a config become an image: compressed blobs, a config blob, a manifest.
 *
 * @module
 */
import type { LayerEncoder } from "../layer/compress.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { sha256 } from "../oci/digest.ts";
import { type ImageConfig, serializeImageConfig } from "../oci/image_config.ts";
import { serializeManifest } from "../oci/manifest.ts";
import { OCI_IMAGE_CONFIG, OCI_IMAGE_MANIFEST } from "../oci/media_type.ts";
import type { ExportableImage } from "../transfer/exporter.ts";
import { compressLayers } from "./compress_layers.ts";
import type { ImageResult, LayerRef } from "./vertex_result.ts";
import type { Workbench } from "./workbench.ts";

/**
 * Makes the blobs of an image and, unless this is a plan, stores them: layers first, then the config, then the manifest,
 * so that a blob is never there before those it names.
 *
 * @throws {LayerwrightError} `STORE_CORRUPT` naming a layer whose bytes are no longer those of its digest;
 * `BUILD_CANCELLED`; `COMPRESSION_FAILED` when a thread that compresses ends of itself.
 */
export async function assembleImage(
  bench: Workbench,
  image: ImageResult & { readonly layers: readonly LayerRef[] },
  encoder: LayerEncoder,
  tags: readonly string[],
): Promise<ExportableImage> {
  const layers = await compressLayers(bench, image.layers, encoder);
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
  const manifestBytes = serializeManifest({
    schemaVersion: 2,
    mediaType: OCI_IMAGE_MANIFEST,
    config: describe(OCI_IMAGE_CONFIG, configBytes),
    layers: layers.map(({ descriptor }) => descriptor),
    ...(annotations.size === 0 ? {} : { annotations: Object.fromEntries(annotations) }),
  });
  if (!bench.planning) {
    await bench.store.blobs.put([configBytes]);
    await bench.store.blobs.put([manifestBytes]);
  }
  return {
    manifest: describe(OCI_IMAGE_MANIFEST, manifestBytes),
    manifestBytes,
    configBytes,
    config,
    layers,
    tags,
  };
}

function describe(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: sha256(bytes), size: bytes.length };
}
