/**
 * Where the layers of a build are: in the store, or, for a plan that changes nothing, in a folder that goes away.
 *
 * @module
 */
import { rmSync, statSync } from "node:fs";
import type { SourceTree } from "../context/source_tree.ts";
import { treeSource } from "../context/tree_source.ts";
import { LayerwrightError } from "../errors.ts";
import type { FileEntry } from "../layer/file_entry.ts";
import type { WrittenLayer } from "../layer/write_layer.ts";
import type { StoredChunk } from "../layer/parallel_layer.ts";
import { indexTar } from "../layer/tar_reader.ts";
import { stackTrees, type Tree } from "../layer/tree.ts";
import { type ChainID, type DiffID, digestAlgorithm } from "../oci/digest.ts";
import { encodeChunkRecords } from "../store/chunk_record.ts";
import { hashFile } from "../store/durability.ts";
import type { Store } from "../store/store.ts";
import { CorruptBlobError } from "./corrupt_blob.ts";
import { chainOf, type LayerRef } from "./vertex_result.ts";

/** The layers a build can read, and where new ones go. */
export interface LayerSpace {
  /** A path for a new tar, on the store's file system. */
  temporaryPath(): string;
  /** Takes over a finished tar. */
  keep(tarPath: string, written: WrittenLayer): Promise<LayerRef>;
  /** The uncompressed tar of a layer that {@link has} knows. */
  pathOf(diffId: DiffID): string;
  /** True when the layer is there whole. */
  has(layer: LayerRef): boolean;
  /** How the tar is cut for compression. */
  chunkLengthsOf(diffId: DiffID): readonly number[];
  /** Looks for chunks in the layers of the store, by their keys. */
  chunkFinder(): (key: string) => StoredChunk | undefined;
}

/** Layers in the store. */
export function storeLayers(store: Store): LayerSpace {
  return {
    temporaryPath: () => store.temp.newPath(),
    async keep(tarPath, { diffId, sizeBytes, chunkLengths, ...layer }): Promise<LayerRef> {
      await store.layers.addFromTemp(tarPath, { diffId, sizeBytes, chunkLengths });
      const { chunkKeys: keys, chunkCrcs: crcs } = layer;
      if (keys !== undefined && crcs !== undefined) {
        store.chunks.add(diffId, { lengths: chunkLengths, keys, crcs });
      }
      if (layer.blob !== undefined) {
        const { path, digest, sizeBytes: size, encoder, chunks } = layer.blob;
        await store.blobs.putFile(path, digest);
        store.layers.setEncoded(diffId, encoder, { digest, size }, encodeChunkRecords(chunks));
      }
      return { diffId, sizeBytes };
    },
    pathOf(diffId): string {
      const path = store.layers.get(diffId)?.path;
      if (path !== undefined) return path;
      throw new LayerwrightError(
        "BLOB_MISSING",
        `Cannot read layer ${diffId}: it is no longer in the store`,
        {
          hint: "build again",
        },
      );
    },
    has({ diffId, sizeBytes }): boolean {
      const path = store.layers.get(diffId)?.path;
      // A disk that ran full under another tool leaves short files; content is checked when a layer is compressed.
      return path !== undefined && statSync(path, { throwIfNoEntry: false })?.size === sizeBytes;
    },
    chunkLengthsOf: (diffId) => store.layers.get(diffId)?.chunkLengths ?? [],
    chunkFinder: () => store.chunks.finder(),
  };
}

/** Layers of a plan: those of the store can be read, new ones vanish with {@link Disposable}. */
export function plannedLayers(store: Store): LayerSpace & Disposable {
  const below = storeLayers(store);
  const planned = new Map<DiffID, { readonly tarPath: string; readonly written: WrittenLayer }>();
  return {
    temporaryPath: below.temporaryPath,
    keep(tarPath, written): Promise<LayerRef> {
      const twin = planned.get(written.diffId);
      if (twin === undefined) planned.set(written.diffId, { tarPath, written });
      else rmSync(tarPath, { force: true });
      return Promise.resolve({ diffId: written.diffId, sizeBytes: written.sizeBytes });
    },
    pathOf: (diffId) => planned.get(diffId)?.tarPath ?? below.pathOf(diffId),
    has: (layer) => planned.has(layer.diffId) || below.has(layer),
    chunkLengthsOf: (diffId) =>
      planned.get(diffId)?.written.chunkLengths ?? below.chunkLengthsOf(diffId),
    chunkFinder: below.chunkFinder,
    [Symbol.dispose](): void {
      for (const { tarPath } of planned.values()) rmSync(tarPath, { force: true });
    },
  };
}

/** The merged files of stacks of layers, each read once. */
export class TreeCache {
  readonly #space: LayerSpace;
  readonly #trees = new Map<ChainID, Tree>();
  /** A layer is in the stack of every step above it: read once, or a chain of steps costs its square in reads. */
  readonly #entries = new Map<DiffID, readonly FileEntry[]>();
  readonly #verified = new Set<DiffID>();

  constructor(space: LayerSpace) {
    this.#space = space;
  }

  /** The files of a stack, base layer first; an empty stack has none. */
  of(layers: readonly LayerRef[]): Tree {
    const chain = chainOf(layers);
    if (chain === null) return stackTrees([]);
    let tree = this.#trees.get(chain);
    if (tree === undefined) {
      tree = stackTrees(layers.map(({ diffId }) => this.#entriesOf(diffId)));
      this.#trees.set(chain, tree);
    }
    return tree;
  }

  #entriesOf(diffId: DiffID): readonly FileEntry[] {
    let entries = this.#entries.get(diffId);
    if (entries === undefined) {
      this.verify(diffId);
      entries = indexTar(this.#space.pathOf(diffId));
      this.#entries.set(diffId, entries);
    }
    return entries;
  }

  /**
   * Reads a layer once to see that it is still what its name says, before others are made of it.
   *
   * @throws {CorruptBlobError}
   */
  verify(diffId: DiffID): void {
    if (this.#verified.has(diffId)) return;
    const found = hashFile(this.#space.pathOf(diffId), digestAlgorithm(diffId));
    if (found !== diffId) throw new CorruptBlobError(diffId, found);
    this.#verified.add(diffId);
  }

  /** The same files as what a copy takes its sources from. */
  sourceOf(layers: readonly LayerRef[], description: string): SourceTree {
    return treeSource(this.of(layers), description);
  }
}
