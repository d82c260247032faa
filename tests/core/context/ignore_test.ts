import assert from "node:assert/strict";
import { test } from "node:test";
import {
  describeRule,
  parseIgnoreFile,
  parseIgnorePatterns,
} from "../../../core/context/ignore.ts";
import { LayerwrightError } from "../../../core/errors.ts";
import { ignoreCases } from "./ignore_cases.ts";

test("IgnoreRules.match() answers as moby's pattern matcher does", () => {
  for (const [patterns, path, ignored] of ignoreCases) {
    const verdict = parseIgnorePatterns(patterns.split(" ")).match(path);
    assert.equal(verdict.ignored, ignored, `${patterns} on ${path}`);
  }
});

test("IgnoreRules.match() takes a class for filepath.Match's, where moby's regular expression is not one", () => {
  const rules = parseIgnorePatterns(["a[*]b", "c[?]d", "e|f*", "\\g"]);
  for (const path of ["a*b", "c?d", "e|fx", "g"]) assert.ok(rules.match(path).ignored, path);
  for (const path of ["axb", "cxd", "e", "5"]) assert.ok(!rules.match(path).ignored, path);
});

test("IgnoreRules.match() names the deciding rule and the line it stands in", () => {
  const rules = parseIgnoreFile("# all\n*\n\n!keep\nkeep/x\n", { file: ".dockerignore" });
  assert.deepEqual(rules.match("a"), {
    ignored: true,
    rule: { pattern: "*", file: ".dockerignore", line: 2 },
  });
  assert.deepEqual(rules.match("keep/y"), {
    ignored: false,
    rule: { pattern: "!keep", file: ".dockerignore", line: 4 },
  });
  assert.equal(rules.match("keep/x/deep").rule?.line, 5);
  assert.deepEqual(parseIgnorePatterns(["a"]).match("b"), { ignored: false });
});

test("IgnoreRules.match() never ignores the root", () => {
  assert.deepEqual(parseIgnorePatterns(["*", "**", "."]).match(""), { ignored: false });
});

test("IgnoreRules.match() does not depend on what was asked before", () => {
  const rules = parseIgnorePatterns(["a", "!a/b", "a/b/c"]);
  const paths = ["a/b/c/d", "a", "a/b/x", "b", "a/x", "a/b/c", "a/b"];
  const alone = paths.map((path) =>
    parseIgnorePatterns(["a", "!a/b", "a/b/c"]).match(path).ignored
  );
  assert.deepEqual(paths.map((path) => rules.match(path).ignored), alone);
  assert.deepEqual(alone, [true, true, false, false, true, true, false]);
});

test("IgnoreRules.concat() lets the later rules win", () => {
  const rules = parseIgnorePatterns(["*.log"]).concat(parseIgnorePatterns(["!keep.log"]));
  assert.ok(rules.match("a.log").ignored);
  assert.ok(!rules.match("keep.log").ignored);
  assert.ok(parseIgnorePatterns([]).isEmpty && !rules.isEmpty);
});

test("IgnoreRules.mayDifferBelow() keeps out of ignored directories that no rule reaches into", () => {
  const cases: readonly (readonly [patterns: string, directory: string, may: boolean])[] = [
    ["a", "a", false],
    ["a !a/b", "a", true],
    ["a !b/c", "a", false],
    ["a !ab", "a", false],
    ["* !a/b/c", "a", true],
    ["* !a/b/c", "a/b", true],
    ["* !a/b/c", "a/x", false],
    ["* !a/*/c", "a/x", true],
    ["* !a/*/c", "a/x/y", false],
    ["* !*.md", "node_modules", false],
    ["* !**/*.md", "node_modules/x", true],
    ["* !a**", "abc", false],
    ["* !b**", "abc", false],
    ["* !x/a**", "x", true],
    ["!a/b a", "a", false],
    ["* !a[^b]c", "a", true],
    ["* !src", "src", false],
    ["* !src src/gen", "src", true],
    ["*.log", "a", false],
    ["a/*.log", "a", true],
  ];
  for (const [patterns, directory, may] of cases) {
    const rules = parseIgnorePatterns(patterns.split(" "));
    assert.equal(rules.mayDifferBelow(directory), may, `${patterns} below ${directory}`);
  }
});

test("parseIgnoreFile() drops a byte order mark, comments, blanks, and a leading slash", () => {
  const text =
    "\uFEFF# comment\r\n  *.log  \r\n\r\n\t\n/dist\n  #a\n! /dist/keep\n/\n\u0085b\u0085\n";
  const rules = parseIgnoreFile(text, { file: "x" });
  for (const path of ["a.log", "dist/x", "#a", "b"]) assert.ok(rules.match(path).ignored, path);
  for (const path of ["dist/keep", "# comment", "comment", "c"]) {
    assert.ok(!rules.match(path).ignored, path);
  }
  assert.equal(rules.match("#a").rule?.line, 6);
  assert.ok(parseIgnoreFile("", { file: "x" }).isEmpty);
});

test("parseIgnoreFile() keeps a byte order mark that is not the first character", () => {
  assert.ok(parseIgnoreFile("\n\uFEFFa", { file: "x" }).match("\uFEFFa").ignored);
});

test("parseIgnorePatterns() has no comments", () => {
  assert.ok(parseIgnorePatterns(["#a"]).match("#a").ignored);
});

test("parseIgnoreFile() names every bad line, the first as the place", () => {
  const text = "ok\n[a\n!\nb[]\n! \nc[x-]\nd\\\n[-a]\n[^\n[a-b-c]\n[";
  assert.throws(() => parseIgnoreFile(text, { file: ".dockerignore" }), (error) => {
    assert.ok(error instanceof LayerwrightError);
    assert.equal(error.code, "IGNORE_PATTERN_INVALID");
    assert.deepEqual(error.at, { file: ".dockerignore", line: 2, text: "[a" });
    assert.equal(error.details.length, 9);
    assert.equal(
      error.details[0],
      'also ".dockerignore" line 3: "!": nothing follows the exclamation mark',
    );
    assert.equal(
      error.details[4],
      'also ".dockerignore" line 7: "d\\\\": it ends with a backslash',
    );
    return true;
  });
});

test("parseIgnorePatterns() refuses a pattern longer than any path", () => {
  assert.throws(() => parseIgnorePatterns(["a".repeat(4097)]), { code: "IGNORE_PATTERN_INVALID" });
  assert.ok(parseIgnorePatterns(["a".repeat(4096)]).match("a".repeat(4096)).ignored);
});

test("describeRule() says where a rule stands", () => {
  assert.equal(describeRule({ pattern: "*.js", file: "f", line: 3 }), '"f" line 3: "*.js"');
  assert.equal(describeRule({ pattern: "*.js" }), 'the pattern "*.js"');
});
