/**
 * Wildcards in COPY and ADD sources: Go's filepath.Match over whole paths, without `**`.
 *
 * @see https://docs.docker.com/reference/dockerfile/#source
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import { compilePattern, type PathPattern } from "./path_pattern.ts";

/**
 * Whether a source path is a pattern. A backslash hides the character behind it.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { hasWildcard } from "./glob.ts";
 * assert.ok(hasWildcard("src/*.ts") && hasWildcard("arr[[]0].txt"));
 * assert.ok(!hasWildcard("a\\*b"));
 * ```
 */
export function hasWildcard(path: string): boolean {
  return /^(?:[^\\*?[]|\\[^])*[*?[]/.test(path);
}

/** Splits a clean pattern before its first name with a wildcard: what is above is a plain path. */
export function splitWildcard(pattern: string): { readonly base: string; readonly rest: string } {
  const names = pattern.split("/");
  const first = names.findIndex(hasWildcard);
  const at = first === -1 ? names.length : first;
  return { base: names.slice(0, at).join("/"), rest: names.slice(at).join("/") };
}

/**
 * Compiles a source pattern.
 *
 * @throws {LayerwrightError} `COPY_PATTERN_INVALID` for an unclosed or empty class, or a backslash at the end.
 */
export function compileGlob(pattern: string): PathPattern {
  try {
    return compilePattern(pattern, "match");
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new LayerwrightError(
      "COPY_PATTERN_INVALID",
      `Cannot copy ${JSON.stringify(pattern)}: ${error.message}`,
      { hint: 'write "[[]" for a literal "["' },
    );
  }
}
