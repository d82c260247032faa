/**
 * Ending a process with all that it has started.
 *
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";

/** Processes die some time after they were killed. */
const ROUNDS = 1000;

/**
 * Kills a process and its descendants. It is stopped first: its children then cannot be taken for somebody else's, and
 * it starts no others.
 */
export function killTree(pid: number): void {
  signal(pid, "SIGSTOP");
  for (let round = 0; round < ROUNDS; round++) {
    const living = descendantsOf(pid).filter(isAlive);
    if (living.length === 0) break;
    for (const one of living) signal(one, "SIGKILL");
  }
  signal(pid, "SIGKILL");
}

function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}

/** Of all threads: each has its own. */
export function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
      const text = readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8");
      return text.split(" ").filter((child) => child !== "").map(Number);
    });
  } catch {
    // Gone already, or a kernel without CONFIG_PROC_CHILDREN.
    return [];
  }
}

/** Not a process that only waits for its parent to ask how it ended. */
export function isAlive(pid: number): boolean {
  try {
    // The state comes after the name, which may hold anything.
    return !/\) [ZX] [^)]*$/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Gone already.
  }
}
