/**
 * The two small files that make a folder of blobs an OCI image layout.
 *
 * @see OCI image-spec v1.1, image-layout.md
 * @module
 */
import * as v from "valibot";
import type { Descriptor } from "./descriptor.ts";
import { type Digest, digestAlgorithm, digestHex } from "./digest.ts";
import { serializeImageIndex } from "./image_index.ts";
import { OCI_IMAGE_INDEX } from "./media_type.ts";
import { parseDocument, record } from "./schema.ts";

/** The file that says that a folder is a layout. */
export const LAYOUT_FILE = "oci-layout";
/** The file that lists what a layout holds. */
export const INDEX_FILE = "index.json";
/** The annotation that names an entry of a layout: what stands after the colon in `oci:folder:name`. */
export const REF_NAME_ANNOTATION = "org.opencontainers.image.ref.name";

/** The content of {@link LAYOUT_FILE}. */
export const LAYOUT_BYTES: Uint8Array = new TextEncoder().encode('{"imageLayoutVersion":"1.0.0"}');

/** Where a blob is inside a layout, with `/`. */
export function blobPath(digest: Digest): string {
  return `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;
}

/**
 * Checks the content of {@link LAYOUT_FILE}.
 *
 * @throws {LayerwrightError} `LAYOUT_INVALID` for another version, or no version.
 */
export function checkLayout(bytes: Uint8Array): void {
  parseDocument(
    bytes,
    record({ imageLayoutVersion: v.pipe(v.string(), v.regex(/^1\.\d+\.\d+$/, "not version 1")) }),
    { name: "OCI layout file", code: "LAYOUT_INVALID", limitBytes: 64 * 1024 },
  );
}

/** Prints the index of a layout that holds these manifests; `parseImageIndex` reads it back. */
export function serializeLayoutIndex(manifests: readonly Descriptor[]): Uint8Array {
  return serializeImageIndex({ schemaVersion: 2, mediaType: OCI_IMAGE_INDEX, manifests });
}
