/**
 * Base images: those of the store by their reference, and those of an OCI layout by its folder.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { LayerwrightError } from "../errors.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { type Digest, digestAlgorithm, digestHex } from "../oci/digest.ts";
import { parseImageIndex } from "../oci/image_index.ts";
import { MANIFEST_LIMIT_BYTES, parseManifest } from "../oci/manifest.ts";
import { OCI_IMAGE_INDEX, OCI_IMAGE_MANIFEST } from "../oci/media_type.ts";
import { formatReference, parseReference } from "../oci/reference.ts";
import type { Store } from "../store/store.ts";
import { type BlobFiles, choosePlatform, loadImage, sizeOf } from "./load_image.ts";
import type { ResolvedImage, Source } from "./source.ts";
import { splitIdentifier } from "./source.ts";

/**
 * `docker-image://REFERENCE`: an image that was built or loaded under this name. With a digest, that is what counts, and
 * the name in front of it is for people, as in every registry client.
 */
export const storeImageSource: Source = {
  scheme: "docker-image",
  async resolve(op, context): Promise<ResolvedImage> {
    const parsed = parseReference(splitIdentifier(op.identifier)?.rest ?? "");
    const reference = formatReference(parsed);
    const descriptor = parsed.digest === undefined
      ? context.store.refs.get(reference)
      : storedManifest(context.store, parsed.digest);
    if (descriptor === undefined) {
      throw new LayerwrightError(
        "SOURCE_MISSING",
        `Cannot use base image "${reference}": it is not in the store`,
        {
          hint:
            `build or load it under this name, or name a folder with its OCI layout: "oci-layout://./folder"`,
        },
      );
    }
    const files = {
      name: `image "${reference}"`,
      pathOf: ({ digest }: Descriptor) => context.store.blobs.path(digest),
    };
    if (parsed.digest === undefined) context.observations.addImage(reference, descriptor.digest);
    return { ...await loadImage(files, descriptor, op, context), observed: true };
  },
};

/** The manifest or index of a digest, if the store has it. */
function storedManifest(store: Store, digest: Digest): Descriptor | undefined {
  const path = store.blobs.path(digest);
  const size = sizeOf(path);
  if (path === undefined || size === undefined || size > MANIFEST_LIMIT_BYTES) return undefined;
  const bytes = readFileSync(path);
  const descriptor = { digest, size };
  try {
    parseManifest(bytes);
    return { ...descriptor, mediaType: OCI_IMAGE_MANIFEST };
  } catch {
    // No manifest: an index, or nothing that a name stands for.
  }
  try {
    parseImageIndex(bytes);
    return { ...descriptor, mediaType: OCI_IMAGE_INDEX };
  } catch {
    return undefined;
  }
}

/** `oci-layout://FOLDER` or `oci-layout://FOLDER:TAG`: an image in an OCI image layout on disk. */
export const ociLayoutSource: Source = {
  scheme: "oci-layout",
  async resolve(op, context): Promise<ResolvedImage> {
    const { folder, tag } = splitLayoutPath(splitIdentifier(op.identifier)?.rest ?? "");
    const root = resolve(context.contextDirectory, folder);
    const files: BlobFiles = {
      name: `OCI layout "${root}"`,
      pathOf: ({ digest }) => resolve(root, "blobs", digestAlgorithm(digest), digestHex(digest)),
    };
    let bytes: Uint8Array;
    try {
      bytes = readFileSync(resolve(root, "index.json"));
    } catch (cause) {
      throw new LayerwrightError(
        "SOURCE_MISSING",
        `Cannot use base image "${op.identifier}": no OCI layout in "${root}"`,
        {
          hint:
            'name a folder that has "index.json" and "blobs", as "skopeo copy … oci:FOLDER" writes it',
          cause,
        },
      );
    }
    const { manifests } = parseImageIndex(bytes);
    const named = manifests.filter(({ annotations }) =>
      tag === undefined || annotations?.["org.opencontainers.image.ref.name"] === tag
    );
    const [descriptor] = named;
    if (descriptor === undefined || (named.length > 1 && descriptor.platform === undefined)) {
      const tags = manifests.map(({ annotations }) =>
        annotations?.["org.opencontainers.image.ref.name"] ?? "(no name)"
      );
      throw new LayerwrightError(
        "SOURCE_MISSING",
        `Cannot use base image "${op.identifier}": the layout holds ${named.length} such images`,
        {
          details: [`its images are ${tags.join(", ")}`],
          hint: 'choose one by its name: "oci-layout://FOLDER:NAME"',
        },
      );
    }
    const chosen = named.length > 1 ? choosePlatform(named, op.platform, files.name) : descriptor;
    return await loadImage(files, chosen, op, context);
  },
};

function splitLayoutPath(rest: string): { readonly folder: string; readonly tag?: string } {
  const colon = rest.lastIndexOf(":");
  if (colon <= rest.lastIndexOf("/")) return { folder: rest };
  return { folder: rest.slice(0, colon), tag: rest.slice(colon + 1) };
}
