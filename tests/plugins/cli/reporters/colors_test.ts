import assert from "node:assert/strict";
import { test } from "node:test";
import { colorsOf, paint } from "../../../../plugins/cli/reporters/colors.ts";

test("colorsOf() takes names, light ones and triples, and leaves out the rest", () => {
  const { run, cancel, error, warning } = colorsOf({
    BUILDKIT_COLORS:
      "run=light-cyan:cancel=DEFAULT:error=1,2,300:warning=1,22,255:faint=red:nonsense",
  });
  assert.deepEqual({ run, cancel, error, warning }, {
    run: "96",
    cancel: "39",
    error: "31",
    warning: "38;2;1;22;255",
  });
});

test("colorsOf() obeys NO_COLOR unless it is empty", () => {
  assert.equal(colorsOf({ NO_COLOR: "0", BUILDKIT_COLORS: "run=red" }).run, "");
  assert.equal(colorsOf({ NO_COLOR: "" }).run, "34");
});

test("paint() adds nothing for no colour", () => {
  assert.equal(paint("x", ""), "x");
  assert.equal(paint("x", "31"), "\u001b[31mx\u001b[0m");
});
