/**
 * A blob on disk while it is compressed: with a record of the chunks that are done, so that whoever tries again after
 * a kill or a cancelled build need not start from the beginning.
 *
 * Nothing in it is trusted: a chunk counts when its record was made of the same bytes and the file still holds what the
 * record says. What follows the first chunk that does not count is dropped.
 *
 * @module
 */
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import type { ChunkRecord, EarlierAttempt } from "../layer/compress.ts";
import { sumsOf } from "../layer/chunk_sums.ts";
import { readFully } from "../layer/full_io.ts";
import { crc32 } from "../layer/gzip.ts";
import { CHUNK_RECORD_BYTES, decodeChunkRecord, encodeChunkRecord } from "./chunk_record.ts";
import { guarded } from "./store_error.ts";

/** No encoder makes more of 2 MiB: a longer record is a damaged one. */
const CHUNK_LIMIT_BYTES = 4 * 1024 * 1024;
const RECORDS_SUFFIX = ".chunks";

/** One unfinished blob, open. */
export class PartialBlob implements EarlierAttempt, Disposable {
  /** The blob so far. */
  readonly path: string;
  readonly #blob: number;
  readonly #log: number;
  /** Records of the earlier attempt; undefined once the first of them did not count. */
  #earlier: Uint8Array | undefined;
  #sizeBytes: number;
  #chunks = 0;
  #at = 0;
  /** So many bytes from here on are those that are written next. */
  #present = 0;
  #isOpen = true;

  constructor(path: string) {
    this.path = path;
    const [blob, log] = guarded("open an unfinished blob", path, () => {
      const first = openForUpdate(path);
      try {
        return [first, openForUpdate(`${path}${RECORDS_SUFFIX}`)] as const;
      } catch (error) {
        closeSync(first);
        throw error;
      }
    });
    this.#blob = blob;
    this.#log = log;
    this.#earlier = readFileSync(log);
    this.#sizeBytes = fstatSync(blob).size;
  }

  /** Chunks that count so far: taken over or compressed anew. */
  get chunks(): number {
    return this.#chunks;
  }

  next(tarBytes: number, tarCrc: number): Uint8Array | undefined {
    const bytes = this.#recorded(tarBytes, tarCrc);
    if (bytes === undefined) {
      this.#dropRest();
      return undefined;
    }
    this.#present = bytes.length;
    this.#chunks += 1;
    return bytes;
  }

  /** The compressed bytes of the next record, if it counts. */
  #recorded(tarBytes: number, tarCrc: number): Uint8Array | undefined {
    const record = this.#earlier === undefined
      ? undefined
      : decodeChunkRecord(this.#earlier, this.#chunks);
    if (record?.tarBytes !== tarBytes || record.tarCrc !== tarCrc) return undefined;
    const { blobBytes, blobCrc } = record;
    if (blobBytes > CHUNK_LIMIT_BYTES) return undefined;
    if (this.#at + blobBytes > this.#sizeBytes) return undefined;
    const bytes = new Uint8Array(blobBytes);
    if (readFully(this.#blob, bytes, this.#at) < blobBytes) return undefined;
    return crc32(bytes) === blobCrc ? bytes : undefined;
  }

  #dropRest(): void {
    this.#earlier = undefined;
    guarded("drop what does not count of an unfinished blob", this.path, () => {
      ftruncateSync(this.#log, this.#chunks * CHUNK_RECORD_BYTES);
      ftruncateSync(this.#blob, this.#at);
    });
  }

  /** Takes the next bytes of the blob: for the encoder's sink. */
  write(bytes: Uint8Array): void {
    if (this.#present !== 0) {
      // What `next` returned is in the file already.
      this.#at += this.#present;
      this.#present = 0;
      return;
    }
    guarded("write a blob", this.path, () => {
      for (let done = 0; done < bytes.length;) {
        const count = writeSync(this.#blob, bytes, done, bytes.length - done, this.#at);
        done += count;
        this.#at += count;
      }
    });
  }

  done(chunk: ChunkRecord): void {
    const record = encodeChunkRecord(sumsOf(chunk));
    guarded("write a blob", this.path, () => {
      writeSync(this.#log, record, 0, record.length, this.#chunks * CHUNK_RECORD_BYTES);
    });
    this.#chunks += 1;
  }

  /** Ends the work: the file at {@link path} is the blob, and its records are gone. */
  finish(): void {
    // A blob of fewer chunks than the earlier attempt had records of would end with its bytes.
    guarded("finish a blob", this.path, () => ftruncateSync(this.#blob, this.#at));
    this[Symbol.dispose]();
    rmSync(`${this.path}${RECORDS_SUFFIX}`, { force: true });
  }

  /** Removes all of it. */
  drop(): void {
    this[Symbol.dispose]();
    rmSync(this.path, { force: true });
    rmSync(`${this.path}${RECORDS_SUFFIX}`, { force: true });
  }

  /** Lets go of the files; what is there stays for the next attempt. */
  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSync(this.#blob);
    closeSync(this.#log);
  }
}

/** For reading and writing, made when it is not there, never emptied. */
function openForUpdate(path: string): number {
  try {
    return openSync(path, "r+");
  } catch {
    return openSync(path, "w+", 0o600);
  }
}
