/**
 * Layers as they leave: compressed once, remembered under the name of the encoder.
 *
 * @module
 */
import { closeSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import type { EncodedLayer, LayerEncoder } from "../layer/compress.ts";
import { CompressionWorkers } from "../layer/compression_workers.ts";
import type { Digest } from "../oci/digest.ts";
import { OCI_LAYER } from "../oci/media_type.ts";
import type { ExportableLayer } from "../transfer/exporter.ts";
import type { LayerRef } from "./vertex_result.ts";
import { CorruptBlobError } from "./corrupt_blob.ts";
import { checkNotCancelled, type Workbench } from "./workbench.ts";

/** Threads take a tenth of a second to start: as long as one thread takes for so many bytes. */
const WORKERS_PAY_FROM_BYTES = 32 * 1024 * 1024;
/** With fewer there is one chunk, or two: nothing to share out. */
const SHARED_FROM_BYTES = 2 * 1024 * 1024;
/** One layer keeps the threads busy; the second does while the first waits for its last chunks. */
const LAYERS_AT_A_TIME = 2;

/**
 * Makes the blobs of layers that have none yet and, unless this is a plan, stores them.
 *
 * @throws {LayerwrightError} as `assembleImage` does.
 */
export async function compressLayers(
  bench: Workbench,
  layers: readonly LayerRef[],
  encoder: LayerEncoder,
): Promise<ExportableLayer[]> {
  const stop = new AbortController();
  const signal = AbortSignal.any([bench.signal, stop.signal]);
  await using workers = new CompressionWorkers({ signal });
  const known = layers.map((layer) => knownBlob(bench, layer, encoder));
  const missingBytes = layers.reduce(
    (sum, { sizeBytes }, index) => known[index] === undefined ? sum + sizeBytes : sum,
    0,
  );
  const share = missingBytes >= WORKERS_PAY_FROM_BYTES;
  let failure: { readonly error: unknown } | undefined;
  const queue = layers.entries();
  const takeLayers = async (): Promise<void> => {
    try {
      for (const [index, layer] of queue) {
        checkNotCancelled(signal);
        const pool = share && layer.sizeBytes >= SHARED_FROM_BYTES ? workers : undefined;
        known[index] ??= await compressLayer({ ...bench, signal }, layer, encoder, pool);
      }
    } catch (error) {
      // The first error is the cause; what the others then end with follows from it.
      failure ??= { error };
      stop.abort(error);
    }
  };
  await Promise.all(Array.from({ length: LAYERS_AT_A_TIME }, takeLayers));
  if (failure !== undefined) throw failure.error;
  return known.filter((layer) => layer !== undefined);
}

/** The blob of a layer, if it was made before and is still there. */
function knownBlob(
  bench: Workbench,
  { diffId, blob }: LayerRef,
  encoder: LayerEncoder,
): ExportableLayer | undefined {
  const tarPath = bench.space.pathOf(diffId);
  if (blob !== undefined) {
    const { mediaType, digest, size } = blob;
    const blobPath = intactPath(bench, digest, size);
    if (blobPath !== undefined) {
      return { descriptor: { mediaType, digest, size }, diffId, tarPath, blobPath };
    }
  }
  const encoded = bench.store.layers.encoded(diffId, encoder.name);
  if (encoded === undefined) return undefined;
  const { digest, size } = encoded;
  const blobPath = intactPath(bench, digest, size);
  if (blobPath === undefined) return undefined;
  return {
    descriptor: { mediaType: mediaTypeOf(encoder), digest, size },
    diffId,
    tarPath,
    blobPath,
  };
}

/** Makes the blob of a layer, unless another process is quicker. */
async function compressLayer(
  bench: Workbench,
  layer: LayerRef,
  encoder: LayerEncoder,
  workers: CompressionWorkers | undefined,
): Promise<ExportableLayer> {
  const { diffId } = layer;
  const make = async (): Promise<ExportableLayer> => {
    const made = knownBlob(bench, layer, encoder);
    if (made !== undefined) return made;
    const tarPath = bench.space.pathOf(diffId);
    const blobPath = bench.store.temp.newPath();
    try {
      const { digest, sizeBytes } = await writeBlob(bench, layer, encoder, workers, blobPath);
      const descriptor = { mediaType: mediaTypeOf(encoder), digest, size: sizeBytes };
      if (bench.planning) {
        rmSync(blobPath, { force: true });
        return { descriptor, diffId, tarPath, blobPath };
      }
      await bench.store.blobs.putFile(blobPath, digest);
      bench.store.layers.setEncoded(diffId, encoder.name, { digest, size: sizeBytes });
      return { descriptor, diffId, tarPath, blobPath: bench.store.blobs.path(digest) ?? blobPath };
    } catch (error) {
      rmSync(blobPath, { force: true });
      throw error;
    }
  };
  return bench.planning
    ? await make()
    : await bench.store.withLock(`${diffId} ${encoder.name}`, bench.signal, make);
}

async function writeBlob(
  bench: Workbench,
  { diffId }: LayerRef,
  encoder: LayerEncoder,
  workers: CompressionWorkers | undefined,
  blobPath: string,
): Promise<EncodedLayer> {
  const tar = {
    path: bench.space.pathOf(diffId),
    chunkLengths: bench.space.chunkLengthsOf(diffId),
  };
  const fd = openSync(blobPath, "wx", 0o600);
  try {
    const sink = (bytes: Uint8Array): void => {
      for (let done = 0; done < bytes.length;) {
        done += writeSync(fd, bytes, done, bytes.length - done);
      }
    };
    const encoded = workers === undefined
      ? encoder.encode(tar, sink)
      : await encoder.encodeWith(workers, tar, sink);
    if (encoded.diffId !== diffId) throw new CorruptBlobError(diffId, encoded.diffId);
    return encoded;
  } finally {
    closeSync(fd);
  }
}

function mediaTypeOf(encoder: LayerEncoder): string {
  return `${OCI_LAYER}${encoder.mediaTypeSuffix}`;
}

/** The file of a blob, if it is there in its whole length. */
function intactPath(bench: Workbench, digest: Digest, size: number): string | undefined {
  const path = bench.store.blobs.path(digest);
  return path !== undefined && statSync(path, { throwIfNoEntry: false })?.size === size
    ? path
    : undefined;
}
