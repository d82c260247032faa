/**
 * Removing whatever a step made.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";

/** Removes a directory and all in it. */
export function removeTree(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // A name that is no UTF-8 is out of reach for both runtimes, not for rm(1).
    spawnSync("rm", ["-rf", "--", path], { stdio: "ignore" });
  }
}
