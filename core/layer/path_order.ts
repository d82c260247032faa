/**
 * Paths as bytes: the codec between a path string and the bytes of a tar or file system, and the order
 * of those bytes.
 *
 * Linux names are bytes, JavaScript strings are UTF-16. Every byte that is not part of valid UTF-8
 * stands in the string as one lone surrogate U+DC80..U+DCFF (Python's "surrogateescape"), so that no
 * name is lost or merged with another one.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";

const ESCAPE_BASE = 0xdc00;
const HIGH_UNIT = /[\ud800-\uffff]/;
const encoder = new TextEncoder();
// Without ignoreBOM a leading U+FEFF, a legal character of a name, would be dropped.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Orders two paths by the bytes they encode to, as `LC_ALL=C sort` does.
 *
 * @returns negative, 0 or positive, as `Array.prototype.sort` wants.
 * @throws {LayerwrightError} `LAYER_INVALID` if a path holds a surrogate that stands for no byte.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { comparePaths } from "./path_order.ts";
 * assert.deepEqual(["a/b", "a", "a-b", "\u{1F600}", "\uFFFD"].sort(comparePaths), [
 *   "a", "a-b", "a/b", "\uFFFD", "\u{1F600}",
 * ]);
 * ```
 */
export function comparePaths(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    // Below the surrogates UTF-16 and UTF-8 order alike; from there on only the bytes tell.
    if (x < 0xd800 && y < 0xd800) return x - y;
    return Buffer.compare(encodePath(a), encodePath(b));
  }
  return a.length - b.length;
}

/** Sorts paths in place, in the order of {@link comparePaths}. */
export function sortPaths(paths: string[]): string[] {
  let inOrder = true;
  for (let i = 1; i < paths.length && inOrder; i++) {
    inOrder = comparePaths(paths[i - 1] ?? "", paths[i] ?? "") <= 0;
  }
  // What a walk lists is nearly always in order.
  if (inOrder) return paths;
  // UTF-16 order, which engines sort natively, is byte order as long as no surrogate and nothing above them is there.
  return paths.some((path) => HIGH_UNIT.test(path)) ? paths.sort(comparePaths) : paths.sort();
}

/**
 * The bytes of a path.
 *
 * @throws {LayerwrightError} `LAYER_INVALID` for a lone surrogate outside U+DC80..U+DCFF: it stands for no byte.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { decodePath, encodePath } from "./path_order.ts";
 * assert.deepEqual(encodePath("é\udcff"), Uint8Array.of(0xc3, 0xa9, 0xff));
 * assert.equal(decodePath(Uint8Array.of(0xc3, 0xa9, 0xff)), "é\udcff");
 * ```
 */
export function encodePath(path: string): Uint8Array {
  return path.isWellFormed() ? encoder.encode(path) : encodeEscaped(path);
}

/** The string of a path's bytes; every byte sequence has one, and {@link encodePath} gives the bytes back. */
export function decodePath(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return decodeEscaped(bytes);
  }
}

function encodeEscaped(path: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of path) {
    const code = character.codePointAt(0) ?? 0;
    if (code >= 0xdc80 && code <= 0xdcff) {
      bytes.push(code - ESCAPE_BASE);
    } else if (code >= 0xd800 && code <= 0xdfff) {
      throw new LayerwrightError(
        "LAYER_INVALID",
        `Cannot use path ${
          JSON.stringify(path)
        }: it holds a lone surrogate that stands for no byte`,
      );
    } else {
      bytes.push(...encoder.encode(character));
    }
  }
  return Uint8Array.from(bytes);
}

function decodeEscaped(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length;) {
    const length = validSequenceLength(bytes, i);
    text += length === 0
      ? String.fromCharCode(ESCAPE_BASE + (bytes[i] ?? 0))
      : decoder.decode(bytes.subarray(i, i + length));
    i += Math.max(length, 1);
  }
  return text;
}

/** Length of the UTF-8 character at `start`, or 0 where there is none (RFC 3629: shortest form, no surrogates). */
function validSequenceLength(bytes: Uint8Array, start: number): number {
  const lead = bytes[start] ?? 0;
  if (lead < 0x80) return 1;
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  try {
    decoder.decode(bytes.subarray(start, start + length));
    return length;
  } catch {
    return 0;
  }
}
