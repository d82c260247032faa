/**
 * Layers as they leave: compressed once, remembered under the name of the encoder. What a killed or cancelled process
 * got done of a large one is taken over by the next.
 *
 * @module
 */
import { closeSync, openSync, rmSync, statSync } from "node:fs";
import type {
  ByteSink,
  EarlierAttempt,
  EncodedLayer,
  EncodeOptions,
  LayerEncoder,
} from "../layer/compress.ts";
import { type ChunkSums, sumsOf } from "../layer/chunk_sums.ts";
import { CompressionWorkers } from "../layer/compression_workers.ts";
import { writeFully } from "../layer/full_io.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { DiffID, Digest } from "../oci/digest.ts";
import { OCI_LAYER } from "../oci/media_type.ts";
import { encodeChunkRecords } from "../store/chunk_record.ts";
import type { PartialBlob } from "../store/partial_blob.ts";
import type { Store } from "../store/store.ts";
import { guarded } from "../store/store_error.ts";
import { CorruptBlobError } from "./corrupt_blob.ts";
import { KnownChunks } from "./known_chunks.ts";
import type { LayerSpace } from "./layer_space.ts";
import { checkNotCancelled } from "./workbench.ts";

/** Threads take a tenth of a second to start: as long as one thread takes for so many bytes. */
const WORKERS_PAY_FROM_BYTES = 32 * 1024 * 1024;
/** With fewer there is one chunk, or two: nothing to share out. */
const SHARED_FROM_BYTES = 2 * 1024 * 1024;
/** A smaller layer is compressed anew in the time that it takes to tell of it. */
const RESUMED_FROM_BYTES = 8 * 1024 * 1024;
/** One layer keeps the threads busy; the second does while the first waits for its last chunks. */
const LAYERS_AT_A_TIME = 2;

/** Where layers are compressed: a `Workbench` is one, and so is a store alone. */
export interface CompressionSite {
  readonly store: Store;
  /** Where the tars are. */
  readonly space: Pick<LayerSpace, "pathOf" | "chunkLengthsOf">;
  readonly signal: AbortSignal;
  /** A plan: nothing is stored. */
  readonly planning: boolean;
  /** Told of every layer that was compressed anew. */
  readonly onCompressed?: (layer: PlainLayer, blob: Descriptor) => void;
}

/** A layer whose tar is at hand. */
export interface PlainLayer {
  readonly diffId: DiffID;
  readonly sizeBytes: number;
}

/**
 * Makes the blobs of layers that have none yet and, unless this is a plan, stores them.
 *
 * @returns Their descriptors, in the same order.
 * @throws {LayerwrightError} `STORE_CORRUPT` naming a layer whose bytes are no longer those of its digest;
 * `BLOB_MISSING`; `BUILD_CANCELLED`; `COMPRESSION_FAILED` when a thread that compresses ends of itself.
 */
