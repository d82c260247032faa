/**
 * Texts as Go's fmt package prints them: history is full of them, and tools compare them.
 *
 * @see Go, strconv.Quote and time.Duration.String
 * @module
 */
import { isGoPrintable } from "./go_printable.ts";

const ESCAPES: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
  '"': '\\"',
};

/**
 * Quotes as `%q` does.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { goQuote } from "./go_format.ts";
 * assert.equal(goQuote('a"\u{1}\u{200b}é\n'), String.raw`"a\"\x01\u200bé\n"`);
 * ```
 */
export function goQuote(text: string): string {
  return `"${Array.from(text.toWellFormed(), quoteCharacter).join("")}"`;
}

/** Lists as `%q` does for a slice of strings. */
export function goQuoteList(texts: readonly string[]): string {
  return `[${texts.map(goQuote).join(" ")}]`;
}

/** Prints a duration: `1h0m0s`, `1m30s`, `1.5s`, `250ms`, `0s`. */
export function goDuration(ms: number): string {
  if (ms === 0) return "0s";
  if (ms < 1000) return `${ms}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor(ms / 60_000) % 60;
  const seconds = `${(ms % 60_000) / 1000}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}

function quoteCharacter(character: string): string {
  const short = ESCAPES[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0) ?? 0;
  if (isGoPrintable(code)) return character;
  const hex = code.toString(16);
  if (code < 0x20 || code === 0x7f) return `\\x${hex.padStart(2, "0")}`;
  return code > 0xffff ? `\\U${hex.padStart(8, "0")}` : `\\u${hex.padStart(4, "0")}`;
}
