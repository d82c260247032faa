/**
 * Layers on their way between two machines, in pieces, seen to be whole where they arrive.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { closeSync, openSync, readSync, rmSync, statSync, writeSync } from "node:fs";
import { LayerwrightError } from "../../core/errors.ts";
import type { DiffID } from "../../core/mod.ts";
import { DATA_BYTES } from "./remote_protocol.ts";

/**
 * Reads a file in pieces as base64.
 *
 * @param send Takes one piece; the next is read when it resolves.
 * @returns The digest of all of it.
 */
export async function sendFile(
  path: string,
  send: (base64: string) => Promise<void>,
): Promise<DiffID> {
  const hash = createHash("sha256");
  const buffer = Buffer.alloc(DATA_BYTES);
  const fd = openSync(path, "r");
  try {
    for (;;) {
      const length = readSync(fd, buffer, 0, buffer.length, null);
      if (length === 0) break;
      const bytes = buffer.subarray(0, length);
      hash.update(bytes);
      await send(bytes.toString("base64"));
    }
  } finally {
    closeSync(fd);
  }
  return `sha256:${hash.digest("hex")}` as DiffID;
}

/** A layer that arrives. Whatever goes wrong is told at the end. */
export class ArrivingLayer {
  readonly #path: string;
  readonly #hash = createHash("sha256");
  #fd: number | undefined;
  #sizeBytes = 0;
  #isMade = false;
  #error: unknown;

  /** @param path A file that does not exist yet. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Takes the next piece. */
  take(base64: string): void {
    if (this.#error !== undefined) return;
    const bytes = Buffer.from(base64, "base64");
    try {
      if (!this.#isMade) this.#fd = openSync(this.#path, "wx", 0o600);
      this.#isMade = true;
      for (let offset = 0; offset < bytes.length;) {
        offset += writeSync(this.#fd ?? -1, bytes, offset);
      }
    } catch (error) {
      // A full disk, most likely.
      this.#error = error;
      return;
    }
    this.#hash.update(bytes);
    this.#sizeBytes += bytes.length;
  }

  /**
   * Ends the file.
   *
   * @throws {LayerwrightError} `BLOB_DIGEST_MISMATCH`; what the disk said. Then there is no file.
   */
  finish(expected: { readonly diffId: DiffID; readonly sizeBytes?: number }): void {
    this.#close();
    const { diffId, sizeBytes = this.#sizeBytes } = expected;
    const received = `sha256:${this.#hash.digest("hex")}`;
    if (this.#error === undefined && received === diffId && sizeBytes === this.#sizeBytes) return;
    this.discard();
    if (this.#error !== undefined) throw this.#error;
    throw new LayerwrightError(
      "BLOB_DIGEST_MISMATCH",
      "Cannot take a layer from another machine: " +
        `received ${received} (${this.#sizeBytes} bytes), expected ${diffId} (${sizeBytes} bytes)`,
      { hint: "build again; if it repeats, the connection damages what it carries" },
    );
  }

  /** Removes what has arrived. */
  discard(): void {
    this.#close();
    if (this.#isMade) rmSync(this.#path, { force: true });
  }

  #close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/** What tells that a file is the one it was: paths of temporary files are used again. */
export function fileIdentity(path: string): string {
  const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true });
  return [path, dev, ino, size, mtimeNs].join(" ");
}
