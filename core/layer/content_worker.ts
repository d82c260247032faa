/**
 * A thread that fills chunks of a layer with the contents of files, and writes them to the layer's tar.
 *
 * Loaded by {@link "./parallel_layer.ts"}; kept to few imports, since each thread loads them anew.
 *
 * @module
 */
import { createHash, type Hash } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { LayerwrightError, systemErrorCode } from "../errors.ts";
import {
  CHECK,
  type ChunkColumns,
  CONTENT_ROW,
  DIGEST_BYTES,
  HEADER_ROW,
  HEADER_TYPES,
  IDENTITY_ROW,
} from "./chunk_columns.ts";
import { compressChunk } from "./compress.ts";
import type { DeflateLevel } from "./deflate/deflater.ts";
import { contentChanged, PromisedFile } from "./file_content.ts";
import { readFully, writeFully } from "./full_io.ts";
import { crc32 } from "./gzip.ts";
import { putPlainHeader } from "./tar_header.ts";

/** What a thread is started with. */
export interface ContentWorkerData {
  /** The tar, which exists. */
  readonly tarPath: string;
  /** The level to compress chunks with, too. */
  readonly deflateLevel?: DeflateLevel | undefined;
}

/** A chunk to be filled. */
export interface ContentRequest {
  /** At least as long as the chunk; taken away and given back with the answer. */
  readonly buffer: ArrayBuffer;
  /** Where the chunk goes in the tar. */
  readonly tarOffset: number;
  readonly columns: ChunkColumns;
  /** The chunk is compressed at once, if that was asked for at all. */
  readonly compresses: boolean;
}

/** A chunk that is filled already, to be compressed: slices of one file are read by one thread, but need not be by all. */
export interface CompressRequest {
  /** Taken away and given back with the answer. */
  readonly buffer: ArrayBuffer;
  readonly lengthBytes: number;
}

/** The answer to a {@link CompressRequest}. */
export interface CompressAnswer {
  readonly buffer: ArrayBuffer;
  readonly compressed: Uint8Array<ArrayBuffer>;
}

/** The same chunk, filled and written. Answers come in the order of the requests. */
export interface ContentAnswer {
  readonly buffer: ArrayBuffer;
  /** Those of the columns, with the digests found. */
  readonly digests: Uint8Array<ArrayBuffer>;
  /** CRC-32 of the chunk. */
  readonly crc: number;
  /** The chunk, compressed, where that was asked for. */
  readonly compressed?: Uint8Array<ArrayBuffer>;
  readonly error?: ContentError;
}

/** An error, which loses its class between threads: of ours, or of the system. */
export interface ContentError {
  readonly kind: "layerwright" | "system";
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** A file that goes on in the next request. */
interface OpenSlices {
  readonly path: string;
  readonly file: PromisedFile;
  readonly hash: Hash | undefined;
}

/** Fills chunks one after another. */
class ContentFiller implements Disposable {
  readonly #tar: number;
  #slices: OpenSlices | undefined;
  #range: { readonly path: string; readonly fd: number } | undefined;

  constructor(tarPath: string) {
    this.#tar = openSync(tarPath, "r+");
  }

