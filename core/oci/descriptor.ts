/**
 * The descriptor: how every document of an image points at content.
 *
 * @see OCI image-spec v1.1, descriptor.md
 * @module
 */
import * as v from "valibot";
import type { Digest } from "./digest.ts";
import type { KeyOrder } from "./json.ts";
import type { Platform } from "./platform.ts";
import {
  byteCount,
  digest,
  mediaType,
  optional,
  parseDocument,
  record,
  type SchemaOf,
  stringMap,
} from "./schema.ts";

/** Type, name and size of some content. Unknown keys of a parsed one are kept. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes of the content. */
  readonly size: number;
  readonly urls?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  /** The content itself, in base64, where it is small enough to travel along. */
  readonly data?: string;
  readonly platform?: Platform;
  readonly artifactType?: string;
}

/** A platform inside a descriptor; names are kept as written. */
const platformSchema: SchemaOf<Platform> = record<Platform>({
  os: v.string(),
  architecture: v.string(),
  variant: optional(v.string()),
  "os.version": optional(v.string()),
  "os.features": optional(v.array(v.string())),
});

/** The schema other documents build on. */
export const descriptorSchema: SchemaOf<Descriptor> = record<Descriptor>({
  mediaType,
  digest,
  size: byteCount,
  urls: optional(v.array(v.string())),
  annotations: optional(stringMap),
  data: optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9+/]*={0,2}$/, "not base64"))),
  platform: optional(platformSchema),
  artifactType: optional(mediaType),
});

/** The order of keys in descriptors. */
export const DESCRIPTOR_KEYS: KeyOrder = {
  first: ["mediaType", "digest", "size", "urls", "annotations", "data", "platform", "artifactType"],
  inside: { platform: { first: ["architecture", "os", "os.version", "os.features", "variant"] } },
};

/**
 * Parses a descriptor that stands alone, as in a lock file or a database.
 *
 * @throws {LayerwrightError} `MANIFEST_INVALID` with one detail line for each thing that is wrong.
 */
export function parseDescriptor(bytes: Uint8Array): Descriptor {
  return parseDocument(bytes, descriptorSchema, {
    name: "descriptor",
    code: "MANIFEST_INVALID",
    limitBytes: 4 * 1024 * 1024,
  });
}
