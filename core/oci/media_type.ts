/**
 * Media types of the OCI image specification and of Docker's schema 2, which says the same in other words.
 *
 * @see OCI image-spec v1.1, media-types.md
 * @module
 */

export const OCI_IMAGE_INDEX = "application/vnd.oci.image.index.v1+json";
export const OCI_IMAGE_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const OCI_IMAGE_CONFIG = "application/vnd.oci.image.config.v1+json";
export const OCI_LAYER = "application/vnd.oci.image.layer.v1.tar";
export const OCI_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip";
export const OCI_LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd";
export const OCI_EMPTY = "application/vnd.oci.empty.v1+json";

export const DOCKER_MANIFEST_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
export const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
export const DOCKER_IMAGE_CONFIG = "application/vnd.docker.container.image.v1+json";
export const DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar";
export const DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/** How the bytes of a layer blob are packed. */
export type LayerCompression = "none" | "gzip" | "zstd";

const LAYERS: ReadonlyMap<string, LayerCompression> = new Map([
  [OCI_LAYER, "none"],
  [OCI_LAYER_GZIP, "gzip"],
  [OCI_LAYER_ZSTD, "zstd"],
  // Deprecated by image-spec v1.1, still found in Windows base images.
  ["application/vnd.oci.image.layer.nondistributable.v1.tar", "none"],
  ["application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", "gzip"],
  ["application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", "zstd"],
  [DOCKER_LAYER, "none"],
  [DOCKER_LAYER_GZIP, "gzip"],
  // Not in any specification, but written by tools that convert between the two families.
  ["application/vnd.docker.image.rootfs.diff.tar.zstd", "zstd"],
  ["application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "gzip"],
]);

/** Whether a blob of this type is one image's manifest, of either family. */
export function isManifestMediaType(mediaType: string): boolean {
  return mediaType === OCI_IMAGE_MANIFEST || mediaType === DOCKER_MANIFEST;
}

/** Whether a blob of this type is an image index (Docker: a manifest list). */
export function isIndexMediaType(mediaType: string): boolean {
  return mediaType === OCI_IMAGE_INDEX || mediaType === DOCKER_MANIFEST_LIST;
}

/** Whether a blob of this type is the config of a runnable image, and not of some other artifact. */
export function isImageConfigMediaType(mediaType: string): boolean {
  return mediaType === OCI_IMAGE_CONFIG || mediaType === DOCKER_IMAGE_CONFIG;
}

/** Whether a blob of this type is a changeset of files. */
export function isLayerMediaType(mediaType: string): boolean {
  return LAYERS.has(mediaType);
}

/** How a layer of this type is packed; undefined for what is no layer. */
export function layerCompression(mediaType: string): LayerCompression | undefined {
  return LAYERS.get(mediaType);
}

/** Whether a layer of this type may be missing from a registry, to be fetched from its `urls`. */
export function isForeignLayerMediaType(mediaType: string): boolean {
  return LAYERS.has(mediaType) &&
    (mediaType.includes(".nondistributable.") || mediaType.includes(".foreign."));
}
