/**
 * Whether an explanation of the cache tells the truth, by the records of {@link modelOf}.
 *
 * @module
 */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import type { StepExplanation } from "../../mod.ts";
import type { ModelRecord } from "./cache_model.ts";

/** The order in which inputs are asked for. */
const FIELDS: Readonly<Record<ModelRecord["kind"], readonly string[]>> = {
  copy: ["destination", "onto", "items", "intoDirectory", "createdMode"],
  file: ["actions", "destination", "entries"],
  diff: ["lower", "upper"],
};

/** A source of a copy. */
interface ModelItem {
  readonly isDirectory: boolean;
  /** One without a path is a file that does not keep its name. */
  readonly entries: readonly { readonly path: string }[];
}

/**
 * Checks that the input named is the first in which the step differs from some earlier one, and that the values shown
 * are theirs.
 *
 * @param earlier All records that the store may hold.
 */
export function assertTrue(
  { name, reason, difference }: StepExplanation,
  record: ModelRecord,
  earlier: readonly ModelRecord[],
): void {
  if (difference === undefined) {
    assert.equal(reason, "no earlier result of this step");
    return;
  }
  const fields = FIELDS[record.kind];
  const [field = ""] = difference.path.split(".");
  const before = fields.slice(0, fields.indexOf(field));
  assert.ok(fields.includes(field), `${name}: ${reason}: "${field}" is no input`);
  const candidates = earlier.filter((old) =>
    old.kind === record.kind && !isSame(field, old, record) &&
    before.every((same) => isSame(same, old, record))
  );
  assert.ok(candidates.length > 0, `${name}: ${reason}: no earlier step differs in that first`);
  assert.ok(
    candidates.some((old) =>
      holds(field, difference.before, old) && holds(field, difference.after, record)
    ),
    `${name}: ${reason}: ${JSON.stringify(difference)} is in no pair of steps`,
  );
}

/** Whether two records do not differ in a field; whether a file keeps its name is a matter of other fields. */
function isSame(field: string, old: ModelRecord, record: ModelRecord): boolean {
  const values = [old[field], record[field]];
  if (isDeepStrictEqual(values[0], values[1])) return true;
  if (field !== "items") return false;
  const lists = values as readonly (readonly ModelItem[])[];
  if (!lists.flat().some(({ entries }) => entries[0]?.path === "")) return false;
  const [before, after] = lists.map((items) =>
    items.map(({ isDirectory, entries }) => ({
      isDirectory,
      entries: isDirectory ? entries : entries.map((entry) => ({ ...entry, path: "" })),
    }))
  );
  return isDeepStrictEqual(before, after);
}

/** Whether a record has a value where an explanation found it. */
function holds(field: string, shown: unknown, record: ModelRecord): boolean {
  // Stacks of layers are shown by digests that the model does not have.
  if (shown === undefined || record.kind === "diff") return true;
  // As it is stored: fields that are undefined are none.
  const value: unknown = JSON.parse(JSON.stringify(shown));
  const whole = record[field];
  if (field === "items") {
    const items = whole as readonly ModelItem[];
    if (typeof value === "string") return record.names?.join(" ") === value;
    return items.some(({ isDirectory, entries }, index) =>
      entries.some((entry) => isDeepStrictEqual(entry, value)) ||
      (isDirectory && isDeepStrictEqual(value, { type: "directory", path: record.names?.[index] }))
    );
  }
  const parts = typeof whole === "object" && whole !== null ? Object.values(whole) : [];
  return [whole, ...parts].some((part) => isDeepStrictEqual(part, value));
}
