/**
 * The layer of copied files: written by threads where that pays, with chunks of earlier layers used again.
 *
 * @module
 */
import { renameSync, rmSync } from "node:fs";
import { gzipLevelOf, loadEncoder } from "../layer/encoders.ts";
import type { FileEntry } from "../layer/file_entry.ts";
import { type CompressOptions, writeLayerInParallel } from "../layer/parallel_layer.ts";
import { writeLayer, type WrittenLayer } from "../layer/write_layer.ts";
import type { CopiedContents, UnreadFiles } from "./copied_contents.ts";
import type { Workbench } from "./workbench.ts";

/** Threads take some hundredths of a second to start: as long as one thread takes for so much. */
const THREADS_PAY_FROM: UnreadFiles = { count: 1500, bytes: 12 * 1024 * 1024 };

/** Whether threads would be done with so much sooner than this one. */
export function isWorthThreads({ count, bytes }: UnreadFiles): boolean {
  return count >= THREADS_PAY_FROM.count || bytes >= THREADS_PAY_FROM.bytes;
}

/** Writes the layer of entries whose contents were described. */
export async function writeCopiedLayer(
  bench: Workbench,
  entries: readonly FileEntry[],
  tarPath: string,
  contents: CopiedContents,
): Promise<WrittenLayer> {
  const { epochSeconds, signal } = bench;
  const expectedContent = (entry: FileEntry) => contents.digestOf(entry);
  const bytes = entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (!isWorthThreads({ count: entries.length, bytes })) {
    return writeLayer(entries, tarPath, { epochSeconds, expectedContent });
  }
  const findChunk = bench.space.chunkFinder();
  return await writeLayerInParallel(entries, tarPath, {
    epochSeconds,
    signal,
    expectedContent,
    findChunk,
  });
}

/** A layer that was written before anyone knew whether it is needed; gone when it is disposed, unless it was taken. */
export class LayerDraft implements Disposable {
  readonly #tarPath: string;
  #written: WrittenLayer | undefined;

  private constructor(tarPath: string, written: WrittenLayer) {
    this.#tarPath = tarPath;
    this.#written = written;
  }

  /** Writes entries and finds out what they contain: each file is read once. */
  static async write(
    bench: Workbench,
    entries: readonly FileEntry[],
    contents: CopiedContents,
  ): Promise<LayerDraft> {
    const { epochSeconds, signal } = bench;
    const tarPath = bench.space.temporaryPath();
    const compress = bench.leavesAs === undefined
      ? undefined
      : await compression(bench.leavesAs, bench.space.temporaryPath());
    const written = await writeLayerInParallel(entries, tarPath, {
      epochSeconds,
      signal,
      ...(compress === undefined ? {} : { compress }),
      onContentDigest: (content, digest) => contents.found(content, digest),
    });
    return new LayerDraft(tarPath, written);
  }

  /** Gives the tar away. */
  take(tarPath: string): WrittenLayer {
    if (this.#written === undefined) throw new Error("the draft of a layer was taken twice");
    const written = this.#written;
    renameSync(this.#tarPath, tarPath);
    this.#written = undefined;
    return written;
  }

  [Symbol.dispose](): void {
    if (this.#written === undefined) return;
    rmSync(this.#tarPath, { force: true });
    if (this.#written.blob !== undefined) rmSync(this.#written.blob.path, { force: true });
  }
}

/** How a layer is compressed while it is written: where threads can do it without loading anything. */
async function compression(
  name: string,
  blobPath: string,
): Promise<CompressOptions | undefined> {
  const level = gzipLevelOf(name);
  return level === undefined ? undefined : { encoder: await loadEncoder(name), level, blobPath };
}
