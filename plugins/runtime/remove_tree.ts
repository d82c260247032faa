/**
 * Removing whatever a step made.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { removeTree as removeTreeOrThrow } from "../../core/layer/mod.ts";

/** Removes a directory and all in it, as far as it may be removed. */
export function removeTree(path: string): void {
  try {
    removeTreeOrThrow(path);
  } catch {
    // A name that is no UTF-8 is out of reach for both runtimes, not for rm(1).
    spawnSync("rm", ["-rf", "--", path], { stdio: "ignore" });
  }
}
