/**
 * Removing trees that programs made, however deep.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

/** No tree that people use is deeper; both runtimes take minutes to remove one of thousands of levels. */
const DEEPEST = 256;

/**
 * Removes a directory and all in it, if it is there. A tree too deep for the runtime, or with names that are no UTF-8,
 * is left to rm(1).
 *
 * @throws what `rmSync` does for what it may not remove.
 */
export function removeTree(path: string): void {
  if (isDeep(path, DEEPEST)) spawnSync("rm", ["-rf", "--", path], { stdio: "ignore" });
  rmSync(path, { recursive: true, force: true });
}

/** Whether there are more levels of directories than that, or some that cannot be told. */
function isDeep(path: string, levels: number): boolean {
  try {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      if (levels === 0 || isDeep(join(path, entry.name), levels - 1)) return true;
    }
    return false;
  } catch (error) {
    // No directory at all is the usual case; a closed one, or a path beyond all limits, is for rm(1) to try.
    return !["ENOENT", "ENOTDIR"].includes((error as { code?: string }).code ?? "");
  }
}
