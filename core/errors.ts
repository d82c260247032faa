/**
 * The one error class of the project and the closed list of its codes.
 *
 * @module
 */

/** Every code a {@link LayerwrightError} may carry: stable, so that callers can switch on it. */
export type ErrorCode =
  // dsl and graph
  | "GRAPH_INVALID"
  | "GRAPH_CYCLE"
  | "GRAPH_SCHEMA_UNSUPPORTED"
  | "RECIPE_INVALID"
  | "RECIPE_NOT_FOUND"
  | "TARGET_UNKNOWN"
  // formats
  | "DIGEST_INVALID"
  | "REFERENCE_INVALID"
  | "PLATFORM_INVALID"
  | "CHAIN_EMPTY"
  | "MANIFEST_INVALID"
  | "IMAGE_CONFIG_INVALID"
  | "IMAGE_INDEX_INVALID"
  | "LAYOUT_INVALID"
  | "IMAGE_INVALID"
  // layers
  | "TAR_INVALID"
  | "TAR_UNSUPPORTED"
  | "LAYER_ESCAPES_ROOT"
  | "LAYER_INVALID"
  | "LAYER_FAILED"
  | "LAYER_LIMIT"
  | "LAYER_NAME_RESERVED"
  | "COMPRESSION_INVALID"
  | "COMPRESSION_UNSUPPORTED"
  | "COMPRESSION_FAILED"
  // contexts and copies
  | "CONTEXT_MISSING"
  | "CONTEXT_UNREADABLE"
  | "CONTEXT_ESCAPE"
  | "CONTEXT_FILE_CHANGED"
  | "CONTEXT_NAME_NOT_UTF8"
  | "CONTEXT_LIMIT"
  | "IGNORE_PATTERN_INVALID"
  | "COPY_SOURCE_MISSING"
  | "COPY_PATTERN_INVALID"
  | "COPY_DESTINATION_CONFLICT"
  | "COPY_OWNER_UNKNOWN"
  | "COPY_MODE_INVALID"
  | "FILE_MISSING"
  // solving and running
  | "SOURCE_UNSUPPORTED"
  | "SOURCE_MISSING"
  | "RUNTIME_MISSING"
  | "RUN_FAILED"
  | "RUN_NOT_ALLOWED"
  | "RUN_USER_UNKNOWN"
  | "RUN_UNSUPPORTED"
  | "RUN_WORKER_FAILED"
  | "CACHE_MISSING"
  | "SECRET_MISSING"
  | "SSH_MISSING"
  | "BUILD_CANCELLED"
  | "BUILD_FAILED"
  | "BUILD_UNKNOWN"
  // store
  | "STORE_UNWRITABLE"
  | "STORE_FULL"
  | "STORE_CORRUPT"
  | "STORE_NEWER"
  | "STORE_LOCKED"
  | "BLOB_MISSING"
  | "BLOB_DIGEST_MISMATCH"
  | "BLOB_LIMIT"
  | "REF_MISSING"
  // host, exporters, plugins
  | "EXPORT_FAILED"
  | "EXPORTER_UNKNOWN"
  | "OPTION_INVALID"
  | "PLUGIN_INVALID"
  | "DEBIAN_FAILED"
  | "DEBIAN_MIRROR_UNREACHABLE"
  | "DEBIAN_TOOL_MISSING"
  | "EXECUTABLE_NOT_FOUND"
  | "ELF_INVALID"
  | "HOST_UNSUPPORTED";

/** A place in a user's file: the recipe, a Dockerfile, an ignore file. */
export interface SourceLocation {
  /** Path as the user would type it, or absolute. */
  readonly file: string;
  /** Line number, from 1. */
  readonly line: number;
  /** Column number, from 1, where known. */
  readonly column?: number;
  /** The text of the line, where known. */
  readonly text?: string;
}

/** What a {@link LayerwrightError} may say beyond its message. */
export interface LayerwrightErrorOptions {
  /** The user's line that led here. */
  readonly at?: SourceLocation | undefined;
  /** Further facts, one line each: the nearest name, the rule that hid a file, other violations. */
  readonly details?: readonly string[] | undefined;
  /** What to do about it: one line, imperative. */
  readonly hint?: string | undefined;
  /** The error beneath. */
  readonly cause?: unknown;
  /** The record of the build that failed: see `layerwright shell`. */
  readonly build?: string | undefined;
}

/**
 * An error that says what happened, where, and what to do.
 * The message is a sentence without its final period: the action, a colon, the state found.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { LayerwrightError } from "./errors.ts";
 * const error = new LayerwrightError("REF_MISSING", 'Cannot tag "a:1": no such image', { hint: "build it first" });
 * assert.equal(error.format(), 'REF_MISSING: Cannot tag "a:1": no such image\n  fix: build it first');
 * ```
 */
export class LayerwrightError extends Error {
  readonly code: ErrorCode;
  readonly at: SourceLocation | undefined;
  readonly details: readonly string[];
  readonly hint: string | undefined;
  /** The name under which the store remembers the build that failed, if it does. */
  readonly build: string | undefined;

  constructor(code: ErrorCode, message: string, options: LayerwrightErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "LayerwrightError";
    this.code = code;
    this.at = options.at;
    this.details = options.details ?? [];
    this.hint = options.hint;
    this.build = options.build;
  }

  /** The same error with the user's line added, unless it already has one. */
  located(at: SourceLocation | undefined): LayerwrightError {
    if (at === undefined || this.at !== undefined) return this;
    return new LayerwrightError(this.code, this.message, {
      at,
      details: this.details,
      hint: this.hint,
      cause: this.cause,
      build: this.build,
    });
  }

  /** The text a terminal shows: code and message, then the place, the details and the fix, indented. */
  format(): string {
    const lines = [`${this.code}: ${this.message}`];
    if (this.at !== undefined) {
      const text = this.at.text === undefined ? "" : `   ${this.at.text.trim()}`;
      lines.push(`  at ${this.at.file}:${this.at.line}${text}`);
    }
    for (const detail of this.details) lines.push(`  ${detail}`);
    if (this.hint !== undefined) lines.push(`  fix: ${this.hint}`);
    return lines.join("\n");
  }
}

/** The code of a system call's error (`ENOENT`…), or undefined for anything else. */
export function systemErrorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
