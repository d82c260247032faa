import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "node:test";
import { splitCommaFields } from "../../../plugins/cli/comma_fields.ts";

test("splitCommaFields() reads back what is quoted as CSV (seed 1710)", () => {
  const quote = (field: string): string =>
    /[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
  fc.assert(
    fc.property(
      fc.array(
        fc.string({ unit: fc.constantFrom("a", "=", ",", '"', " ", "é", "\n"), maxLength: 8 }),
        {
          minLength: 1,
          maxLength: 6,
        },
      ),
      (fields) => {
        assert.deepEqual(splitCommaFields(fields.map(quote).join(",")), fields);
      },
    ),
    { seed: 1710, numRuns: 500 },
  );
});

test("splitCommaFields() refuses quotes out of place", () => {
  for (const text of ['"a', 'a"b', '"a"b', 'a,"']) {
    assert.throws(() => splitCommaFields(text), { code: "OPTION_INVALID" });
  }
});
