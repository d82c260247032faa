/**
 * The image index: one image for several platforms, or a list of what a layout holds.
 *
 * @see OCI image-spec v1.1, image-index.md; Docker "manifest list"
 * @module
 */
import * as v from "valibot";
import { type Descriptor, DESCRIPTOR_KEYS, descriptorSchema } from "./descriptor.ts";
import { goJson, type KeyOrder } from "./json.ts";
import { MANIFEST_LIMIT_BYTES } from "./manifest.ts";
import { isIndexMediaType } from "./media_type.ts";
import {
  list,
  mediaType,
  optional,
  parseDocument,
  record,
  type SchemaOf,
  schemaVersion,
  stringMap,
} from "./schema.ts";

/** An image index of either family. Unknown keys of a parsed one are kept. */
export interface ImageIndex {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly artifactType?: string;
  /** Image manifests, or further indexes. */
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

const indexSchema: SchemaOf<ImageIndex> = v.pipe(
  record<ImageIndex & { readonly layers?: unknown; readonly config?: unknown }>({
    schemaVersion,
    mediaType: optional(mediaType),
    artifactType: optional(mediaType),
    manifests: list(descriptorSchema),
    subject: optional(descriptorSchema),
    annotations: optional(stringMap),
  }),
  v.check(
    (index) => index.mediaType === undefined || isIndexMediaType(index.mediaType),
    "mediaType: not that of an image index",
  ),
  // One document that is both was read as either by different tools (CVE-2021-41190).
  v.check(
    (index) => index.layers === undefined && index.config === undefined,
    'both an index and an image manifest ("layers" or "config")',
  ),
);

const INDEX_KEYS: KeyOrder = {
  first: ["schemaVersion", "mediaType", "artifactType", "manifests", "subject", "annotations"],
  inside: { manifests: DESCRIPTOR_KEYS, subject: DESCRIPTOR_KEYS },
};

/**
 * Parses an image index of either family.
 *
 * @throws {LayerwrightError} `IMAGE_INDEX_INVALID` with one detail line for each thing that is wrong.
 */
export function parseImageIndex(bytes: Uint8Array): ImageIndex {
  return parseDocument(bytes, indexSchema, {
    name: "image index",
    code: "IMAGE_INDEX_INVALID",
    limitBytes: MANIFEST_LIMIT_BYTES,
  });
}

/** Prints an index: keys in the order of Go's structs, no white space, the same bytes on every machine. */
export function serializeImageIndex(index: ImageIndex): Uint8Array {
  return new TextEncoder().encode(goJson(index, INDEX_KEYS));
}
