/**
 * Paths of `file:` URLs, without the time it takes to load `node:url` where the runtime has another way.
 *
 * @module
 */

/** The part of the `Bun` global used here, so that type checks pass under both runtimes' types. */
interface BunUrls {
  fileURLToPath(url: URL | string): string;
}

/**
 * `fileURLToPath()` of `node:url`.
 *
 * @throws {TypeError} For a URL that is no path of this machine.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { filePathOf } from "./file_url.ts";
 * assert.equal(filePathOf("file:///srv/a%20b"), "/srv/a b");
 * ```
 */
export function filePathOf(url: URL | string): string {
  const { Bun: bun } = globalThis as { Bun?: BunUrls };
  if (bun !== undefined) return bun.fileURLToPath(url);
  return process.getBuiltinModule("node:url").fileURLToPath(url);
}
