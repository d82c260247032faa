/**
 * Small file work through `node:fs`, which is loaded at the first use: on Deno that takes as long as a start.
 *
 * @module
 */

/** As `Host.readFile`. */
export function readFileByNode(path: string): Uint8Array | undefined {
  try {
    return process.getBuiltinModule("node:fs").readFileSync(path);
  } catch {
    return undefined;
  }
}

/** As `Host.touch`. */
export function touchByNode(path: string): void {
  try {
    const now = new Date();
    process.getBuiltinModule("node:fs").utimesSync(path, now, now);
  } catch {
    // Gone, or another user's: nobody waits for it.
  }
}
