/**
 * Names of builds that people can type and that sort by time.
 *
 * @module
 */
import { randomInt } from "node:crypto";

/** Crockford's: no letters that look like digits, and in the order of their values. */
const DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH = 10;
/** So many names for one millisecond. */
const NAMES_PER_MS = 256;

/**
 * Makes the name of a build: ten digits in base 32, the time first. Of two builds of different milliseconds the later one
 * sorts later.
 *
 * @param startedMs Milliseconds since the epoch, before the year 2109.
 */
export function newBuildId(startedMs: number): string {
  let value = startedMs * NAMES_PER_MS + randomInt(NAMES_PER_MS);
  let id = "";
  for (let digit = 0; digit < LENGTH; digit += 1) {
    id = (DIGITS[value % DIGITS.length] ?? "") + id;
    value = Math.floor(value / DIGITS.length);
  }
  return id;
}

/**
 * When a build started, by its name.
 *
 * @returns Milliseconds since the epoch; undefined for what is no name of a build.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { buildTime, newBuildId } from "./build_id.ts";
 * assert.equal(buildTime(newBuildId(1_700_000_000_123)), 1_700_000_000_123);
 * assert.equal(buildTime("latest"), undefined);
 * ```
 */
export function buildTime(id: string): number | undefined {
  if (id.length !== LENGTH) return undefined;
  let value = 0;
  for (const digit of id) {
    const place = DIGITS.indexOf(digit);
    if (place < 0) return undefined;
    value = value * DIGITS.length + place;
  }
  return Math.floor(value / NAMES_PER_MS);
}
