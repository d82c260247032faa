/**
 * Where a tar that was not written here is cut for compression.
 *
 * @module
 */
import { statSync } from "node:fs";
import { fixedChunks } from "../layer/chunk.ts";
import { layerChunks } from "../layer/layer_chunks.ts";
import { indexTar } from "../layer/tar_reader.ts";
import type { DiffID } from "../oci/digest.ts";
import type { Store } from "../store/store.ts";

/**
 * The chunks of a tar: for one of ours those it was written with, so that it becomes the same blob on every machine;
 * for another one chunks of fixed length.
 */
export function tarChunkLengths(tarPath: string): number[] {
  const sizeBytes = statSync(tarPath).size;
  const lengths = cutLikeOurs(tarPath);
  return lengths.reduce((sum, length) => sum + length, 0) === sizeBytes
    ? lengths
    : fixedChunks(sizeBytes);
}

function cutLikeOurs(tarPath: string): number[] {
  try {
    return Array.from(layerChunks(indexTar(tarPath)), ({ lengthBytes }) => lengthBytes);
  } catch {
    // Entries that we would not write: not one of ours.
    return [];
  }
}

/**
 * Makes sure that a layer, whose tar is in the store, is cut by its content alone: one that came compressed, with a base
 * image, was cut without a look at it.
 */
export function describeTar(store: Store, diffId: DiffID): void {
  const path = store.blobs.path(diffId);
  if (path === undefined) return;
  const known = store.layers.get(diffId)?.chunkLengths;
  if (known !== undefined && !isSame(known, fixedChunks(statSync(path).size))) return;
  const lengths = tarChunkLengths(path);
  if (known === undefined || !isSame(known, lengths)) store.layers.describe(diffId, lengths);
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((length, index) => length === b[index]);
}
