/**
 * Readers of tar archives: one over a stream of bytes, one over a file on disk.
 *
 * @module
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { LayerwrightError } from "../errors.ts";
import type { FileEntry } from "./file_entry.ts";
import { type MemberHeader, parseMembers } from "./tar_members.ts";
import { MemberBody, StreamInput } from "./tar_stream.ts";

/** One member of an archive that is being read. */
export interface TarMember extends MemberHeader {
  /**
   * The file's bytes, holes filled with zeros. To be read at most once, and before the next member is asked for.
   *
   * @throws {LayerwrightError} `TAR_INVALID` if the archive ends inside.
   */
  body(): AsyncIterable<Uint8Array>;
}

/**
 * Reads an archive as it arrives: ustar, V7, PAX, GNU long names, base-256 numbers, all sparse forms.
 * The source is read to its end, also past the end of the archive, so that whoever hashes it sees all of it;
 * when the caller stops early it is closed.
 *
 * @throws {LayerwrightError} as {@link parseMembers}, while iterating.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { readTar } from "./tar_reader.ts";
 * import { writeTar } from "./tar_writer.ts";
 * const tar: Uint8Array[] = [];
 * const bytes = new TextEncoder().encode("hello");
 * writeTar([{
 *   path: "a", type: "file", mode: 0o644, uid: 0, gid: 0, sizeBytes: 5, mtimeSeconds: 0,
 *   content: { kind: "bytes", bytes },
 * }], (piece) => tar.push(piece.slice()));
 * async function* source() { yield* tar; }
 * for await (const member of readTar(source())) {
 *   assert.equal(member.entry.path, "a");
 *   for await (const piece of member.body()) assert.deepEqual(piece, bytes);
 * }
 * ```
 */
export async function* readTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarMember> {
  const input = new StreamInput(source);
  const steps = parseMembers();
  try {
    let step = steps.next();
    while (step.done !== true) {
      if (typeof step.value === "number") {
        step = steps.next(await input.read(step.value));
        continue;
      }
      const body = new MemberBody(input, step.value);
      yield { ...step.value, body: () => body.pieces() };
      await body.finish();
      step = steps.next();
    }
    await input.drain();
  } finally {
    await input.close();
  }
}

const WINDOW_BYTES = 1 << 16;

/**
 * Lists the members of an archive on disk, without reading their content.
 *
 * @param path an uncompressed tar.
 * @returns entries in the order of the archive, the root's own left out; the content of a file is the slice of the
 * archive that holds it.
 * @throws {LayerwrightError} as {@link parseMembers}; `TAR_UNSUPPORTED` for a sparse file, which is no one slice.
 */
export function indexTar(path: string): FileEntry[] {
  const fd = openSync(path, "r");
  try {
    const archiveBytes = fstatSync(fd).size;
    const window = new FileWindow(fd);
    const entries: FileEntry[] = [];
    const steps = parseMembers();
    let offset = 0;
    let step = steps.next();
    while (step.done !== true) {
      if (typeof step.value === "number") {
        const bytes = window.read(offset, step.value);
        offset += step.value;
        step = steps.next(bytes);
        continue;
      }
      const member = step.value;
      refuseUnsliceable(member, archiveBytes);
      if (member.entry.path !== "") entries.push(withSlice(member, path));
      // The grammar asks for whole blocks only, so the next header starts at a multiple of 512.
      offset = Math.ceil((member.contentOffset + member.storedBytes) / 512) * 512;
      step = steps.next();
    }
    return entries;
  } finally {
    closeSync(fd);
  }
}

function refuseUnsliceable(
  { number, entry, contentOffset, storedBytes, sparse }: MemberHeader,
  archiveBytes: number,
): void {
  const action = `Cannot read tar member ${number} ${JSON.stringify(entry.path)}`;
  if (contentOffset + storedBytes > archiveBytes) {
    const found = Math.max(archiveBytes - contentOffset, 0);
    throw new LayerwrightError(
      "TAR_INVALID",
      `${action}: its content ends after ${found} of ${storedBytes} bytes`,
    );
  }
  if (sparse !== undefined) {
    throw new LayerwrightError(
      "TAR_UNSUPPORTED",
      `${action}: a sparse file cannot be used from the archive in place`,
      { hint: "write the archive again without --sparse" },
    );
  }
}

function withSlice({ entry, contentOffset }: MemberHeader, path: string): FileEntry {
  if (entry.type !== "file") return entry;
  return { ...entry, content: { kind: "slice", path, offset: contentOffset } };
}

/** Reads ahead, so that the headers of small members cost no system call each. */
class FileWindow {
  readonly #fd: number;
  #buffer: Uint8Array = new Uint8Array(WINDOW_BYTES);
  #start = 0;
  #length = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Valid until the next call; shorter than `size` only at the end of the file. */
  read(offset: number, size: number): Uint8Array {
    if (offset < this.#start || offset + size > this.#start + this.#length) {
      this.#fill(offset, size);
    }
    return this.#buffer.subarray(
      offset - this.#start,
      Math.min(offset - this.#start + size, this.#length),
    );
  }

  #fill(offset: number, size: number): void {
    if (size > this.#buffer.length) this.#buffer = new Uint8Array(size);
    this.#start = offset;
    this.#length = 0;
    while (this.#length < this.#buffer.length) {
      const position = offset + this.#length;
      const room = this.#buffer.length - this.#length;
      const length = readSync(this.#fd, this.#buffer, this.#length, room, position);
      if (length === 0) return;
      this.#length += length;
    }
  }
}
