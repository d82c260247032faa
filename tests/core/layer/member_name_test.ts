import assert from "node:assert/strict";
import { test } from "node:test";
import { normalizeMemberPath } from "../../../core/layer/member_name.ts";

test("normalizeMemberPath() strips what names the same place", () => {
  const names: [string, string][] = [
    ["a", "a"],
    ["a/", "a"],
    ["/a", "a"],
    ["./a", "a"],
    ["//a//b//", "a/b"],
    ["a/./b/.", "a/b"],
    ["", ""],
    [".", ""],
    ["...", "..."],
    ["a/..b/c..", "a/..b/c.."],
    ["a\\..\\b", "a\\..\\b"],
  ];
  for (const [name, path] of names) assert.equal(normalizeMemberPath(name), path, name);
});

test("normalizeMemberPath() refuses every .. component and NUL", () => {
  for (const name of ["..", "../a", "a/..", "a/../a", "/..", "./../", "a\0", "\0/.."]) {
    assert.throws(() => normalizeMemberPath(name), { code: "LAYER_ESCAPES_ROOT" }, name);
  }
});

test("normalizeMemberPath() starts its message with the action it is given", () => {
  assert.throws(() => normalizeMemberPath("..", "Cannot read tar member 3"), {
    message: 'Cannot read tar member 3: ".." leaves the root by ".."',
  });
});