  fill({ buffer, columns, tarOffset }: ContentRequest): number {
    const chunk = new Uint8Array(buffer, 0, columns.lengthBytes);
    chunk.fill(0);
    this.#fillFromFiles(columns, chunk, putHeaders(columns, chunk));
    writeFully(this.#tar, chunk, tarOffset);
    return crc32(chunk);
  }

  [Symbol.dispose](): void {
    closeSync(this.#tar);
    this.#slices?.file[Symbol.dispose]();
    if (this.#range !== undefined) closeSync(this.#range.fd);
  }

  #fillFromFiles(columns: ChunkColumns, chunk: Uint8Array, extraStart: number): void {
    const { contents, identities, digests, extra } = columns;
    const [names, paths] = [columns.contentNames.split("\0"), columns.paths.split("\0")];
    const rows = contents.length / CONTENT_ROW;
    let extraAt = extraStart;
    for (let row = 0; row < rows; row++) {
      const [name = "", path = ""] = [names[row], paths[row]];
      const at = row * CONTENT_ROW;
      const offset = contents[at] ?? 0;
      const length = contents[at + 1] ?? 0;
      const target = chunk.subarray(offset, offset + length);
      const from = contents[at + 2] ?? 0;
      const sizeBytes = contents[at + 3] ?? 0;
      const check = contents[at + 4] ?? 0;
      if (check === CHECK.given) {
        target.set(extra.subarray(extraAt, extraAt + length));
        extraAt += length;
        continue;
      }
      if (check === CHECK.range) {
        this.#readRange(path, contents[at + 5] ?? 0, target, name);
        continue;
      }
      const id = row * IDENTITY_ROW;
      const identity = identities[id + 1] === -1n ? undefined : {
        dev: identities[id] ?? 0n,
        ino: identities[id + 1] ?? 0n,
        sizeBytes,
        mtimeNs: identities[id + 2] ?? 0n,
        ctimeNs: identities[id + 3] ?? 0n,
      };
      const found = this.#readFile({ name, path, sizeBytes, identity }, from, target, check);
      if (found === undefined) continue;
      const digest = digests.subarray(row * DIGEST_BYTES, row * DIGEST_BYTES + DIGEST_BYTES);
      if (check === CHECK.expected && !isEqual(found, digest)) throw contentChanged(name);
      digest.set(found);
    }
  }

  /** @returns the digest of the file, if one is asked for and the file ends here. */
  #readFile(
    promise: ConstructorParameters<typeof PromisedFile>[0],
    from: number,
    target: Uint8Array,
    check: number,
  ): Uint8Array | undefined {
    const { path, sizeBytes } = promise;
    if (target.length === sizeBytes) {
      using file = new PromisedFile(promise);
      file.read(target);
      file.checkUnchanged();
      return check === CHECK.file ? undefined : createHash("sha256").update(target).digest();
    }
    if (from === 0) {
      this.#slices?.file[Symbol.dispose]();
      const hash = check === CHECK.file ? undefined : createHash("sha256");
      this.#slices = { path, file: new PromisedFile(promise), hash };
    }
    const slices = this.#slices;
    if (slices === undefined || slices.path !== path) {
      throw new Error(`slices of "${path}" came out of order`);
    }
    slices.file.read(target);
    slices.hash?.update(target);
    if (from + target.length < sizeBytes) return undefined;
    this.#slices = undefined;
    using file = slices.file;
    file.checkUnchanged();
    return slices.hash?.digest();
  }

  #readRange(path: string, offset: number, target: Uint8Array, name: string): void {
    if (this.#range?.path !== path) {
      if (this.#range !== undefined) closeSync(this.#range.fd);
      this.#range = undefined;
      this.#range = { path, fd: openSync(path, "r") };
    }
    const done = readFully(this.#range.fd, target, offset);
    if (done === target.length) return;
    throw new LayerwrightError(
      "LAYER_INVALID",
      `Cannot read the content of ${
        JSON.stringify(name)
      }: found ${done} bytes, expected ${target.length}`,
    );
  }
}

/** Writes the headers. @returns how much of `extra` they took. */
function putHeaders({ names, headers, extra }: ChunkColumns, chunk: Uint8Array): number {
  const paths = names.split("\0");
  let extraAt = 0;
  for (let row = 0, at = 0; at < headers.length; row++, at += HEADER_ROW) {
    const offset = headers[at] ?? 0;
    const type = HEADER_TYPES[headers[at + 1] ?? -1];
    if (type === undefined) {
      const end = extraAt + (headers[at + 2] ?? 0);
      chunk.set(extra.subarray(extraAt, end), offset);
      extraAt = end;
      continue;
    }
    putPlainHeader(
      {
        path: paths[row] ?? "",
        type,
        mode: headers[at + 2] ?? 0,
        uid: headers[at + 3] ?? 0,
        gid: headers[at + 4] ?? 0,
        sizeBytes: headers[at + 5] ?? 0,
        mtimeSeconds: headers[at + 6] ?? 0,
      },
      chunk,
      offset,
    );
  }
  return extraAt;
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < DIGEST_BYTES; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** An error as a message can carry it; what is a fault of this program ends the thread. */
function errorOf(error: unknown): ContentError {
  if (error instanceof LayerwrightError) {
    const { code, message, hint } = error;
    return { kind: "layerwright", code, message, hint };
  }
  const code = systemErrorCode(error);
  if (code === undefined) throw error;
  return { kind: "system", code, message: (error as Error).message };
}

const port = parentPort;
if (port !== null && port !== undefined) {
  const { tarPath, deflateLevel } = workerData as ContentWorkerData;
  const filler = new ContentFiller(tarPath);
  // The first failure answers all requests after it: slices of a file that failed cannot be read.
  let failure: ContentError | undefined;
  const compress = (buffer: ArrayBuffer, length: number): Uint8Array<ArrayBuffer> =>
    compressChunk(new Uint8Array(buffer, 0, length), deflateLevel ?? 1);
  port.on("message", (request: ContentRequest | CompressRequest) => {
    if ("lengthBytes" in request) {
      const compressed = compress(request.buffer, request.lengthBytes);
      const answer: CompressAnswer = { buffer: request.buffer, compressed };
      port.postMessage(answer, [request.buffer, compressed.buffer]);
      return;
    }
    const { buffer, columns: { digests, lengthBytes }, compresses } = request;
    let crc = 0;
    let compressed: Uint8Array<ArrayBuffer> | undefined;
    try {
      if (failure === undefined) {
        crc = filler.fill(request);
        if (compresses && deflateLevel !== undefined) compressed = compress(buffer, lengthBytes);
      }
    } catch (error) {
      failure = errorOf(error);
    }
    const answer: ContentAnswer = {
      buffer,
      digests,
      crc,
      ...(compressed === undefined ? {} : { compressed }),
      ...(failure === undefined ? {} : { error: failure }),
    };
    const moved = [buffer, digests.buffer];
    port.postMessage(answer, compressed === undefined ? moved : [...moved, compressed.buffer]);
  });
}
