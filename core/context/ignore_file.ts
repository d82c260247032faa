/**
 * Which ignore file is in force for a build.
 *
 * @see https://docs.docker.com/build/concepts/context/#filename-and-location
 * @module
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { LayerwrightError, systemErrorCode } from "../errors.ts";
import { IgnoreRules, parseIgnoreFile, parseIgnorePatterns } from "./ignore.ts";
import type { Observations } from "./observations.ts";

/** Where rules come from. */
export interface IgnoreSources {
  /** Path of the Dockerfile, if the build has one: `<path>.dockerignore` beside it wins. */
  readonly dockerfile?: string;
  /** Patterns of the recipe, added after those of the file. */
  readonly patterns?: readonly string[];
  /** Is told of the files looked for. */
  readonly observations?: Observations;
}

/**
 * Reads the rules for a context: of `<Dockerfile>.dockerignore`, else of `.dockerignore` at the context's root, else
 * of `.containerignore` there; then the recipe's own patterns.
 *
 * @param root The context's directory.
 * @throws {LayerwrightError} `IGNORE_PATTERN_INVALID` for a bad line; `CONTEXT_UNREADABLE` for a file that exists
 * and cannot be read.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
 * import { tmpdir } from "node:os";
 * import { join } from "node:path";
 * import { readIgnoreRules } from "./ignore_file.ts";
 * const root = mkdtempSync(join(tmpdir(), "lw-"));
 * writeFileSync(join(root, ".dockerignore"), "*.log\n");
 * const rules = readIgnoreRules(root, { patterns: ["!keep.log"] });
 * assert.ok(rules.match("a.log").ignored && !rules.match("keep.log").ignored);
 * rmSync(root, { recursive: true });
 * ```
 */
export function readIgnoreRules(root: string, sources: IgnoreSources = {}): IgnoreRules {
  const candidates = [
    ...(sources.dockerfile === undefined ? [] : [`${sources.dockerfile}.dockerignore`]),
    join(root, ".dockerignore"),
    join(root, ".containerignore"),
  ];
  const own = parseIgnorePatterns(sources.patterns ?? []);
  for (const file of candidates) {
    sources.observations?.lookAt(file);
    const text = readIfThere(file);
    if (text !== undefined) return parseIgnoreFile(text, { file }).concat(own);
  }
  return own;
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new LayerwrightError(
      "CONTEXT_UNREADABLE",
      `Cannot read ignore file ${JSON.stringify(file)}: ${code ?? String(error)}`,
      { hint: "make it readable, or remove it", cause: error },
    );
  }
}
