/**
 * SHA-256 of what is in memory, without the time it takes to load `node:crypto` where the runtime has another way.
 *
 * @module
 */

/** The part of the `Bun` global used here, so that type checks pass under both runtimes' types. */
interface BunHashing {
  readonly SHA256: { hash(bytes: Uint8Array | string, encoding: "hex"): string };
}

/**
 * Hashes bytes, or the UTF-8 bytes of a text.
 *
 * @returns 64 lower-case hex digits.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { sha256Hex } from "./sha256.ts";
 * assert.match(sha256Hex("abc"), /^ba7816bf8f01cfea/);
 * ```
 */
export function sha256Hex(bytes: Uint8Array | string): string {
  const { Bun: bun } = globalThis as { Bun?: BunHashing };
  if (bun !== undefined) return bun.SHA256.hash(bytes, "hex");
  return process.getBuiltinModule("node:crypto").createHash("sha256").update(bytes).digest("hex");
}
