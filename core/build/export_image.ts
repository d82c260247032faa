/**
 * Hands a finished image to the exporters, each in the form it takes, after a last look at its blobs.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import { intactPath } from "../execute/compress_layers.ts";
import { CorruptBlobError } from "../execute/corrupt_blob.ts";
import { encodeStoredImage } from "../execute/encode_image.ts";
import type { StoredImage } from "../execute/stored_image.ts";
import { encoderNameOf } from "../layer/compression.ts";
import { loadEncoder } from "../layer/encoders.ts";
import { digestAlgorithm } from "../oci/digest.ts";
import { OCI_LAYER } from "../oci/media_type.ts";
import { hashFile } from "../store/durability.ts";
import type { ExportableImage, ExportableLayer, Exporter } from "../transfer/exporter.ts";
import type { OutputSpec } from "./build_options.ts";
import type { BuildRun } from "./build_run.ts";

/** BuildKit's names of what decides how layers are compressed. */
const COMPRESSION_ATTRIBUTES = ["compression", "compression-level"];

/**
 * The encoder of an output; undefined for one that takes layers as they are.
 *
 * @param fallback the encoder of the build.
 * @throws {LayerwrightError} `OPTION_INVALID` for a compression that does not exist.
 */
export function outputEncoder(
  { layers = "compressed" }: Exporter,
  { type, attributes = {} }: OutputSpec,
  fallback: string,
): string | undefined {
  if (layers === "uncompressed") return undefined;
  const { compression, "compression-level": level } = attributes;
  if (compression === undefined && level === undefined) return fallback;
  try {
    return encoderNameOf(`${compression ?? "gzip"}${level === undefined ? "" : `:${level}`}`);
  } catch (cause) {
    if (!(cause instanceof LayerwrightError)) throw cause;
    const given = [
      ...compression === undefined ? [] : [`compression=${compression}`],
      ...level === undefined ? [] : [`compression-level=${level}`],
    ];
    throw new LayerwrightError(
      cause.code,
      `Cannot export as type=${type},${given.join(",")}: there is no such compression`,
      { details: cause.details, hint: cause.hint, cause },
    );
  }
}

/** One output of a build. */
export interface ExportOrder {
  readonly image: StoredImage;
  readonly output: OutputSpec;
  readonly exporter: Exporter;
  readonly tags: readonly string[];
  /** As from {@link outputEncoder}. */
  readonly encoder: string | undefined;
}

/**
 * Writes one output. What leaves the store is read once more: a damaged blob must not spread.
 *
 * @returns The image that left; undefined when its files left without it.
 */
export async function exportImage(
  run: BuildRun,
  { image, output, exporter, tags, encoder }: ExportOrder,
): Promise<StoredImage | undefined> {
  const { bench } = run;
  const encoded = encoder === undefined
    ? undefined
    : await encodeStoredImage(bench, image, await loadEncoder(encoder));
  const layers = encoded === undefined
    ? image.layers.map((layer) => tarOf(run, layer))
    : encoded.layers.map((layer) => blobOf(run, layer));
  for (const { descriptor, blobPath } of layers) {
    const found = hashFile(blobPath, digestAlgorithm(descriptor.digest));
    if (found !== descriptor.digest) throw new CorruptBlobError(descriptor.digest, found);
  }
  const { manifest, manifestBytes, configBytes, config } = encoded ?? image;
  const exportable: ExportableImage = {
    manifest,
    manifestBytes,
    configBytes,
    config,
    layers,
    tags,
  };
  const attributes = Object.entries(output.attributes ?? {}).filter(([name]) =>
    encoder === undefined || !COMPRESSION_ATTRIBUTES.includes(name)
  );
  await exporter.export(exportable, {
    dest: output.dest,
    attributes: Object.fromEntries(attributes),
    epochSeconds: bench.epochSeconds,
    signal: bench.signal,
    note: (text) => run.report({ type: "warning", text }),
    ...(output.write === undefined ? {} : { write: output.write }),
  });
  return encoded;
}

/** A layer as its tar, however it came. */
function tarOf(run: BuildRun, { diffId }: StoredImage["layers"][number]): ExportableLayer {
  const tarPath = run.bench.space.pathOf(diffId);
  const size = run.bench.store.layers.get(diffId)?.sizeBytes ?? 0;
  const descriptor = { mediaType: OCI_LAYER, digest: diffId, size };
  return { descriptor, diffId, tarPath, blobPath: tarPath };
}

/** A layer as the blob that the manifest names. */
function blobOf(
  run: BuildRun,
  { diffId, descriptor }: StoredImage["layers"][number],
): ExportableLayer {
  const blobPath = intactPath(run.bench.store, descriptor);
  if (blobPath === undefined) {
    throw new LayerwrightError(
      "BLOB_MISSING",
      `Cannot export the image: its layer ${descriptor.digest} is not in the store`,
      { hint: "build again" },
    );
  }
  return { descriptor, diffId, tarPath: run.bench.space.pathOf(diffId), blobPath };
}
