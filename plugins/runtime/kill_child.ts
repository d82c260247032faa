/**
 * Ending a process tree that starts with unshare(1).
 *
 * @module
 */
import type { ChildProcess } from "node:child_process";
import { childrenOf } from "./kill_tree.ts";

/** How long unshare(1) may take to notice. */
const PATIENCE_MS = 2000;

/**
 * Kills the first process of the namespaces that a running unshare(1) made. It ends all others on its way, and
 * unshare(1) ends after it: then, not before, everything is gone. Killing unshare(1) itself would do the same without
 * anybody to wait for.
 */
export function killChild(unshare: ChildProcess): void {
  const { pid } = unshare;
  if (pid === undefined || unshare.exitCode !== null || unshare.signalCode !== null) return;
  const children = childrenOf(pid);
  for (const child of children) signal(child);
  // Not forked yet, or forked just now: --kill-child sees to what there is.
  const giveUp = (): void => void unshare.kill("SIGKILL");
  if (children.length === 0) return giveUp();
  const timer = setTimeout(giveUp, PATIENCE_MS);
  unshare.once("exit", () => clearTimeout(timer));
}

function signal(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}
