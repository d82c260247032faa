/**
 * Hands a finished image to the exporters, after a last look at its blobs.
 *
 * @module
 */
import type { OutputSpec } from "./build_options.ts";
import type { BuildRun } from "./build_run.ts";
import { CorruptBlobError } from "./execute/corrupt_blob.ts";
import type { VertexDigest } from "./graph/vertex.ts";
import { digestAlgorithm, sha256 } from "./oci/digest.ts";
import { hashFile } from "./store/durability.ts";
import type { ExportableImage, Exporter } from "./transfer/exporter.ts";

/** The step of the engine's own that progress shows last. */
export const EXPORT_VERTEX: VertexDigest = sha256<VertexDigest>("exporting to image");

/** Writes one output. What leaves the store is read once more: a damaged blob must not spread. */
export async function exportImage(
  run: BuildRun,
  image: ExportableImage,
  output: OutputSpec,
  exporters: ReadonlyMap<string, Exporter>,
): Promise<void> {
  const { bench } = run;
  for (const { descriptor, blobPath } of image.layers) {
    const found = hashFile(blobPath, digestAlgorithm(descriptor.digest));
    if (found !== descriptor.digest) throw new CorruptBlobError(descriptor.digest, found);
  }
  await exporters.get(output.type)?.export(image, {
    dest: output.dest,
    attributes: output.attributes ?? {},
    epochSeconds: bench.epochSeconds,
    signal: bench.signal,
    note: (text) => run.report({ type: "warning", text }),
    ...(output.write === undefined ? {} : { write: output.write }),
  });
}
