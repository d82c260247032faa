/**
 * Path patterns as Go matches them, over whole paths, without backtracking.
 *
 * Two dialects share one matcher: `filepath.Match` (wildcards of COPY sources), and the one of ignore
 * files, which adds `**`. Matching keeps the set of positions of the path that the pattern so far can
 * end at; each part of the pattern maps that set to the next one. So the cost of a match is bounded by the
 * length of the pattern times the length of the path, whatever either says.
 *
 * @see https://pkg.go.dev/path/filepath#Match
 * @see https://github.com/moby/patternmatcher
 * @module
 */

/** `match`: Go's filepath.Match. `ignore`: the same, and `**` matches any number of directories. */
export type PatternDialect = "match" | "ignore";

/** A compiled pattern. Paths are relative, `/` between names, none at either end. */
export interface PathPattern {
  /** Whether the whole path matches. */
  matches(path: string): boolean;
  /** False only if no path below this directory can match: it need not be read. */
  mayMatchBelow(directory: string): boolean;
}

/** The longest pattern: PATH_MAX, beyond which no path can need it; it bounds the cost of a match. */
const MAX_PATTERN_LENGTH = 4096;

type Token =
  | { readonly kind: "literal"; readonly text: string }
  /** `?`: one character but `/`. */
  | { readonly kind: "character" }
  /** `[…]`: one character, and `/` too where a range holds it, as in Go. */
  | { readonly kind: "class"; readonly negated: boolean; readonly ranges: readonly Range[] }
  /** `*`: any characters but `/`. */
  | { readonly kind: "segment" }
  /** `**` inside a pattern: nothing, or anything that ends with `/`. */
  | { readonly kind: "directories" }
  /** `**` at the end of a pattern: anything. */
  | { readonly kind: "anything" };

type Range = readonly [low: number, high: number];

/**
 * Compiles a pattern.
 *
 * A backslash makes the next character literal, in a class too. Where moby's regular expressions differ from
 * `filepath.Match` by accident (`[*]`, `\d`, `^` beside a wildcard), `filepath.Match` is followed.
 *
 * @throws {SyntaxError} for what Go calls a bad pattern: an unclosed or empty class, a range without an end,
 * a backslash at the end; and for more than 4,096 characters.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { compilePattern } from "./path_pattern.ts";
 * const pattern = compilePattern("src/**\/*.ts", "ignore");
 * assert.ok(pattern.matches("src/a/b.ts") && pattern.matches("src/b.ts"));
 * assert.ok(!pattern.mayMatchBelow("dist"));
 * ```
 */
export function compilePattern(text: string, dialect: PatternDialect): PathPattern {
  if (text.length > MAX_PATTERN_LENGTH) {
    throw new SyntaxError(`it is longer than ${MAX_PATTERN_LENGTH} characters`);
  }
  const tokens = tokenize(text, dialect);
  // Most patterns are told from most paths by how they begin or end.
  const first = tokens[0]?.kind === "literal" ? tokens[0].text : "";
  const last = tokens.at(-1);
  const suffix = last?.kind === "literal" ? last.text : "";
  const rest = first === "" ? tokens : tokens.slice(1);
  return {
    matches(path): boolean {
      if (!path.startsWith(first) || !path.endsWith(suffix)) return false;
      let ends: readonly number[] = [first.length];
      for (const token of rest) {
        ends = advance(token, path, ends);
        if (ends.length === 0) return false;
      }
      return ends.at(-1) === path.length;
    },
    mayMatchBelow(directory): boolean {
      const start = `${directory}/`;
      let ends: readonly number[] = [0];
      for (const token of tokens) {
        if (ends.length === 0) return false;
        // The directory is used up and the pattern is not, or it is inside a part that can go on for ever.
        if (ends.at(-1) === start.length) return true;
        if (token.kind === "directories" || token.kind === "anything") return true;
        if (
          token.kind === "literal" && ends.some((end) => token.text.startsWith(start.slice(end)))
        ) {
          return true;
        }
        ends = advance(token, start, ends);
      }
      return false;
    },
  };
}

