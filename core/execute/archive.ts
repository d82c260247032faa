/**
 * ADD's archives: recognised by their content, never by their name.
 *
 * @module
 */
import { closeSync, createReadStream, openSync, rmSync } from "node:fs";
import { LayerwrightError } from "../errors.ts";
import { decompressed } from "../layer/decompress.ts";
import type { FileContent, FileEntry } from "../layer/file_entry.ts";
import { writeFully } from "../layer/full_io.ts";
import { readBlock } from "../layer/tar_fields.ts";
import { BLOCK_SIZE } from "../layer/tar_header.ts";
import { indexTar } from "../layer/tar_reader.ts";
import { stackTrees } from "../layer/tree.ts";
import { parseWhiteout } from "../layer/whiteout.ts";
import type { Workbench } from "./workbench.ts";

/**
 * The entries of a file that is a tar archive, plain or compressed.
 *
 * @param temporary Removes the unpacked archive, which the entries' contents are in, when it is disposed.
 * @returns undefined for a file that is no archive.
 * @throws {LayerwrightError} for an archive that is damaged or that no layer can hold.
 */
export async function extractArchive(
  entry: FileEntry | undefined,
  bench: Workbench,
  temporary: DisposableStack,
): Promise<readonly FileEntry[] | undefined> {
  if (entry?.type !== "file" || entry.content === undefined || entry.sizeBytes === 0) {
    return undefined;
  }
  const tarPath = bench.space.temporaryPath();
  temporary.defer(() => rmSync(tarPath, { force: true }));
  if (!await spoolArchive(decompressed(contentStream(entry.content, entry.sizeBytes)), tarPath)) {
    return undefined;
  }
  const entries = indexTar(tarPath);
  const reserved = entries.find(({ path }) => parseWhiteout(path) !== undefined);
  if (reserved !== undefined) {
    throw new LayerwrightError(
      "LAYER_NAME_RESERVED",
      `Cannot extract "${entry.path}": layers cannot hold its file "${reserved.path}"`,
      {
        hint: 'remove names that start with ".wh." from the archive, or copy it without extracting',
      },
    );
  }
  return stackTrees([entries]).entries;
}

function contentStream(content: FileContent, sizeBytes: number): AsyncIterable<Uint8Array> {
  switch (content.kind) {
    case "bytes":
      return once(content.bytes);
    case "path":
      return createReadStream(content.path);
    case "slice":
      return createReadStream(content.path, {
        start: content.offset,
        end: content.offset + sizeBytes - 1,
      });
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Writes the archive to a file; false, and nothing useful written, when its first block is no tar header. */
async function spoolArchive(source: AsyncIterable<Uint8Array>, path: string): Promise<boolean> {
  const fd = openSync(path, "wx", 0o600);
  const head = new Uint8Array(BLOCK_SIZE);
  let length = 0;
  try {
    for await (const bytes of source) {
      if (length < BLOCK_SIZE) {
        head.set(bytes.subarray(0, BLOCK_SIZE - length), length);
        if (length + bytes.length >= BLOCK_SIZE && !isHeader(head)) return false;
      }
      length += bytes.length;
      writeFully(fd, bytes);
    }
  } catch (error) {
    // What only looks compressed is a file like any other; what is an archive and then breaks off is not.
    if (length < BLOCK_SIZE) return false;
    throw error;
  } finally {
    closeSync(fd);
  }
  return length >= BLOCK_SIZE;
}

function isHeader(block: Uint8Array): boolean {
  try {
    readBlock(block);
    return true;
  } catch {
    return false;
  }
}
