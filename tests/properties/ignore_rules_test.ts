import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseIgnorePatterns } from "../../core/context/ignore.ts";
import { compilePattern } from "../../core/context/path_pattern.ts";

const SEED = 1811;

const atom = fc.constantFrom(
  "a",
  "b",
  "b",
  "*",
  "?",
  "[ab]",
  "[^a]",
  "[a-c]",
  "**",
  "\\*",
  "\\?",
  "é",
);
const segment = fc.array(atom, { minLength: 1, maxLength: 3 }).map((atoms) => atoms.join(""));
const pattern = fc.array(segment, { minLength: 1, maxLength: 4 }).map((names) => names.join("/"));
const rule = fc.tuple(fc.boolean(), pattern).map(([negated, text]) =>
  `${negated ? "!" : ""}${text}`
);
const name = fc.array(fc.constantFrom("a", "b", "c", "*", "?", "é", "😀"), {
  minLength: 1,
  maxLength: 3,
})
  .map((characters) => characters.join(""));
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join("/"));

/** The meaning of a pattern as a definition by cases, one character of the pattern at a time. */
function means(pattern: string, path: string): boolean {
  if (pattern === "") return path === "";
  const [, negated, body] = /^\[(\^?)([^\]]+)\]/.exec(pattern) ?? [];
  const [first = "", ...others] = path;
  const rest = others.join("");
  if (pattern.startsWith("**")) {
    const behind = pattern.slice(pattern[2] === "/" ? 3 : 2);
    if (behind === "" || means(behind, path)) return true;
    return suffixesOf(path).some((suffix) => means(behind, suffix));
  }
  if (pattern[0] === "*") {
    return means(pattern.slice(1), path) || (first !== "" && first !== "/" && means(pattern, rest));
  }
  if (first === "") return false;
  if (pattern[0] === "?") return first !== "/" && means(pattern.slice(1), rest);
  if (body !== undefined) {
    const members = body === "a-c" ? "abc" : body;
    const skipped = body.length + (negated === "^" ? 3 : 2);
    return members.includes(first) !== (negated === "^") && means(pattern.slice(skipped), rest);
  }
  const literal = pattern[0] === "\\" ? pattern.slice(1) : pattern;
  return literal.startsWith(first) && means(literal.slice(first.length), rest);
}

function suffixesOf(path: string): string[] {
  return [...path.matchAll(/\//g)].map(({ index }) => path.slice(index + 1));
}

function patternMeans(pattern: string, path: string): boolean {
  const [, suffix] = /^\*\*([^/*?[\]\\]+[^*?[\]\\]*)$/.exec(pattern) ?? [];
  return suffix === undefined ? means(pattern, path) : path.endsWith(suffix);
}

function isIgnored(rules: readonly string[], path: string): boolean {
  const names = path.split("/");
  const paths = names.map((_, index) => names.slice(0, index + 1).join("/"));
  const last = rules.findLast((rule) =>
    paths.some((above) => patternMeans(rule.replace(/^!/, ""), above))
  );
  return last !== undefined && !last.startsWith("!");
}

test(`IgnoreRules.match() equals the definition by cases (seed ${SEED})`, () => {
  fc.assert(
    fc.property(
      fc.array(rule, { minLength: 1, maxLength: 4 }),
      fc.array(path, { maxLength: 4 }),
      (rules, paths) => {
        const compiled = parseIgnorePatterns(rules);
        for (const path of paths) {
          assert.equal(compiled.match(path).ignored, isIgnored(rules, path), path);
        }
      },
    ),
    { seed: SEED, numRuns: 4000 },
  );
});

test(`IgnoreRules.mayDifferBelow() is true wherever a verdict below differs (seed ${SEED})`, () => {
  fc.assert(
    fc.property(
      fc.array(rule, { minLength: 1, maxLength: 4 }),
      path,
      path,
      (rules, directory, below) => {
        const compiled = parseIgnorePatterns(rules);
        const differs =
          compiled.match(directory).ignored !== compiled.match(`${directory}/${below}`).ignored;
        if (differs) assert.ok(compiled.mayDifferBelow(directory));
      },
    ),
    { seed: SEED, numRuns: 8000 },
  );
});

test(`PathPattern.mayMatchBelow() is true wherever a path below matches (seed ${SEED})`, () => {
  fc.assert(
    fc.property(pattern, path, path, (text, directory, below) => {
      for (const dialect of ["match", "ignore"] as const) {
        const compiled = compilePattern(text, dialect);
        if (compiled.matches(`${directory}/${below}`)) assert.ok(compiled.mayMatchBelow(directory));
      }
    }),
    { seed: SEED, numRuns: 8000 },
  );
});
