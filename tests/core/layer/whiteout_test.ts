import assert from "node:assert/strict";
import { test } from "node:test";
import { parseWhiteout, refuseReservedName, whiteoutEntry } from "../../../core/layer/whiteout.ts";

const parsed: [path: string, expected: unknown][] = [
  ["a", undefined],
  ["a.wh.b", undefined],
  [".wha", undefined],
  [".wh.a", { kind: "whiteout", path: "a" }],
  ["d/.wh.a", { kind: "whiteout", path: "d/a" }],
  [".wh...", "LAYER_ESCAPES_ROOT"],
  ["d/.wh...", "LAYER_ESCAPES_ROOT"],
  [".wh.", "LAYER_INVALID"],
  [".wh..", "LAYER_INVALID"],
  [".wh....", { kind: "whiteout", path: "..." }],
  [".wh..wh..opq", { kind: "opaque", directory: "" }],
  ["a/b/.wh..wh..opq", { kind: "opaque", directory: "a/b" }],
  [".wh..wh.aufs", { kind: "ignored" }],
  [".wh..wh.plnk/98.2345", { kind: "ignored" }],
  [".wh.a/b", "LAYER_NAME_RESERVED"],
];
for (const [path, expected] of parsed) {
  test(`parseWhiteout() of ${JSON.stringify(path)} gives ${JSON.stringify(expected)}`, () => {
    if (typeof expected === "string") {
      assert.throws(() => parseWhiteout(path), { code: expected });
    } else {
      assert.deepEqual(parseWhiteout(path), expected);
    }
  });
}

test("parseWhiteout() reads what whiteoutEntry() makes", () => {
  for (const path of ["a", "a/b", "..."]) {
    assert.deepEqual(parseWhiteout(whiteoutEntry(path).path), { kind: "whiteout", path });
  }
});

test("refuseReservedName() looks at each name of a path", () => {
  for (const path of [".wh.a", "a/.wh.b", "a/.wh.b/c"]) {
    assert.throws(() => refuseReservedName(path), { code: "LAYER_NAME_RESERVED" });
  }
  refuseReservedName("a.wh./b/.wh");
});
