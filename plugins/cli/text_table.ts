/**
 * Tables as docker prints them: columns padded with blanks, no lines drawn.
 *
 * @module
 */
import { displayText, textWidth } from "./reporters/display_text.ts";

const GAP = 3;

/**
 * Prints rows under a heading; the last column is as wide as it is.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { textTable } from "./text_table.ts";
 * assert.equal(textTable([["STEP", "WHY"], ["a b", ""]]), "STEP   WHY\na b\n");
 * ```
 */
export function textTable(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => displayText(cell.split(/[\r\n]/).join(" "))));
  const widths: number[] = [];
  for (const row of cells) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, textWidth(cell));
    });
  }
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - textWidth(cell) + GAP))
      .join("");
  return cells.map((row) => `${line(row).trimEnd()}\n`).join("");
}
