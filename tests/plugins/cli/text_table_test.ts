import assert from "node:assert/strict";
import { test } from "node:test";
import { textTable } from "../../../plugins/cli/text_table.ts";

test("textTable() pads by what characters take on a terminal, and leaves no trailing blanks", () => {
  assert.equal(
    textTable([["STEP", "OUTCOME"], ["漢字", "run"], ["\u001b[31mred\nline", ""]]),
    "STEP       OUTCOME\n漢字       run\nred line\n",
  );
});
