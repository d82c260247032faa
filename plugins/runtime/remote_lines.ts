/**
 * Lines over streams of bytes, bounded in both directions.
 *
 * @module
 */
const NEWLINE = 0x0a;

/**
 * Cuts bytes into lines, without their ends; what follows the last end of line is dropped. Reads on only when it is
 * asked for more, so that whoever works through the lines holds up whoever writes them.
 *
 * @throws {RangeError} for a line of more than `limitBytes`.
 */
export async function* readLines(
  input: AsyncIterable<Uint8Array>,
  limitBytes: number,
): AsyncGenerator<string, void, void> {
  let pieces: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of input) {
    let start = 0;
    for (
      let end = chunk.indexOf(NEWLINE);
      end !== -1;
      start = end + 1, end = chunk.indexOf(NEWLINE, start)
    ) {
      checkLength(length + end - start);
      yield Buffer.concat([...pieces, chunk.subarray(start, end)]).toString("utf8");
      pieces = [];
      length = 0;
    }
    length += chunk.length - start;
    checkLength(length);
    // The stream may use its buffer again.
    if (start < chunk.length) pieces.push(chunk.slice(start));
  }

  function checkLength(bytes: number): void {
    if (bytes > limitBytes) throw new RangeError(`a line has more than ${limitBytes} bytes`);
  }
}

/** Writes lines one after the other. */
export class LineWriter {
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  #last: Promise<void> = Promise.resolve();
  #isBroken = false;

  /** @param write Resolves when there is room for more; rejects when nobody reads any more. */
  constructor(write: (bytes: Uint8Array) => Promise<void>) {
    this.#write = write;
  }

  /** True once nobody reads any more. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Writes a value. @returns When it is written, or never will be: wait for it to keep memory small. */
  send(value: unknown): Promise<void> {
    const bytes = new TextEncoder().encode(`${JSON.stringify(value)}\n`);
    this.#last = this.#last.then(async () => {
      if (this.#isBroken) return;
      try {
        await this.#write(bytes);
      } catch {
        this.#isBroken = true;
      }
    });
    return this.#last;
  }

  /** Resolves when all that was sent is written. */
  flushed(): Promise<void> {
    return this.#last;
  }
}