export async function compressLayers(
  site: CompressionSite,
  layers: readonly PlainLayer[],
  encoder: LayerEncoder,
): Promise<Descriptor[]> {
  const stop = new AbortController();
  const signal = AbortSignal.any([site.signal, stop.signal]);
  await using workers = new CompressionWorkers({ signal });
  const known = layers.map(({ diffId }) => knownBlob(site.store, diffId, encoder));
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
        if (known[index] !== undefined) continue;
        checkNotCancelled(signal);
        const pool = share && layer.sizeBytes >= SHARED_FROM_BYTES ? workers : undefined;
        known[index] = await compressLayer({ ...site, signal }, layer, encoder, pool);
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

/** The blob of a layer, if it was made before and is still there in its whole length. */
export function knownBlob(
  store: Store,
  diffId: DiffID,
  encoder: Pick<LayerEncoder, "name" | "mediaTypeSuffix">,
): Descriptor | undefined {
  const encoded = store.layers.encoded(diffId, encoder.name);
  if (encoded === undefined || intactPath(store, encoded) === undefined) return undefined;
  return { mediaType: mediaTypeOf(encoder), digest: encoded.digest, size: encoded.size };
}

/** The file of a blob, if it is there in its whole length. */
export function intactPath(
  store: Store,
  { digest, size }: { readonly digest: Digest; readonly size: number },
): string | undefined {
  const path = store.blobs.path(digest);
  return path !== undefined && statSync(path, { throwIfNoEntry: false })?.size === size
    ? path
    : undefined;
}

type Encode = (sink: ByteSink, earlier?: EarlierAttempt) => Promise<EncodedLayer>;

/** Makes the blob of a layer, unless another process is quicker. */
async function compressLayer(
  site: CompressionSite,
  layer: PlainLayer,
  encoder: LayerEncoder,
  workers: CompressionWorkers | undefined,
): Promise<Descriptor> {
  const { store } = site;
  const { diffId } = layer;
  const mediaType = mediaTypeOf(encoder);
  let sums: ChunkSums[] = [];
  const encode: Encode = async (sink, earlier) => {
    const tar = {
      path: site.space.pathOf(diffId),
      chunkLengths: site.space.chunkLengthsOf(diffId),
    };
    using chunks = new KnownChunks(store, { diffId, chunkLengths: tar.chunkLengths }, encoder);
    sums = [];
    const options: EncodeOptions = {
      known: (index) => chunks.find(index),
      onChunk: (chunk) => void sums.push(sumsOf(chunk)),
      ...(earlier === undefined ? {} : { earlier }),
    };
    const encoded = workers === undefined || chunks.missingBytes < SHARED_FROM_BYTES
      ? encoder.encode(tar, sink, options)
      : await encoder.encodeWith(workers, tar, sink, options);
    if (encoded.diffId !== undefined && encoded.diffId !== diffId) {
      throw new CorruptBlobError(diffId, encoded.diffId);
    }
    return encoded;
  };
  if (site.planning) {
    const { digest, sizeBytes } = await encode(() => {});
    return { mediaType, digest, size: sizeBytes };
  }
  return await store.withLock(`${diffId} ${encoder.name}`, site.signal, async () => {
    const made = knownBlob(store, diffId, encoder);
    if (made !== undefined) return made;
    const { digest, sizeBytes: size } = layer.sizeBytes < RESUMED_FROM_BYTES
      ? await storeAtOnce(store, encode)
      : await storeResumably(site, store.partials.open(diffId, encoder.name), encode);
    store.layers.setEncoded(diffId, encoder.name, { digest, size }, encodeChunkRecords(sums));
    const blob = { mediaType, digest, size };
    site.onCompressed?.(layer, blob);
    return blob;
  });
}

async function storeAtOnce(store: Store, encode: Encode): Promise<EncodedLayer> {
  const path = store.temp.newPath();
  try {
    const fd = guarded("store a blob", path, () => openSync(path, "wx", 0o600));
    let encoded: EncodedLayer;
    try {
      encoded = await encode((bytes) =>
        guarded("store a blob", path, () => {
          writeFully(fd, bytes);
        })
      );
    } finally {
      closeSync(fd);
    }
    await store.blobs.putFile(path, encoded.digest);
    return encoded;
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
}

async function storeResumably(
  { store, signal }: CompressionSite,
  partial: PartialBlob,
  encode: Encode,
): Promise<EncodedLayer> {
  using _open = partial;
  try {
    const encoded = await encode((bytes) => partial.write(bytes), partial);
    partial.finish();
    await store.blobs.putFile(partial.path, encoded.digest);
    return encoded;
  } catch (error) {
    // Whoever cancels may want it after all; a full disk or a damaged layer is no better the next time.
    if (!signal.aborted) partial.drop();
    throw error;
  }
}

function mediaTypeOf(encoder: Pick<LayerEncoder, "mediaTypeSuffix">): string {
  return `${OCI_LAYER}${encoder.mediaTypeSuffix}`;
}
