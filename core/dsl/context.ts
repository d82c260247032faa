/**
 * Build contexts: directories of the machine that builds.
 *
 * @see BuildKit, "build context" and "named context"
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import { filePathOf } from "../host/file_url.ts";

/** A directory that files are copied from. */
export interface Context {
  readonly kind: "context";
  /** Absolute, or relative to the folder that the build is started for. */
  readonly path: string;
  /** The name in the graph; absent: one is given in order of appearance. */
  readonly name?: string;
  readonly include: readonly string[];
  readonly ignore: readonly string[];
}

/** Which part of a directory is a build context, and what it is called. */
export interface ContextOptions {
  /**
   * What it is called in the graph, in messages and in a Dockerfile's `--from`: lower-case letters, digits,
   * `_`, `.` and `-`. Without one the context is `context-1`, `context-2`… in order of appearance, so a name
   * keeps steps recognisable when contexts are added.
   */
  readonly name?: string;
  /** Patterns as in `.dockerignore`: only paths that match one are seen. Empty or absent: all are. */
  readonly include?: readonly string[];
  /** Patterns as in `.dockerignore`, added after those of the ignore file of the directory. */
  readonly ignore?: readonly string[];
}

/** The name of the context that steps without a `from` copy from. */
const DEFAULT_CONTEXT_NAME = "default";

/** Names given in order of appearance; no one else may use them. */
const NUMBERED_CONTEXT_NAME: RegExp = /^context-\d+$/;

/**
 * Makes a directory a build context.
 *
 * @param directory A path, absolute or relative to the folder that the build is started for; or a `file:` URL:
 * `new URL("./web", import.meta.url)` is the directory beside the recipe, wherever the build is started.
 * @throws {LayerwrightError} `RECIPE_INVALID` for a directory or a name that cannot be one.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { context } from "./context.ts";
 * const web = context("./web", { name: "web", ignore: ["node_modules"] });
 * assert.equal(web.path, "./web");
 * assert.throws(() => context(new URL("https://example.com/")), { code: "RECIPE_INVALID" });
 * ```
 */
export function context(directory: string | URL, options: ContextOptions = {}): Context {
  const path = directory instanceof URL ? pathOfUrl(directory) : directory;
  if (path === "" || path.includes("\0")) {
    throw new LayerwrightError(
      "RECIPE_INVALID",
      `Cannot use build context ${JSON.stringify(path)}: not a path`,
      { hint: 'name a directory: "." is the one that the build is started for' },
    );
  }
  const { name } = options;
  if (name !== undefined) checkName(name);
  return Object.freeze({
    kind: "context",
    path: path.length > 1 ? path.replace(/\/+$/, "") || "/" : path,
    ...(name === undefined ? {} : { name }),
    include: [...options.include ?? []],
    ignore: [...options.ignore ?? []],
  });
}

function pathOfUrl(url: URL): string {
  if (url.protocol !== "file:") {
    throw new LayerwrightError(
      "RECIPE_INVALID",
      `Cannot use build context "${url.href}": not a directory of this machine`,
      { hint: 'use a "file:" URL, such as new URL("./web", import.meta.url)' },
    );
  }
  return filePathOf(url);
}

function checkName(name: string): void {
  if (!/^[a-z0-9][a-z0-9_.-]*$/.test(name)) {
    throw new LayerwrightError(
      "RECIPE_INVALID",
      `Cannot name a build context ${JSON.stringify(name)}: not a name`,
      { hint: 'use lower-case letters, digits, "_", "." and "-", a letter or digit first' },
    );
  }
  if (NUMBERED_CONTEXT_NAME.test(name)) {
    throw new LayerwrightError(
      "RECIPE_INVALID",
      `Cannot name a build context "${name}": such names are given in order of appearance`,
      { hint: "choose a name that says what is in it" },
    );
  }
}

/** What steps without a `from` copy from: the folder that the build is started for. */
export const DEFAULT_CONTEXT: Context = context(".", { name: DEFAULT_CONTEXT_NAME });

/** Whether a value was made by {@link context}. */
export function isContext(value: unknown): value is Context {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "context";
}
