/**
 * Sizes and durations, as docker and Go spell them.
 *
 * @see docker/go-units, RAMInBytes; Go, time.ParseDuration
 * @module
 */
import { LayerwrightError } from "../../core/errors.ts";

const BYTES: Readonly<Record<string, number>> = {
  "": 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
  p: 2 ** 50,
};
const MILLISECONDS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/**
 * Reads a size: `512m`, `1.5g`, `64MiB`, `1024b`; a number alone is bytes. All units are powers of 1024.
 *
 * @param option The option it belongs to, for the error.
 * @returns Bytes, at least 1.
 * @throws {LayerwrightError} `OPTION_INVALID` for anything else.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseSize } from "./quantities.ts";
 * assert.equal(parseSize("--shm-size", "64m"), 67_108_864);
 * ```
 */
export function parseSize(option: string, text: string): number {
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text) ?? [];
  const bytes = Math.floor(Number(number) * (BYTES[unit.toLowerCase()] ?? 1));
  if (number !== "" && bytes >= 1 && Number.isSafeInteger(bytes)) return bytes;
  throw new LayerwrightError(
    "OPTION_INVALID",
    `Cannot use ${option} ${JSON.stringify(text)}: not a size`,
    { hint: "write a number of bytes from 1, or one with k, m or g: 512m" },
  );
}

/**
 * Prints a size as docker does: four digits, powers of 1000.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { shownSize } from "./quantities.ts";
 * assert.equal(shownSize(1_234_567), "1.235MB");
 * ```
 */
export function shownSize(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let size = bytes;
  let unit = 0;
  for (; size >= 1000 && unit < units.length - 1; unit++) size /= 1000;
  return `${Number(size.toPrecision(4))}${units[unit]}`;
}

/**
 * Reads a duration: `90s`, `5m`, `1h30m`, `500ms`.
 *
 * @param option The option it belongs to, for the error.
 * @returns Milliseconds, at least 1.
 * @throws {LayerwrightError} `OPTION_INVALID` for anything else, such as a number without a unit.
 */
export function parseDuration(option: string, text: string): number {
  const isDuration = /^(?:\d+(?:\.\d+)?(?:ms|[smh]))+$/.test(text);
  const parts = isDuration ? text.matchAll(/(\d+(?:\.\d+)?)(ms|[smh])/g) : [];
  let total = 0;
  for (const [, number, unit = ""] of parts) total += Number(number) * (MILLISECONDS[unit] ?? 0);
  const milliseconds = Math.round(total);
  if (milliseconds >= 1 && Number.isSafeInteger(milliseconds)) return milliseconds;
  throw new LayerwrightError(
    "OPTION_INVALID",
    `Cannot use ${option} ${JSON.stringify(text)}: not a duration`,
    { hint: "write numbers with h, m, s or ms: 90s, 5m, 1h30m" },
  );
}
