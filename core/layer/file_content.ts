/**
 * Reads the bytes an entry's {@link FileContent} points at, and proves that they are the ones meant.
 *
 * @module
 */
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { LayerwrightError, systemErrorCode } from "../errors.ts";
import type { FileEntry, FileIdentity } from "./file_entry.ts";

/** Bytes of content handed over at once, at most. */
export const CONTENT_PIECE_BYTES: number = 1 << 20;

// Someone who swaps a file for a FIFO or a link between the walk and now must not make us wait for ever, or
// read elsewhere. Windows knows neither flag.
const OPEN_ANY = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
const OPEN_UNCHANGED = OPEN_ANY | (constants.O_NOFOLLOW ?? 0);

/**
 * Reads contents one after another through one buffer. Holds the last layer file open, since the members
 * of a stored layer follow each other; dispose it.
 */
export class ContentReader implements Disposable {
  readonly #buffer: Uint8Array = new Uint8Array(CONTENT_PIECE_BYTES);
  #slice: { readonly path: string; readonly fd: number } | undefined;

  /**
   * Visits the content of a file in order, in pieces of at most 1 MiB that are valid during the call only.
   *
   * @throws {LayerwrightError} `CONTEXT_FILE_CHANGED` if a file on disk is not, or does not stay, what was promised;
   * `LAYER_INVALID` if the entry's bytes or layer file do not hold `sizeBytes` bytes.
   */
  read(entry: FileEntry, visit: (piece: Uint8Array) => void): void {
    switch (entry.content?.kind) {
      case "bytes": {
        const { bytes } = entry.content;
        if (bytes.length !== entry.sizeBytes) incomplete(entry, bytes.length);
        for (let i = 0; i < bytes.length; i += CONTENT_PIECE_BYTES) {
          visit(bytes.subarray(i, i + CONTENT_PIECE_BYTES));
        }
        return;
      }
      case "slice": {
        if (entry.sizeBytes === 0) return;
        const fd = this.#openSlice(entry.content.path);
        const done = this.#readRange(fd, entry.content.offset, entry.sizeBytes, visit);
        if (done !== entry.sizeBytes) incomplete(entry, done);
        return;
      }
      case "path":
        return this.#readFile(entry, entry.content.path, entry.content.identity, visit);
      default:
        if (entry.sizeBytes !== 0) incomplete(entry, 0);
    }
  }

  [Symbol.dispose](): void {
    if (this.#slice !== undefined) closeSync(this.#slice.fd);
    this.#slice = undefined;
  }

  #openSlice(path: string): number {
    if (this.#slice?.path !== path) {
      this[Symbol.dispose]();
      this.#slice = { path, fd: openSync(path, "r") };
    }
    return this.#slice.fd;
  }

  #readFile(
    entry: FileEntry,
    path: string,
    identity: FileIdentity | undefined,
    visit: (piece: Uint8Array) => void,
  ): void {
    const fd = openUnchanged(entry, path, identity);
    try {
      const before = fstatSync(fd, { bigint: true });
      if (!before.isFile()) changed(entry, path, "it is no longer a regular file");
      if (identity !== undefined && !isSameFile(before, identity)) {
        changed(entry, path, "it was replaced or written since it was listed");
      }
      if (Number(before.size) !== entry.sizeBytes) {
        changed(entry, path, `it has ${before.size} bytes, not ${entry.sizeBytes}`);
      }
      const done = this.#readRange(fd, 0, entry.sizeBytes, visit);
      if (done !== entry.sizeBytes) changed(entry, path, `it ended after ${done} bytes`);
      const after = fstatSync(fd, { bigint: true });
      if (
        after.size !== before.size || after.mtimeNs !== before.mtimeNs ||
        after.ctimeNs !== before.ctimeNs
      ) changed(entry, path, "it was written while it was read");
    } finally {
      closeSync(fd);
    }
  }

  #readRange(
    fd: number,
    offset: number,
    sizeBytes: number,
    visit: (piece: Uint8Array) => void,
  ): number {
    let done = 0;
    while (done < sizeBytes) {
      const wanted = Math.min(sizeBytes - done, this.#buffer.length);
      const length = readSync(fd, this.#buffer, 0, wanted, offset + done);
      if (length === 0) break;
      visit(this.#buffer.subarray(0, length));
      done += length;
    }
    return done;
  }
}

function openUnchanged(
  entry: FileEntry,
  path: string,
  identity: FileIdentity | undefined,
): number {
  try {
    return openSync(path, identity === undefined ? OPEN_ANY : OPEN_UNCHANGED);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ELOOP" || code === "ENOTDIR" || code === "ENXIO") {
      changed(entry, path, "it was removed or replaced", error);
    }
    throw new LayerwrightError(
      "CONTEXT_UNREADABLE",
      `Cannot read ${JSON.stringify(path)}: ${code ?? String(error)}`,
      { cause: error },
    );
  }
}

function isSameFile(stats: BigIntStats, identity: FileIdentity): boolean {
  return stats.dev === identity.dev && stats.ino === identity.ino &&
    stats.size === BigInt(identity.sizeBytes) && stats.mtimeNs === identity.mtimeNs &&
    stats.ctimeNs === identity.ctimeNs;
}

function changed(entry: FileEntry, path: string, why: string, cause?: unknown): never {
  throw new LayerwrightError(
    "CONTEXT_FILE_CHANGED",
    `Cannot read ${JSON.stringify(entry.path)} from ${JSON.stringify(path)}: ${why}`,
    { hint: "build again once nothing writes to it", cause },
  );
}

function incomplete(entry: FileEntry, foundBytes: number): never {
  throw new LayerwrightError(
    "LAYER_INVALID",
    `Cannot read the content of ${
      JSON.stringify(entry.path)
    }: found ${foundBytes} bytes, expected ${entry.sizeBytes}`,
  );
}
