/**
 * How much two steps have in common: tells which earlier step a changed one was.
 *
 * @module
 */
import { isEqualJson } from "./first_difference.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What the parts of a step count. */
const WEIGHTS: ReadonlyMap<string, Readonly<Record<string, number>>> = new Map([
  ["run", { args: 8, root: 4, environment: 2, mounts: 1 }],
  ["copy", { names: 4, destination: 2, onto: 1 }],
  ["file", { paths: 4, destination: 1 }],
  ["diff", { lower: 4, upper: 4 }],
]);

/** What a person knows a step by; one of them is enough. */
const MARKS: ReadonlyMap<string, readonly string[]> = new Map([
  ["run", ["args"]],
  ["copy", ["names", "destination"]],
  ["file", ["paths"]],
  ["diff", ["lower", "upper"]],
]);

/** A step at the place where the earlier one was. */
const SAME_PLACE = 3;

/**
 * Scores an earlier step against a later one of the same kind.
 *
 * @param isSamePlace The earlier step was at the same place of the recipe.
 * @returns 0 when nothing says that they are one step.
 */
export function likeness(before: unknown, after: unknown, isSamePlace: boolean): number {
  const [old, now] = [traits(before), traits(after)];
  const weights = WEIGHTS.get(String(now.kind)) ?? {};
  let score = 0;
  for (const [name, weight] of Object.entries(weights)) {
    score += weight * share(old[name], now[name]);
  }
  if (isRecognized(String(now.kind), old, now)) return score + (isSamePlace ? SAME_PLACE : 0);
  // Steps are inserted: a copy of other files to another destination is another step, even in its place.
  return isSamePlace && now.kind !== "copy" ? score + SAME_PLACE : 0;
}

/** Whether the steps share what a person would know them by, wherever they are. */
function isRecognized(kind: string, old: Fields, now: Fields): boolean {
  return (MARKS.get(kind) ?? []).some((name) => share(old[name], now[name]) > 0);
}

/** A preimage with the names of the files it is about. */
function traits(preimage: unknown): Fields {
  const fields = typeof preimage === "object" && preimage !== null ? preimage as Fields : {};
  const names = Array.isArray(fields.names) ? new Set(fields.names) : undefined;
  return { ...fields, names, paths: pathsOf(fields.actions) };
}

function pathsOf(value: unknown): Set<unknown> | undefined {
  return Array.isArray(value) ? new Set(value.map((item) => Object(item).path)) : undefined;
}

/** 1 for equal values, a half for names of which some are the same. */
function share(before: unknown, after: unknown): number {
  if (before instanceof Set && after instanceof Set) {
    if (before.symmetricDifference(after).size === 0) return 1;
    return before.isDisjointFrom(after) ? 0 : 0.5;
  }
  return before !== undefined && isEqualJson(before, after) ? 1 : 0;
}
