import assert from "node:assert/strict";
import { test } from "node:test";
import { goDuration, goQuote, goQuoteList } from "../../../core/graph/go_format.ts";

test("goQuote() escapes what Go escapes", () => {
  const cases: readonly [text: string, quoted: string][] = [
    ["", '""'],
    ['a"b\\c', String.raw`"a\"b\\c"`],
    ["\x07\b\f\n\r\t\v", String.raw`"\a\b\f\n\r\t\v"`],
    ["\0\x1b\x7f", String.raw`"\x00\x1b\x7f"`],
    ["é 語 😀 ½ €", '"é 語 😀 ½ €"'],
    ["\u00a0\u200b\u2028\ufeff\u00ad", String.raw`"\u00a0\u200b\u2028\ufeff\u00ad"`],
    ["\u{e0001}\u{10ffff}", String.raw`"\U000e0001\U0010ffff"`],
    ["\ud800", `"\ufffd"`],
  ];
  for (const [text, quoted] of cases) assert.equal(goQuote(text), quoted);
});

test("goQuoteList() is Go's %q of a slice", () => {
  assert.equal(goQuoteList([]), "[]");
  assert.equal(goQuoteList(["a b", "c"]), '["a b" "c"]');
});

test("goDuration() prints what Go prints", () => {
  const cases: readonly [ms: number, text: string][] = [
    [0, "0s"],
    [1, "1ms"],
    [999, "999ms"],
    [1000, "1s"],
    [1001, "1.001s"],
    [59_500, "59.5s"],
    [60_000, "1m0s"],
    [61_010, "1m1.01s"],
    [3_600_000, "1h0m0s"],
    [90_061_001, "25h1m1.001s"],
  ];
  for (const [ms, text] of cases) assert.equal(goDuration(ms), text);
});
