import assert from "node:assert/strict";
import { test } from "node:test";
import {
  byteText,
  fixedDecimals,
  logTimeText,
  secondsText,
} from "../../../../plugins/cli/reporters/go_number.ts";

test("fixedDecimals() rounds exact ties to even, as fmt.Sprintf in Go", () => {
  // Printed by Go 1.26: fmt.Printf("%.1f %.2f …").
  const cases = [
    [0.25, 1, "0.2"],
    [0.35, 1, "0.3"],
    [0.75, 1, "0.8"],
    [1.25, 1, "1.2"],
    [2.5, 0, "2"],
    [0.125, 2, "0.12"],
    [0.375, 2, "0.38"],
    [1.005, 2, "1.00"],
    [9.9995, 3, "9.999"],
    [0.0625, 3, "0.062"],
    [0, 1, "0.0"],
  ] as const;
  for (const [value, decimals, expected] of cases) {
    assert.equal(fixedDecimals(value, decimals), expected);
  }
});

test("secondsText() and logTimeText() have BuildKit's precision", () => {
  assert.equal(secondsText(49), "0.0s");
  assert.equal(secondsText(65_432), "65.4s");
  assert.deepEqual([9999, 10_000, 99_990, 100_000].map(logTimeText), [
    "9.999",
    "10.00",
    "99.99",
    "100.0",
  ]);
});

test("byteText() uses decimal units, whole bytes below one", () => {
  assert.deepEqual(
    [0, 999, 1000, 2048, 1_125, 3_500_000, 2e15, 5e18].map(byteText),
    ["0B", "999B", "1.00kB", "2.05kB", "1.12kB", "3.50MB", "2.00PB", "5000.00PB"],
  );
});
