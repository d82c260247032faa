/**
 * Reads the bytes an entry's {@link FileContent} points at, and proves that they are the ones meant.
 *
 * @module
 */
import { closeSync, constants, openSync, readSync } from "node:fs";
import { LayerwrightError, systemErrorCode } from "../errors.ts";
import { host } from "../host/mod.ts";
import type { FileEntry, FileIdentity } from "./file_entry.ts";

/** Bytes of content handed over at once, at most. */
const CONTENT_PIECE_BYTES: number = 1 << 20;

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
    using file = new PromisedFile({ name: entry.path, path, sizeBytes: entry.sizeBytes, identity });
    for (let done = 0; done < entry.sizeBytes;) {
      const piece = this.#buffer.subarray(0, Math.min(entry.sizeBytes - done, this.#buffer.length));
      file.read(piece);
      visit(piece);
      done += piece.length;
    }
    file.checkUnchanged();
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

/** Of a file whose bytes are not those of its digest: one written twice in a tick of the clock looks unchanged. */
export function contentChanged(name: string): LayerwrightError {
  return new LayerwrightError(
    "CONTEXT_FILE_CHANGED",
    `Cannot copy ${JSON.stringify(name)}: its content changed while the layer was made`,
    { hint: "build again once nothing writes to it" },
  );
}

/** What a file on disk is expected to be. */
export interface FilePromise {
  /** What messages call the file. */
  readonly name: string;
  /** Where it is. */
  readonly path: string;
  readonly sizeBytes: number;
  /** How it was listed; absent: only the size is known, and only what happens while it is read is noticed. */
  readonly identity?: FileIdentity | undefined;
}

/**
 * A file on disk while it is read from its beginning to its end: an error, not other bytes, if it is not what was
 * promised or does not stay so. Dispose it.
 */
export class PromisedFile implements Disposable {
  readonly #promise: FilePromise;
  readonly #expected: FileIdentity | undefined;
  readonly #fd: number;
  #done = 0;

  /** @throws {LayerwrightError} `CONTEXT_FILE_CHANGED` if it is gone; `CONTEXT_UNREADABLE`. */
  constructor(promise: FilePromise) {
    this.#promise = promise;
    this.#fd = openUnchanged(promise);
    // A listed file needs no look before it is read: the one afterwards tells what happened since it was listed.
    this.#expected = promise.identity ?? lookAt(this.#fd).identity;
  }

  /**
   * Reads the next bytes, as many as `target` has.
   *
   * @throws {LayerwrightError} `CONTEXT_FILE_CHANGED` if the file ends before.
   */
  read(target: Uint8Array): void {
    for (let filled = 0; filled < target.length;) {
      const length = this.#readSome(target.subarray(filled));
      if (length === 0) {
        this.checkUnchanged();
        this.#changed(`it ended after ${this.#done} bytes`);
      }
      filled += length;
      this.#done += length;
    }
  }

  /** @throws {LayerwrightError} `CONTEXT_FILE_CHANGED` unless it is the file that was listed and nobody wrote to it. */
  checkUnchanged(): void {
    const found = lookAt(this.#fd);
    if (!found.isFile) this.#changed("it is no longer a regular file");
    const { identity, sizeBytes } = this.#promise;
    const same = this.#expected !== undefined && isSameFile(found.identity, this.#expected);
    if (!same && identity === undefined) this.#changed("it was written while it was read");
    if (!same) this.#changed("it was replaced or written since it was listed");
    if (found.identity.sizeBytes !== sizeBytes) {
      this.#changed(`it has ${found.identity.sizeBytes} bytes, not ${sizeBytes}`);
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  #readSome(target: Uint8Array): number {
    try {
      return readSync(this.#fd, target, 0, target.length, null);
    } catch (error) {
      // A FIFO or a directory in the place of the file.
      const code = systemErrorCode(error);
      if (code === "EAGAIN" || code === "EISDIR") this.checkUnchanged();
      throw unreadable(this.#promise, error);
    }
  }

  #changed(why: string): never {
    throw changed(this.#promise, why);
  }
}

function openUnchanged(promise: FilePromise): number {
  try {
    return openSync(promise.path, promise.identity === undefined ? OPEN_ANY : OPEN_UNCHANGED);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ELOOP" || code === "ENOTDIR" || code === "ENXIO") {
      throw changed(promise, "it was removed or replaced", error);
    }
    throw unreadable(promise, error);
  }
}

/** In the times of contexts' own listings: `node:fs` of Deno cuts them. */
function lookAt(fd: number): { readonly isFile: boolean; readonly identity: FileIdentity } {
  const status = host.fileStatus();
  status.lookAtOpen(fd);
  const { dev, ino, sizeBytes, mtimeNs, ctimeNs } = status;
  const isFile = (status.mode & constants.S_IFMT) === constants.S_IFREG;
  return { isFile, identity: { dev, ino, sizeBytes, mtimeNs, ctimeNs } };
}

function isSameFile(found: FileIdentity, listed: FileIdentity): boolean {
  return found.dev === listed.dev && found.ino === listed.ino &&
    found.sizeBytes === listed.sizeBytes && found.mtimeNs === listed.mtimeNs &&
    found.ctimeNs === listed.ctimeNs;
}

function changed(promise: FilePromise, why: string, cause?: unknown): LayerwrightError {
  return new LayerwrightError(
    "CONTEXT_FILE_CHANGED",
    `Cannot read ${JSON.stringify(promise.name)} from ${JSON.stringify(promise.path)}: ${why}`,
    { hint: "build again once nothing writes to it", cause },
  );
}

function unreadable({ path }: FilePromise, error: unknown): LayerwrightError {
  return new LayerwrightError(
    "CONTEXT_UNREADABLE",
    `Cannot read ${JSON.stringify(path)}: ${systemErrorCode(error) ?? String(error)}`,
    { cause: error },
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
