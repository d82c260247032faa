import assert from "node:assert/strict";
import { test } from "node:test";
import { compilePattern } from "../../../core/context/path_pattern.ts";

test("compilePattern() of a match pattern takes ** for *", () => {
  const cases: readonly (readonly [pattern: string, path: string, matches: boolean])[] = [
    ["**", "a", true],
    ["**", "a/b", false],
    ["**/b", "a/b", true],
    ["**/b", "x/a/b", false],
    ["**/b", "b", false],
    ["a/**", "a/b", true],
    ["a/**", "a/b/c", false],
    ["**file", "xfile", true],
    ["**file", "a/file", false],
    ["a[*]b", "a*b", true],
    ["a[*]b", "axb", false],
    ["[[]a]", "[a]", true],
    ["", "a", false],
  ];
  for (const [pattern, path, matches] of cases) {
    assert.equal(compilePattern(pattern, "match").matches(path), matches, `${pattern} on ${path}`);
  }
});

test("compilePattern() refuses what Go calls a bad pattern", () => {
  const bad = [
    "[",
    "[^",
    "[]",
    "[]a]",
    "[-]",
    "[x-]",
    "[-x]",
    "[a-b-c]",
    "a[",
    "[^bc",
    "\\",
    "a\\",
    "[\\",
  ];
  for (const pattern of bad) {
    assert.throws(() => compilePattern(pattern, "match"), SyntaxError, pattern);
    assert.throws(() => compilePattern(pattern, "ignore"), SyntaxError, pattern);
  }
});

test("PathPattern.matches() costs no more than pattern times path on hostile input", () => {
  const hostile: readonly (readonly [pattern: string, path: string])[] = [
    ["*a".repeat(2000) + "b", "a".repeat(4000)],
    ["**/a/".repeat(800) + "b", "a/".repeat(2000) + "c"],
    ["*[^b]".repeat(800) + "b", "a".repeat(4000) + "c"],
    ["**a".repeat(1300) + "?b", "a/".repeat(2000) + "c"],
    ["?*".repeat(2000) + "b", "😀".repeat(2000)],
  ];
  for (const [pattern, path] of hostile) {
    const compiled = compilePattern(pattern, "ignore");
    const start = performance.now();
    assert.ok(!compiled.matches(path));
    // Backtracking would need longer than the universe; the limit only has to survive a busy machine.
    assert.ok(performance.now() - start < 5000, pattern.slice(0, 12));
    assert.equal(typeof compiled.mayMatchBelow(path), "boolean");
  }
});

test("PathPattern.mayMatchBelow() is false only where nothing below can match", () => {
  const cases: readonly (readonly [pattern: string, directory: string, may: boolean])[] = [
    ["a/b", "a", true],
    ["a/b", "a/b", false],
    ["ab/c", "a", false],
    ["*/c", "a", true],
    ["*/c", "a/b", false],
    ["a*", "a", false],
    ["*", "a", false],
    ["a/?/c", "a/b", true],
    ["a/?/c", "a/bb", false],
    ["**", "a", true],
    ["**/x", "a/b/c", true],
    ["a/**/x", "b", false],
    ["a/**/x", "a/b", true],
    ["**.md", "a", true],
    ["a[^b]*", "a", true],
    ["a[b]*", "a", false],
    ["\\*/x", "*", true],
    ["", "a", false],
  ];
  for (const [pattern, directory, may] of cases) {
    assert.equal(
      compilePattern(pattern, "ignore").mayMatchBelow(directory),
      may,
      `${pattern} below ${directory}`,
    );
  }
});
