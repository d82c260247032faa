/**
 * A decompressor of `node:zlib`, driven one piece at a time.
 *
 * The stream's own flow control is not used: the runtimes differ in it, and in what becomes of an error or of bytes
 * after the end. The caller bounds what one piece can grow to.
 *
 * @module
 */
import type { Transform } from "node:stream";
import { type Compression, damagedStream } from "./compression_error.ts";

/** What `node:zlib` calls a stream that knows how many bytes it has used. */
export type ZlibStream = Transform & { readonly bytesWritten: number };

/** Feeds a zlib stream and collects what comes out of it. */
export class ZlibDecoder {
  readonly #format: Compression;
  readonly #stream: ZlibStream;
  #output: Uint8Array[] = [];
  #fedBytes = 0;
  #ended = false;
  #error: Error | undefined;
  #settle: (() => void) | undefined;

  constructor(format: Compression, stream: ZlibStream) {
    this.#format = format;
    this.#stream = stream;
    stream.on("data", (piece: Uint8Array) => {
      this.#output.push(piece);
    });
    stream.on("error", (error: Error) => {
      this.#error ??= error;
      this.#settle?.();
    });
    stream.on("end", () => {
      this.#ended = true;
      this.#settle?.();
    });
  }

  /**
   * Decompresses the next piece.
   *
   * @throws {LayerwrightError} `COMPRESSION_INVALID` if it is damaged or the stream ends before the piece does.
   */
  async feed(piece: Uint8Array): Promise<Uint8Array[]> {
    await this.#step((done) => this.#stream.write(piece, done));
    this.#fedBytes += piece.length;
    if (this.#ended) throw this.#trailing();
    return this.#taken();
  }

  /**
   * Ends the stream; returns the last of its output.
   *
   * @throws {LayerwrightError} `COMPRESSION_INVALID` if it is cut short.
   */
  async finish(): Promise<Uint8Array[]> {
    await this.#step(() => this.#stream.end());
    if (this.#stream.bytesWritten < this.#fedBytes) throw this.#trailing();
    return this.#taken();
  }

  /** Frees the decompressor. */
  close(): void {
    this.#stream.destroy();
  }

  async #step(act: (done: () => void) => void): Promise<void> {
    if (!this.#ended && this.#error === undefined) {
      await new Promise<void>((resolve) => {
        this.#settle = resolve;
        act(resolve);
      });
    }
    if (this.#error !== undefined) {
      throw damagedStream(this.#format, this.#error.message, this.#error);
    }
  }

  /** zlib ignores what follows a zero byte; Go's reader, and with it every container engine, refuses the blob. */
  #trailing(): Error {
    return damagedStream(this.#format, "bytes follow its end");
  }

  #taken(): Uint8Array[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }
}
