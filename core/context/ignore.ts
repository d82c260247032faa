/**
 * The rules of `.dockerignore` files.
 *
 * A path is decided by the last rule that matches it or a directory above it; `!` rules take back what
 * earlier ones ignored. So a file can be seen inside an ignored directory.
 *
 * @see https://docs.docker.com/build/concepts/context/#dockerignore-files
 * @module
 */
import { posix } from "node:path";
import { LayerwrightError, type SourceLocation } from "../errors.ts";
import { parentPath } from "../layer/link_resolver.ts";
import { compilePattern, type PathPattern } from "./path_pattern.ts";

/** One rule, and where the user wrote it. */
export interface IgnoreRule {
  /** The pattern as written, with its `!`. */
  readonly pattern: string;
  /** Absent for patterns of a recipe or an option. */
  readonly file?: string;
  /** Line number, from 1. */
  readonly line?: number;
}

/** What the rules say about a path. */
export interface IgnoreVerdict {
  readonly ignored: boolean;
  /** The rule that decided; absent where none matches. */
  readonly rule?: IgnoreRule;
}

interface CompiledRule {
  readonly rule: IgnoreRule;
  readonly negated: boolean;
  readonly pattern: PathPattern;
}

/** An ordered list of rules. Paths are relative to the context, `/` between names; the root is never ignored. */
export class IgnoreRules {
  readonly #rules: readonly CompiledRule[];
  // Which rules match the directory last asked about: siblings follow each other in a walk.
  #parent: { readonly path: string; readonly matched: readonly boolean[] } | undefined;

  /** Made by {@link parseIgnoreFile} and {@link parseIgnorePatterns}. */
  constructor(rules: readonly CompiledRule[]) {
    this.#rules = rules;
  }

  /** True if there is no rule at all. */
  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  /** These rules, then others: where both match, the others win. */
  concat(others: IgnoreRules): IgnoreRules {
    return new IgnoreRules([...this.#rules, ...others.#rules]);
  }

  /**
   * Decides a path by the last rule that matches it or one of its directories.
   *
   * @example
   * ```ts
   * import assert from "node:assert/strict";
   * import { parseIgnoreFile } from "./ignore.ts";
   * const rules = parseIgnoreFile("dist\n!dist/app.js\n", { file: ".dockerignore" });
   * assert.deepEqual(rules.match("dist/app.css"), {
   *   ignored: true,
   *   rule: { pattern: "dist", file: ".dockerignore", line: 1 },
   * });
   * assert.equal(rules.match("dist/app.js").ignored, false);
   * ```
   */
  match(path: string): IgnoreVerdict {
    const decisive = this.#rules[this.#lastMatch(path)];
    if (decisive === undefined) return { ignored: false };
    return { ignored: !decisive.negated, rule: decisive.rule };
  }

  /** False only if all that is below a directory shares its verdict: it need not be read to be judged. */
  mayDifferBelow(directory: string): boolean {
    const last = this.#lastMatch(directory);
    const ignored = this.#rules[last]?.negated === false;
    // Rules before the deciding one cannot win below either, since that one matches there as well.
    return this.#rules.some((rule, index) =>
      index > last && rule.negated === ignored && rule.pattern.mayMatchBelow(directory)
    );
  }

  #lastMatch(path: string): number {
    if (path === "" || this.#rules.length === 0) return -1;
    const above = this.#matchesOfDirectory(parentPath(path));
    return this.#rules.findLastIndex((rule, index) => above[index] || rule.pattern.matches(path));
  }

  #matchesOfDirectory(directory: string): readonly boolean[] {
    if (directory === "") return [];
    if (this.#parent?.path !== directory) {
      const above = this.#matchesOfDirectory(parentPath(directory));
      const matched = this.#rules.map((rule, index) =>
        above[index] === true || rule.pattern.matches(directory)
      );
      this.#parent = { path: directory, matched };
    }
    return this.#parent.matched;
  }
}

/**
 * Parses the text of an ignore file: a byte order mark is dropped, `#` in the first column starts a comment,
 * patterns are trimmed and cleaned, a leading `/` means nothing.
 *
 * @param options `file`: its path as the user would type it, for messages.
 * @throws {LayerwrightError} `IGNORE_PATTERN_INVALID` at the first bad line, with all others in its details.
 */
export function parseIgnoreFile(text: string, options: { readonly file: string }): IgnoreRules {
  const { file } = options;
  const rules = text.replace(/^\uFEFF/, "").split("\n")
    .map((pattern, index): IgnoreRule => ({ pattern, file, line: index + 1 }))
    .filter(({ pattern }) => !pattern.startsWith("#"));
  return compileRules(rules);
}

/**
 * Parses patterns of a recipe or an option: as lines of an ignore file, but without comments.
 *
 * @throws {LayerwrightError} `IGNORE_PATTERN_INVALID` for the first bad one, with all others in its details.
 */
export function parseIgnorePatterns(patterns: readonly string[]): IgnoreRules {
  return compileRules(patterns.map((pattern) => ({ pattern })));
}

/** Names a rule in a message: `".dockerignore" line 3: "dist/*.js"`. */
export function describeRule(rule: IgnoreRule): string {
  const pattern = JSON.stringify(rule.pattern);
  if (rule.file === undefined) return `the pattern ${pattern}`;
  return `${JSON.stringify(rule.file)} line ${rule.line}: ${pattern}`;
}

function compileRules(rules: readonly IgnoreRule[]): IgnoreRules {
  const compiled: CompiledRule[] = [];
  const faults: { readonly rule: IgnoreRule; readonly why: string }[] = [];
  for (const written of rules) {
    const rule = { ...written, pattern: trimSpace(written.pattern) };
    if (rule.pattern === "") continue;
    const negated = rule.pattern.startsWith("!");
    const rest = negated ? trimSpace(rule.pattern.slice(1)) : rule.pattern;
    if (rest === "") {
      faults.push({ rule, why: "nothing follows the exclamation mark" });
      continue;
    }
    try {
      compiled.push({ rule, negated, pattern: compilePattern(cleanPattern(rest), "ignore") });
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      faults.push({ rule, why: error.message });
    }
  }
  const [first, ...others] = faults;
  if (first !== undefined) {
    throw new LayerwrightError(
      "IGNORE_PATTERN_INVALID",
      `Cannot use ignore pattern ${JSON.stringify(first.rule.pattern)}: ${first.why}`,
      {
        at: locationOf(first.rule),
        details: others.map(({ rule, why }) => `also ${describeRule(rule)}: ${why}`),
        hint: "correct the pattern; a backslash makes the next character literal",
      },
    );
  }
  return new IgnoreRules(compiled);
}

function locationOf(rule: IgnoreRule): SourceLocation | undefined {
  if (rule.file === undefined || rule.line === undefined) return undefined;
  return { file: rule.file, line: rule.line, text: rule.pattern };
}

/** Go's strings.TrimSpace, which differs from trim() on U+0085 and U+FEFF. */
function trimSpace(text: string): string {
  return text.replace(/^[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/, "")
    .replace(/[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/, "");
}

/** Go's filepath.Clean, then without the leading `/`. */
function cleanPattern(pattern: string): string {
  const clean = posix.normalize(pattern);
  return clean.length === 1 ? clean : clean.replace(/^\/|\/$/g, "");
}
