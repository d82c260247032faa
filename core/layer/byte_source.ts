/**
 * A stream of bytes read by length, one reader at a time.
 *
 * @module
 */

/** Reads an async iterable of byte pieces by as many bytes as a format asks for. */
export class ByteSource {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #held: Uint8Array = new Uint8Array(0);

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** The next bytes, which stay: `length` of them, or fewer at the end. */
  async peek(length: number): Promise<Uint8Array> {
    if (this.#held.length < length) {
      const parts = [this.#held];
      let total = this.#held.length;
      while (total < length) {
        const next = await this.#pieces.next();
        if (next.done === true) break;
        parts.push(next.value);
        total += next.value.length;
      }
      this.#held = new Uint8Array(Buffer.concat(parts, total));
    }
    return this.#held.subarray(0, length);
  }

  /** The next bytes: `length` of them, or fewer at the end. */
  async take(length: number): Promise<Uint8Array> {
    const taken = await this.peek(length);
    this.#held = this.#held.subarray(taken.length);
    return taken;
  }

  /** The next bytes as they come: at least one and at most `limit`, or undefined at the end. */
  async next(limit: number): Promise<Uint8Array | undefined> {
    while (this.#held.length === 0) {
      const next = await this.#pieces.next();
      if (next.done === true) return undefined;
      this.#held = next.value;
    }
    const taken = this.#held.subarray(0, limit);
    this.#held = this.#held.subarray(taken.length);
    return taken;
  }

  /** Tells the iterable that no more of it is wanted. */
  async close(): Promise<void> {
    await this.#pieces.return?.();
  }
}
