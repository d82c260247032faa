/**
 * Secret values taken out of a stream of bytes.
 *
 * @module
 */
import type { PartSearch } from "./part_search.ts";

/** Shorter values are not masked: they would be found everywhere, and say little. */
const SHORTEST_MASKED_BYTES = 4;

/** What stands for a value. */
const MASK: Uint8Array = new TextEncoder().encode("***");

const NEWLINE = 0x0a;

/**
 * What of some values must not be seen: each without white space at its ends, and each of its lines likewise, since
 * programs print texts line by line, indented or with a prefix. Parts shorter than {@link SHORTEST_MASKED_BYTES} are
 * left out.
 */
export function maskedParts(values: Iterable<Uint8Array>): readonly Uint8Array[] {
  const parts = new Map<string, Uint8Array>();
  for (const value of values) {
    for (const part of [value, ...linesOf(value)]) {
      const trimmed = trim(part);
      if (trimmed.length < SHORTEST_MASKED_BYTES) continue;
      parts.set(Buffer.from(trimmed).toString("latin1"), trimmed);
    }
  }
  return [...parts.values()];
}

function linesOf(value: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let start = 0; start < value.length;) {
    const newline = value.indexOf(NEWLINE, start);
    const end = newline < 0 ? value.length : newline;
    lines.push(value.subarray(start, end));
    start = end + 1;
  }
  return lines;
}

function trim(bytes: Uint8Array): Uint8Array {
  const isSpace = (byte: number | undefined): boolean =>
    byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d);
  let [start, end] = [0, bytes.length];
  while (start < end && isSpace(bytes[start])) start++;
  while (end > start && isSpace(bytes[end - 1])) end--;
  return bytes.subarray(start, end);
}

/**
 * Replaces parts by `***` in a stream, also where they come in pieces or overlap. What may be the beginning of one is
 * held back until it is decided.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { Masker, maskedParts } from "./mask.ts";
 * import { PartSearch } from "./part_search.ts";
 * const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
 * let seen = "";
 * const masker = new Masker(new PartSearch(maskedParts([bytes("hunter2\n")])), (piece) => {
 *   seen += new TextDecoder().decode(piece);
 * });
 * masker.write(bytes("password hunt"));
 * masker.write(bytes("er2, hunter"));
 * masker.end();
 * assert.equal(seen, "password ***, hunter");
 * ```
 */
export class Masker {
  readonly #search: PartSearch;
  readonly #write: (bytes: Uint8Array) => void;
  /** Where the search is. */
  #node = 0;
  /** The end of the stream that is not passed on yet. */
  #held: Uint8Array = new Uint8Array(0);
  /** So many bytes at its front belong to a part that a mask was written for. */
  #covered = 0;
  /** Parts found in it, behind what may be the beginning of another. */
  #matches: (readonly [start: number, end: number])[] = [];

  /** @param search For the parts. */
  constructor(search: PartSearch, write: (bytes: Uint8Array) => void) {
    this.#search = search;
    this.#write = write;
  }

  write(bytes: Uint8Array): void {
    const before = this.#held.length;
    const buffer = before === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    this.#node = this.#search.read(this.#node, bytes, (end, length) => {
      this.#matches.push([before + end - length, before + end]);
    });
    this.#pass(buffer, buffer.length - this.#search.undecided(this.#node));
  }

  /** Passes on what was held back. */
  end(): void {
    this.#pass(this.#held, this.#held.length);
    this.#node = 0;
  }

  /** Passes on the first `length` bytes. No part that begins among them is incomplete. */
  #pass(buffer: Uint8Array, length: number): void {
    const matches = this.#matches.sort(([a], [b]) => a - b);
    const passed: Uint8Array[] = [];
    let at = Math.min(this.#covered, length);
    let covered = this.#covered;
    for (const [start, end] of matches) {
      if (start >= length) break;
      if (start >= covered) {
        // Two parts side by side are two masks; one inside or across the end of another is none of its own.
        passed.push(buffer.subarray(at, start), MASK);
      }
      covered = Math.max(covered, end);
      at = Math.min(covered, length);
    }
    passed.push(buffer.subarray(at, length));
    const bytes = Buffer.concat(passed);
    if (bytes.length > 0) this.#write(bytes);
    this.#matches = matches.flatMap(([start, end]) =>
      start < length ? [] : [[start - length, end - length] as const]
    );
    this.#covered = Math.max(0, covered - length);
    this.#held = buffer.slice(length);
  }
}

/** A text without the parts. */
export function maskText(text: string, search: PartSearch): string {
  if (search.isEmpty) return text;
  const pieces: Uint8Array[] = [];
  const masker = new Masker(search, (piece) => pieces.push(piece));
  masker.write(new TextEncoder().encode(text));
  masker.end();
  return new TextDecoder().decode(Buffer.concat(pieces));
}
