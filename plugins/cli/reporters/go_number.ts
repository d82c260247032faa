/**
 * Numbers as Go prints them, so that logs scraped for BuildKit's output read the same here.
 *
 * @module
 */

/**
 * Prints a number with a fixed count of decimals, exact ties to even as Go's `%.1f` does; `toFixed` rounds them up.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { fixedDecimals } from "./go_number.ts";
 * assert.deepEqual([fixedDecimals(0.25, 1), fixedDecimals(0.75, 1), fixedDecimals(0.35, 1)], ["0.2", "0.8", "0.3"]);
 * ```
 */
export function fixedDecimals(value: number, decimals: number): string {
  // Only odd multiples of 2^-(decimals+1) lie exactly between two decimal neighbours, and this product is exact.
  if (Math.abs(value * 2 ** (decimals + 1)) % 2 !== 1) return value.toFixed(decimals);
  const below = Math.floor(value * 10 ** decimals);
  return ((below % 2 === 0 ? below : below + 1) / 10 ** decimals).toFixed(decimals);
}

/** Milliseconds as seconds with one decimal and the unit: `0.3s`. */
export function secondsText(milliseconds: number): string {
  return `${fixedDecimals(milliseconds / 1000, 1)}s`;
}

/** The time before a log line: fewer decimals as it grows, as BuildKit prints it. */
export function logTimeText(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  return fixedDecimals(seconds, seconds < 10 ? 3 : seconds < 100 ? 2 : 1);
}

/** A size in decimal units with two decimals (`2.05kB`), whole below 1 kB (`31B`). */
export function byteText(sizeBytes: number): string {
  let value = sizeBytes;
  let unit = 0;
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  while (value >= 1000 && unit < units.length - 1) {
    unit += 1;
    value = sizeBytes / 1000 ** unit;
  }
  return `${unit === 0 ? value : fixedDecimals(value, 2)}${units[unit]}`;
}

/** What a status says besides its name: ` 1.20MB / 3.00MB`, ` 31B`, or nothing at all. */
export function amountText(current: number, total: number | undefined): string {
  if (total !== undefined && total !== 0) return `${byteText(current)} / ${byteText(total)}`;
  return current === 0 ? "" : byteText(current);
}
