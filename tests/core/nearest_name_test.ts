import assert from "node:assert/strict";
import { test } from "node:test";
import { nearestName } from "../../core/nearest_name.ts";

test("nearestName() finds the name with the fewest edits, the first of equals", () => {
  const cases: readonly (readonly [string, readonly string[], string | undefined])[] = [
    ["app.js", ["app.mjs", "apps.js"], "app.mjs"],
    ["app.js", ["xpp.mjs", "ap.js"], "ap.js"],
    ["dsit", ["dist", "disk"], "dist"],
    ["readme.md", ["LICENSE", "README.md"], "README.md"],
    ["a", ["b"], "b"],
    ["a", ["bc"], undefined],
    ["src", ["dist", "docs"], undefined],
    ["package.json", [], undefined],
    ["", ["a"], "a"],
  ];
  for (const [name, candidates, nearest] of cases) {
    assert.equal(nearestName(name, candidates), nearest, name);
  }
});

test("nearestName() looks at no more than 5,000 names", () => {
  const many = Array.from({ length: 5000 }, (_, index) => `${index}-unlike`);
  assert.equal(nearestName("target", [...many, "targets"]), undefined);
});
