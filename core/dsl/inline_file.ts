/**
 * Files whose content stands in the recipe.
 *
 * @module
 */

/** A file written in the recipe: what a Dockerfile's heredoc is. */
export interface InlineFileValue {
  readonly kind: "inline-file";
  readonly name: string;
  readonly text: string;
}

/**
 * Makes a file out of a text. It is copied like any other: under its name into a directory, else to the
 * destination itself, with mode 0644.
 *
 * @param name A file name without directories.
 * @param text Its content, written as UTF-8, nothing added.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { inlineFile } from "./inline_file.ts";
 * assert.equal(inlineFile("motd", "hello\n").text, "hello\n");
 * ```
 */
export function inlineFile(name: string, text: string): InlineFileValue {
  return Object.freeze({ kind: "inline-file", name, text });
}
