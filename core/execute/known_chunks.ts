/**
 * Chunks of a layer that were compressed before, as part of other layers: what makes the second push of a large layer
 * quick of which one file changed.
 *
 * @module
 */
import { closeSync, openSync } from "node:fs";
import type { KnownChunk, LayerEncoder } from "../layer/compress.ts";
import type { ChunkSums } from "../layer/chunk_sums.ts";
import { readFully } from "../layer/full_io.ts";
import { crc32 } from "../layer/gzip.ts";
import type { BlobDigest, DiffID } from "../oci/digest.ts";
import { decodeChunkRecord } from "../store/chunk_record.ts";
import type { Store } from "../store/store.ts";

/** A chunk in a blob. */
interface BlobChunk extends ChunkSums {
  readonly offset: number;
}

interface OpenBlob {
  readonly fd: number;
  /** By their places in the tar. */
  readonly chunks: ReadonlyMap<number, BlobChunk>;
}

/** Finds them. Dispose it. */
export class KnownChunks implements Disposable {
  /** How much of the layer has to be compressed. */
  readonly missingBytes: number;
  readonly #store: Store;
  readonly #encoder: LayerEncoder;
  readonly #chunks: readonly { readonly place: number; readonly length: number }[];
  readonly #elsewhere: ReturnType<Store["chunks"]["compressedElsewhere"]>;
  readonly #blobs = new Map<BlobDigest, OpenBlob | undefined>();

  constructor(
    store: Store,
    { diffId, chunkLengths }: { readonly diffId: DiffID; readonly chunkLengths: readonly number[] },
    encoder: LayerEncoder,
  ) {
    this.#store = store;
    this.#encoder = encoder;
    this.#elsewhere = store.chunks.compressedElsewhere(diffId, encoder.name);
    let place = 0;
    let missingBytes = 0;
    this.#chunks = chunkLengths.map((length) => {
      const chunk = { place, length };
      if (!this.#elsewhere.has(place)) missingBytes += length;
      place += length;
      return chunk;
    });
    this.missingBytes = missingBytes;
  }

  /** The chunk at a place of the layer, if it is found and is what its record says. */
  find(index: number): KnownChunk | undefined {
    const own = this.#chunks[index];
    const elsewhere = own === undefined ? undefined : this.#elsewhere.get(own.place);
    if (own === undefined || elsewhere === undefined) return undefined;
    const blob = this.#open(elsewhere.blob);
    const chunk = blob?.chunks.get(elsewhere.place);
    if (blob === undefined || chunk?.tarBytes !== own.length) return undefined;
    const bytes = new Uint8Array(chunk.blobBytes);
    if (readFully(blob.fd, bytes, chunk.offset) < bytes.length) return undefined;
    // A damaged blob must not spread into a new one, whose digest would be right.
    return crc32(bytes) === chunk.blobCrc ? { bytes, tarCrc: chunk.tarCrc } : undefined;
  }

  [Symbol.dispose](): void {
    for (const blob of this.#blobs.values()) if (blob !== undefined) closeSync(blob.fd);
    this.#blobs.clear();
  }

  #open(digest: BlobDigest): OpenBlob | undefined {
    if (!this.#blobs.has(digest)) this.#blobs.set(digest, this.#openAnew(digest));
    return this.#blobs.get(digest);
  }

  #openAnew(digest: BlobDigest): OpenBlob | undefined {
    const records = this.#store.chunks.recordsOf(digest, this.#encoder.name);
    const path = this.#store.blobs.path(digest);
    if (records === undefined || path === undefined) return undefined;
    const chunks = new Map<number, BlobChunk>();
    let place = 0;
    let offset = this.#encoder.headerBytes;
    for (let index = 0;; index++) {
      const sums = decodeChunkRecord(records, index);
      if (sums === undefined) break;
      chunks.set(place, { ...sums, offset });
      place += sums.tarBytes;
      offset += sums.blobBytes;
    }
    try {
      return { fd: openSync(path, "r"), chunks };
    } catch {
      // Collected meanwhile: it is compressed again.
      return undefined;
    }
  }
}
