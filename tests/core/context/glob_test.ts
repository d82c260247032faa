import assert from "node:assert/strict";
import { test } from "node:test";
import { compileGlob, hasWildcard, splitWildcard } from "../../../core/context/glob.ts";

test("hasWildcard() sees *, ? and [ that no backslash hides", () => {
  for (const path of ["*", "a?", "a[b]", "a/[", "\\\\*", "\\a*"]) {
    assert.ok(hasWildcard(path), path);
  }
  for (const path of ["", "a", "a\\*", "a\\[b]", "a]b", "a\\", "\\\\", "{a,b}"]) {
    assert.ok(!hasWildcard(path), path);
  }
});

test("splitWildcard() keeps the plain directories apart", () => {
  assert.deepEqual(splitWildcard("a/b/*.ts"), { base: "a/b", rest: "*.ts" });
  assert.deepEqual(splitWildcard("a/b?/c/*.ts"), { base: "a", rest: "b?/c/*.ts" });
  assert.deepEqual(splitWildcard("*"), { base: "", rest: "*" });
  assert.deepEqual(splitWildcard("a/b"), { base: "a/b", rest: "" });
});

test("compileGlob() names the pattern and the way to a literal bracket", () => {
  assert.throws(() => compileGlob("src/[a"), {
    code: "COPY_PATTERN_INVALID",
    message: 'Cannot copy "src/[a": a "[" is never closed',
    hint: 'write "[[]" for a literal "["',
  });
  assert.ok(compileGlob("arr[[]0].txt").matches("arr[0].txt"));
});
