/**
 * The first place where two JSON values differ.
 *
 * @module
 */
import { canonicalJson } from "../graph/canonical_json.ts";

/** One place where two values differ. A value is absent where it exists on one side only. */
export interface Difference {
  /** Property names and indexes from the root, as in `files.3.content`. */
  readonly path: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

/**
 * Finds the first place, in the order of the earlier value's properties and then the later one's new ones,
 * where two JSON values differ. Arrays of objects with a `path` are compared by it, not by position: a file added
 * at the top is one difference, not a shift of all.
 *
 * @returns undefined for equal values.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { firstDifference } from "./first_difference.ts";
 * const before = { env: ["A=1"], files: [{ path: "b", mode: 420 }] };
 * const after = { env: ["A=1"], files: [{ path: "a", mode: 420 }, { path: "b", mode: 420 }] };
 * assert.equal(firstDifference(before, after)?.path, "files.a");
 * ```
 */
export function firstDifference(
  before: unknown,
  after: unknown,
  path = "",
): Difference | undefined {
  const left = childrenOf(before);
  const right = childrenOf(after);
  if (left === undefined || right === undefined || Array.isArray(before) !== Array.isArray(after)) {
    return isEqualJson(before, after) ? undefined : { path, before, after };
  }
  for (const name of new Set([...left.keys(), ...right.keys()])) {
    const below = path === "" ? name : `${path}.${name}`;
    const [one, other] = [left.get(name), right.get(name)];
    // In canonical JSON, absent and undefined are the same, and null is something else.
    if (one === undefined && other === undefined) continue;
    if (one === undefined || other === undefined) {
      return { path: below, before: one, after: other };
    }
    const found = firstDifference(one, other, below);
    if (found !== undefined) return found;
  }
  // The same parts by name; what is left is their order, which only arrays have.
  if (!Array.isArray(before)) return undefined;
  const [old, now] = [[...left.keys()], [...right.keys()]];
  return old.every((name, index) => name === now[index])
    ? undefined
    : { path: path === "" ? "order" : `${path}.order`, before: old, after: now };
}

/** Whether two values are one in canonical JSON. */
export function isEqualJson(before: unknown, after: unknown): boolean {
  if (before === after) return true;
  if (before === undefined || after === undefined) return false;
  return canonicalJson(before) === canonicalJson(after);
}

/** The parts of an object or array by name; undefined for a plain value. */
function childrenOf(value: unknown): Map<string, unknown> | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (!Array.isArray(value)) return new Map(Object.entries(value));
  const byPath = new Map(value.map((item: unknown) => [nameOf(item), item]));
  // Only when each item has a path of its own do the paths say which is which.
  if (byPath.size === value.length && !byPath.has(undefined)) return byPath as Map<string, unknown>;
  return new Map(value.map((item: unknown, index) => [String(index), item]));
}

function nameOf(item: unknown): string | undefined {
  if (typeof item !== "object" || item === null || !("path" in item)) return undefined;
  return typeof item.path === "string" ? item.path : undefined;
}
