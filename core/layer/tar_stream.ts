/**
 * The bytes of an archive that arrives in pieces of any size, and of one member in it.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import type { MemberHeader } from "./tar_members.ts";
import { paddingBytes } from "./tar_header.ts";
import type { Extent } from "./tar_sparse.ts";

const NONE = new Uint8Array();
const ZEROS = new Uint8Array(1 << 16);

/** A stream read by length. */
export class StreamInput {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #piece: Uint8Array = NONE;
  #ended = false;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  /** The next bytes, at most `max`, uncopied; empty at the end. */
  async take(max: number): Promise<Uint8Array> {
    while (this.#piece.length === 0) {
      if (this.#ended) return NONE;
      const next = await this.#iterator.next();
      if (next.done === true) this.#ended = true;
      else this.#piece = next.value;
    }
    const taken = this.#piece.subarray(0, max);
    this.#piece = this.#piece.subarray(taken.length);
    return taken;
  }

  /** The next `size` bytes, fewer only at the end. */
  async read(size: number): Promise<Uint8Array> {
    const first = await this.take(size);
    if (first.length === size || first.length === 0) return first;
    const bytes = new Uint8Array(size);
    bytes.set(first);
    let length = first.length;
    while (length < size) {
      const more = await this.take(size - length);
      if (more.length === 0) break;
      bytes.set(more, length);
      length += more.length;
    }
    return bytes.subarray(0, length);
  }

  /** Passes over `size` bytes; returns how many there were. */
  async skip(size: number): Promise<number> {
    let skipped = 0;
    while (skipped < size) {
      const bytes = await this.take(size - skipped);
      if (bytes.length === 0) break;
      skipped += bytes.length;
    }
    return skipped;
  }

  /** Reads to the end and forgets it all. */
  async drain(): Promise<void> {
    await this.skip(Infinity);
  }

  /** Tells the source that no more is wanted, unless it ended by itself. */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#piece = NONE;
    await this.#iterator.return?.();
  }
}

/** The content of the member that the stream stands at. */
export class MemberBody {
  readonly #input: StreamInput;
  readonly #member: MemberHeader;
  #state: "unread" | "read" | "passed" = "unread";
  #remaining: number;

  constructor(input: StreamInput, member: MemberHeader) {
    this.#input = input;
    this.#member = member;
    this.#remaining = member.storedBytes;
  }

  /** The file's bytes, holes included. */
  async *pieces(): AsyncGenerator<Uint8Array> {
    if (this.#state !== "unread") {
      throw this.#invalid(
        this.#state === "read" ? "its content was read before" : "it was passed over",
      );
    }
    this.#state = "read";
    const { sparse, entry, storedBytes } = this.#member;
    const extents: readonly Extent[] = sparse?.extents ?? [{ offset: 0, length: storedBytes }];
    let position = 0;
    for (const { offset, length } of extents) {
      yield* zeros(offset - position);
      for (let done = 0; done < length;) {
        const piece = await this.#take(length - done);
        done += piece.length;
        yield piece;
      }
      position = offset + length;
    }
    if (sparse !== undefined) yield* zeros(entry.sizeBytes - position);
  }

  /** Passes over what was not read, and the padding. */
  async finish(): Promise<void> {
    this.#state = "passed";
    while (this.#remaining > 0) await this.#take(this.#remaining);
    // An archive may end right behind its last content.
    await this.#input.skip(paddingBytes(this.#member.storedBytes));
  }

  async #take(max: number): Promise<Uint8Array> {
    if (this.#state === "passed" && max > this.#remaining) {
      throw this.#invalid("it was passed over");
    }
    const piece = await this.#input.take(max);
    if (piece.length === 0) {
      const { storedBytes } = this.#member;
      const found = storedBytes - this.#remaining;
      throw this.#invalid(`its content ends after ${found} of ${storedBytes} bytes`);
    }
    this.#remaining -= piece.length;
    return piece;
  }

  #invalid(why: string): LayerwrightError {
    const { number, rawPath } = this.#member;
    return new LayerwrightError(
      "TAR_INVALID",
      `Cannot read tar member ${number} ${JSON.stringify(rawPath)}: ${why}`,
    );
  }
}

function* zeros(length: number): Generator<Uint8Array> {
  for (let done = 0; done < length; done += ZEROS.length) {
    yield ZEROS.subarray(0, Math.min(ZEROS.length, length - done));
  }
}
