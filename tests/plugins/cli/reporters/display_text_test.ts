import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "node:test";
import {
  displayText,
  fitText,
  oneLine,
  textWidth,
} from "../../../../plugins/cli/reporters/display_text.ts";

test("displayText() removes every control character, whatever the text (seed 1702)", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 80 }), (text) => {
      assert.doesNotMatch(displayText(text), /\p{Cc}/u);
    }),
    { seed: 1702, numRuns: 500 },
  );
});

test("displayText() keeps what is not control, and the last state of an overwritten line", () => {
  const cases = [
    ["plain ünïcode 漢字", "plain ünïcode 漢字"],
    ["a\tb", "a    b"],
    ["10%\r20%\r", "20%"],
    ["\r\r", ""],
    ["\u001b[1;31mred\u001b[0m", "red"],
    ["\u001b]8;;http://x\u0007link\u001b]8;;\u001b\\", "link"],
    ["\u001bPq#0\u001b\\after", "after"],
    ["\u009b2Jc1", "c1"],
    ["cut \u001b[", "cut "],
    ["\u001b(Bascii", "ascii"],
    ["user\u202etxt.exe", "usertxt.exe"],
  ] as const;
  for (const [text, expected] of cases) assert.equal(displayText(text), expected);
});

test("displayText() and oneLine() take time in proportion to the text", () => {
  // Patterns that backtrack would need minutes for these.
  const hostile = ["\r", " ", "\u001b]", "\u001b[1", "\n "].map((part) =>
    `${part.repeat(60_000)}x`
  );
  for (const text of hostile) {
    assert.ok(displayText(text).length <= text.length);
    assert.ok(oneLine(text).length <= text.length);
  }
});

test("fitText() is the longest beginning that fits (seed 1703)", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 30 }), fc.nat(40), (text, columns) => {
      const fitted = fitText(text, columns);
      assert.ok(text.startsWith(fitted));
      assert.ok(textWidth(fitted) <= columns);
      const next = [...text.slice(fitted.length)][0];
      if (next !== undefined) assert.ok(textWidth(fitted + next) > columns);
    }),
    { seed: 1703, numRuns: 300 },
  );
});

test("textWidth() counts wide characters twice and combining ones not at all", () => {
  assert.equal(textWidth("漢字"), 4);
  assert.equal(textWidth("e\u0301"), 1);
  assert.equal(textWidth("🚀"), 2);
  assert.equal(textWidth("─é"), 2);
});
