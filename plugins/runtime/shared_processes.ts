/**
 * Ending what a worker and its steps started where they have no pid namespace to end it with: what belongs to them is
 * told by the user namespace it is in, and by its root.
 *
 * A process that a step hides from both, by namespaces and roots of its own, is not found. Hence only where nothing
 * better can be had.
 *
 * @module
 */
import { readdirSync, readlinkSync, statSync } from "node:fs";
import { killTree } from "./kill_tree.ts";

/** A process may start others between the moment it is seen and its end. */
const ROUNDS = 100;

/** Kills a worker with all that is in its user namespace. */
export function killWorker(pid: number): void {
  const namespace = userNamespaceOf(pid);
  killTree(pid);
  if (namespace === undefined || namespace === userNamespaceOf(process.pid)) return;
  killAll((other) => userNamespaceOf(other) === namespace);
}

/** Kills all else in the user namespace of this process, a worker. */
export function killNeighbours(): void {
  const namespace = userNamespaceOf(process.pid);
  // Shared with whoever started this process, it is no worker's own.
  if (namespace === undefined || namespace === userNamespaceOf(process.ppid)) return;
  killAll((pid) => userNamespaceOf(pid) === namespace);
}

/** Kills what has a mounted root, or a directory in it, as its root. */
export function killRootedIn(root: string): void {
  // An overlay has a device number of its own.
  const { dev } = statSync(root);
  killAll((pid) => {
    try {
      return statSync(`/proc/${pid}/root/`).dev === dev;
    } catch {
      return false;
    }
  });
}

function killAll(belongs: (pid: number) => boolean): void {
  for (let round = 0; round < ROUNDS; round++) {
    const found = readdirSync("/proc").map(Number).filter((pid) =>
      pid > 0 && pid !== process.pid && belongs(pid)
    );
    if (found.length === 0) return;
    for (const pid of found) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // Gone already.
      }
    }
  }
}

function userNamespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/user`);
  } catch {
    return undefined;
  }
}
