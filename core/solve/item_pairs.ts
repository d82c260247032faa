/**
 * Which source of a copy is which, before and after a change.
 *
 * @module
 */

type Fields = Readonly<Record<string, unknown>>;

/** What a source was and is. */
export interface ItemPair {
  readonly was?: Fields | undefined;
  readonly is?: Fields | undefined;
}

/**
 * Pairs items by their names where these tell them apart, and those of other names that are one source all the same.
 *
 * @returns One pair for each later item, in their order, then those that are gone.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { pairItems } from "./item_pairs.ts";
 * const [a, b] = ["a", "b"].map((path) => ({ path, isDirectory: true, entries: [{ path: path + path }] }));
 * assert.deepEqual(pairItems([a!], [b!, a!]), [{ was: undefined, is: b }, { was: a, is: a }]);
 * ```
 */
export function pairItems(old: readonly Fields[], now: readonly Fields[]): ItemPair[] {
  if (!namesAreUnique(old) || !namesAreUnique(now)) {
    const length = Math.max(old.length, now.length);
    return Array.from({ length }, (_, index) => ({ was: old[index], is: now[index] }));
  }
  const olds = new Map(old.map((item) => [item.path, item]));
  const names = new Set(now.map(({ path }) => path));
  const gone = new Set(old.filter(({ path }) => !names.has(path)));
  // Wildcards list thousands of files whose names stay: those are not looked through one by one.
  const nameless = [...gone].filter((item) => !keepsName(item));
  const pairs = now.map((is): ItemPair => {
    const renamed = (was: Fields): boolean => gone.has(was) && isRenamed(was, is);
    const was = olds.get(is.path) ?? (keepsName(is) ? undefined : nameless.find(renamed));
    if (was !== undefined) gone.delete(was);
    return { was, is };
  });
  return [...pairs, ...gone.values().map((was) => ({ was }))];
}

/** Whether the name of an item is part of what it makes. */
function keepsName({ isDirectory, entries }: Fields): boolean {
  return isDirectory !== true && listOf(entries)[0]?.path !== "";
}

/** Whether two items whose names do not matter have enough in common to be one source. */
function isRenamed(was: Fields, is: Fields): boolean {
  if (was.isDirectory !== is.isDirectory) return false;
  const [olds, nows] = [listOf(was.entries), listOf(is.entries)];
  if (was.isDirectory !== true) {
    // There may be several archives, but only one file that gets another name.
    if (was.extracted !== true || is.extracted !== true) return true;
    return olds[0]?.content === nows[0]?.content;
  }
  if (olds.length === 0 || nows.length === 0) return olds.length === nows.length;
  const paths = new Set(olds.map(({ path }) => path));
  return nows.some(({ path }) => paths.has(path));
}

function namesAreUnique(items: readonly Fields[]): boolean {
  return new Set(items.map(({ path }) => path)).size === items.length;
}

function listOf(entries: unknown): readonly Fields[] {
  return Array.isArray(entries) ? entries : [];
}
