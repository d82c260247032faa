/**
 * The manifest of one image (or other artifact): its config and its layers.
 *
 * @see OCI image-spec v1.1, manifest.md; Docker "image manifest v2, schema 2"
 * @module
 */
import * as v from "valibot";
import { type Descriptor, DESCRIPTOR_KEYS, descriptorSchema } from "./descriptor.ts";
import { goJson, type KeyOrder } from "./json.ts";
import { isManifestMediaType } from "./media_type.ts";
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

/** An image manifest of either family. Unknown keys of a parsed one are kept. */
export interface Manifest {
  readonly schemaVersion: 2;
  /** Absent in some tools' OCI manifests. */
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly config: Descriptor;
  /** Base layer first. */
  readonly layers: readonly Descriptor[];
  /** The manifest this one refers to: this one is its referrer. */
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

const manifestSchema: SchemaOf<Manifest> = v.pipe(
  record<Manifest & { readonly manifests?: unknown }>({
    schemaVersion,
    mediaType: optional(mediaType),
    artifactType: optional(mediaType),
    config: descriptorSchema,
    layers: list(descriptorSchema),
    subject: optional(descriptorSchema),
    annotations: optional(stringMap),
  }),
  v.check(
    (manifest) => manifest.mediaType === undefined || isManifestMediaType(manifest.mediaType),
    "mediaType: not that of an image manifest",
  ),
  // One document that is both was read as either by different tools (CVE-2021-41190).
  v.check(
    (manifest) => manifest.manifests === undefined,
    'both an image manifest and an index ("manifests")',
  ),
);

const MANIFEST_KEYS: KeyOrder = {
  first: [
    "schemaVersion",
    "mediaType",
    "artifactType",
    "config",
    "layers",
    "subject",
    "annotations",
  ],
  inside: { config: DESCRIPTOR_KEYS, layers: DESCRIPTOR_KEYS, subject: DESCRIPTOR_KEYS },
};

/** Larger manifests are refused, as registries do. */
export const MANIFEST_LIMIT_BYTES: number = 4 * 1024 * 1024;

/**
 * Parses an image manifest of either family.
 *
 * @throws {LayerwrightError} `MANIFEST_INVALID` with one detail line for each thing that is wrong.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseManifest } from "./manifest.ts";
 * assert.throws(() => parseManifest(new TextEncoder().encode('{"schemaVersion":1}')), { code: "MANIFEST_INVALID" });
 * ```
 */
export function parseManifest(bytes: Uint8Array): Manifest {
  return parseDocument(bytes, manifestSchema, {
    name: "image manifest",
    code: "MANIFEST_INVALID",
    limitBytes: MANIFEST_LIMIT_BYTES,
  });
}

/** Prints a manifest: keys in the order of Go's structs, no white space, the same bytes on every machine. */
export function serializeManifest(manifest: Manifest): Uint8Array {
  return new TextEncoder().encode(goJson(manifest, MANIFEST_KEYS));
}
