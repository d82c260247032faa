/**
 * The name somebody probably meant.
 *
 * @module
 */

/** Names looked at, at most: a suggestion is not worth more. */
const MAX_CANDIDATES = 5000;

/**
 * Finds the candidate that takes the fewest single-character insertions, deletions, replacements and swaps of
 * neighbours to reach, if these are at most a third of the name (and one at least).
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { nearestName } from "./nearest_name.ts";
 * assert.equal(nearestName("app.js", ["app.mjs", "main.js"]), "app.mjs");
 * assert.equal(nearestName("app.js", ["README.md"]), undefined);
 * ```
 */
export function nearestName(name: string, candidates: readonly string[]): string | undefined {
  let limit = Math.max(1, Math.floor(name.length / 3));
  let nearest: string | undefined;
  for (const candidate of candidates.slice(0, MAX_CANDIDATES)) {
    if (Math.abs(candidate.length - name.length) > limit) continue;
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance > limit || (distance === limit && nearest !== undefined)) continue;
    limit = distance;
    nearest = candidate;
  }
  return nearest;
}

/** Optimal string alignment distance. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(cost);
    }
    [beforeLast, last] = [last, current];
  }
  return last[b.length] ?? 0;
}