/** Where the pattern can end after one more token, given where it could before; both ascending. */
function advance(token: Token, path: string, ends: readonly number[]): number[] {
  const next: number[] = [];
  switch (token.kind) {
    case "literal":
      for (const end of ends) {
        if (path.startsWith(token.text, end)) next.push(end + token.text.length);
      }
      break;
    case "character":
    case "class":
      for (const end of ends) {
        const code = path.codePointAt(end);
        if (code !== undefined && takes(token, code)) next.push(end + widthOf(code));
      }
      break;
    case "segment":
      for (const end of ends) {
        // Already passed on the way from an earlier position.
        if (end <= (next.at(-1) ?? -1)) continue;
        let position = end;
        next.push(position);
        while (position < path.length && path[position] !== "/") {
          position += widthOf(path.codePointAt(position) ?? 0);
          next.push(position);
        }
      }
      break;
    case "directories": {
      let index = 0;
      const start = ends[0] ?? path.length;
      for (let position = start; position <= path.length; position++) {
        const held = ends[index] === position;
        if (held) index++;
        if (held || (position > start && path[position - 1] === "/")) next.push(position);
      }
      break;
    }
    case "anything":
      for (let position = ends[0] ?? path.length + 1; position <= path.length; position++) {
        next.push(position);
      }
  }
  return next;
}

function takes(token: Token & { readonly kind: "character" | "class" }, code: number): boolean {
  if (token.kind === "character") return code !== 0x2f;
  return token.ranges.some(([low, high]) => low <= code && code <= high) !== token.negated;
}

function widthOf(code: number): number {
  return code > 0xffff ? 2 : 1;
}

function tokenize(text: string, dialect: PatternDialect): Token[] {
  // moby tests a leading `**` before plain text as a suffix: `**.txt` matches `a.txt`, though `a**.txt` needs
  // a directory in between. Existing ignore files rely on it.
  if (dialect === "ignore" && /^\*\*[^/*?[\]\\][^*?[\]\\]*$/.test(text)) {
    return [{ kind: "anything" }, { kind: "literal", text: text.slice(2) }];
  }
  const tokens: Token[] = [];
  let literal = "";
  const push = (token: Token): void => {
    if (literal !== "") tokens.push({ kind: "literal", text: literal });
    literal = "";
    tokens.push(token);
  };
  for (let i = 0; i < text.length;) {
    const character = text[i];
    if (character === "*" && dialect === "ignore" && text[i + 1] === "*") {
      i += text[i + 2] === "/" ? 3 : 2;
      push({ kind: i === text.length ? "anything" : "directories" });
    } else if (character === "*") {
      i++;
      push({ kind: "segment" });
    } else if (character === "?") {
      i++;
      push({ kind: "character" });
    } else if (character === "[") {
      const [token, end] = parseClass(text, i + 1);
      i = end;
      push(token);
    } else {
      if (character === "\\") i++;
      if (i === text.length) throw new SyntaxError("it ends with a backslash");
      literal += text[i];
      i++;
    }
  }
  if (literal !== "") tokens.push({ kind: "literal", text: literal });
  return tokens;
}

/** Parses a class from behind its `[`; says where it ends. */
function parseClass(text: string, start: number): [Token, number] {
  const ranges: Range[] = [];
  let i = start;
  const negated = text[i] === "^";
  if (negated) i++;
  while (text[i] !== "]" || ranges.length === 0) {
    const [low, afterLow] = parseClassCharacter(text, i);
    i = afterLow;
    let high = low;
    if (text[i] === "-") [high, i] = parseClassCharacter(text, i + 1);
    ranges.push([low, high]);
  }
  return [{ kind: "class", negated, ranges }, i + 1];
}

function parseClassCharacter(text: string, start: number): [code: number, end: number] {
  const at = text[start] === "\\" ? start + 1 : start;
  const code = text.codePointAt(at);
  if (code === undefined) throw new SyntaxError('a "[" is never closed');
  if (at === start && (text[at] === "-" || text[at] === "]")) {
    throw new SyntaxError(`a class needs a backslash before "${text[at]}"`);
  }
  return [code, at + widthOf(code)];
}
