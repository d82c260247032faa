/**
 * What a build answers. Light: what it takes to compress the image is loaded when its digest is asked for.
 *
 * @module
 */
import {
  type Compression,
  DEFAULT_ENCODER,
  ENCODER_ANNOTATION,
  encoderNameOf,
} from "../layer/compression.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { BlobDigest } from "../oci/digest.ts";
import type { BuildResult } from "./build_options.ts";

// Names, not literals: see `engine.ts`.
const STORE: string = "../store/store.ts";
const ENCODE_IMAGE: string = "../execute/encode_image.ts";
const CORRUPT_BLOB: string = "../execute/corrupt_blob.ts";

/** What {@link buildResult} is made of. */
export interface BuildResultParts extends Omit<BuildResult, "digest"> {
  /** The folder of the store. */
  readonly home: string;
  /** The digest of the image as it leaves, if it was made already. */
  readonly digest?: BlobDigest | undefined;
}

/** The encoder that images of a build leave with. @throws {LayerwrightError} `OPTION_INVALID`. */
export function buildEncoder(
  { compression }: { readonly compression?: Compression | undefined },
): string {
  return compression === undefined ? DEFAULT_ENCODER : encoderNameOf(compression);
}

/** What a tag points at: the manifest in the store, and how it leaves. */
export function tagDescriptor(
  manifest: Descriptor,
  options: { readonly compression?: Compression | undefined },
): Descriptor {
  return { ...manifest, annotations: { [ENCODER_ANNOTATION]: buildEncoder(options) } };
}

/** The result of a build, which compresses its image when it is first asked for its digest. */
export function buildResult({ home, digest: known, ...told }: BuildResultParts): BuildResult {
  let asked = known === undefined ? undefined : Promise.resolve(known);
  return {
    ...told,
    digest(): Promise<BlobDigest> {
      asked ??= encodedDigest(home, told).catch((error) => {
        // Whoever asks again may have built again meanwhile.
        asked = undefined;
        throw error;
      });
      return asked;
    },
  };
}

async function encodedDigest(
  home: string,
  { descriptor }: Pick<BuildResult, "descriptor">,
): Promise<BlobDigest> {
  const { openBuildStore }: typeof import("../store/store.ts") = await import(STORE);
  const { encodeImage }: typeof import("../execute/encode_image.ts") = await import(ENCODE_IMAGE);
  const { CorruptBlobError }: typeof import("../execute/corrupt_blob.ts") = await import(
    CORRUPT_BLOB
  );
  using store = openBuildStore({ home });
  try {
    const { manifest } = await encodeImage(store, descriptor, { encoder: DEFAULT_ENCODER });
    store.sync();
    return manifest.digest as BlobDigest;
  } catch (error) {
    // Gone, it is made again by the next build.
    if (error instanceof CorruptBlobError) await store.blobs.delete(error.digest);
    throw error;
  }
}
