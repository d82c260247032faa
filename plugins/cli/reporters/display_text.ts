/**
 * Text that is safe and of known width on a terminal. What steps print and what recipes name their stages is
 * not trusted: a control sequence could move the cursor, rewrite the lines above, or ask the terminal to answer
 * into the user's shell.
 *
 * @see ECMA-48, 5.3 to 5.6 (control sequences and control strings)
 * @module
 */

const ESCAPE = "\u001b";
const CONTROL_SEQUENCES = new RegExp(
  [
    // Operating system commands and the other strings run up to BEL or ST.
    `(?:${ESCAPE}[\\]PX^_]|[\\u009d\\u0090\\u0098\\u009e\\u009f])[^\\u0007\\u001b\\u009c]*(?:\\u0007|\\u009c|${ESCAPE}\\\\)?`,
    // Control sequences: parameters, intermediates, one final byte.
    `(?:${ESCAPE}\\[|\\u009b)[0-?]*[ -/]*[@-~]?`,
    // Two-character and charset escapes.
    `${ESCAPE}[ -/]*[0-~]?`,
  ].join("|"),
  "g",
);
// C0 and C1, and what reorders or hides text (bidirectional controls): "Trojan Source", CVE-2021-42574.
const CONTROLS = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Makes one line of text harmless: no control sequence, no control character; after a carriage return only
 * what overwrote the line is kept, so that a progress bar shows its last state.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { displayText } from "./display_text.ts";
 * assert.equal(displayText("10%\r\u001b[2K\u001b[31m90%\u001b[0m\u001b]0;owned\u0007"), "90%");
 * ```
 */
export function displayText(line: string): string {
  // No pattern here can backtrack: a line is as long as its writer likes.
  const text = line.replace(CONTROL_SEQUENCES, "");
  let end = text.length;
  while (text[end - 1] === "\r") end -= 1;
  return text.slice(text.lastIndexOf("\r", end - 1) + 1, end)
    .replace(/\t/g, "    ")
    .replace(/[\u2028\u2029]/g, " ")
    .replace(CONTROLS, "");
}

/** Folds text of several lines into one, for names and error messages that must stay on theirs. */
export function oneLine(text: string): string {
  return text.split(/[\r\n]/).map((line) => line.trim()).filter((line) => line !== "").join(" ");
}

const ZERO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
const WIDE =
  /^(?:\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}])$/u;

function characterWidth(character: string): number {
  if (character < "\u0300") return 1;
  if (ZERO_WIDTH.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** How many columns a line of harmless text takes. */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/** The longest beginning of a line that fits into so many columns. */
export function fitText(text: string, columns: number): string {
  let width = 0;
  let end = 0;
  for (const character of text) {
    width += characterWidth(character);
    if (width > columns) break;
    end += character.length;
  }
  return text.slice(0, end);
}
