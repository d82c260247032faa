/**
 * The namespaces a session's worker lives in.
 *
 * @module
 */
import type { Privileges } from "./protocol.ts";

/** The flags of unshare(1) that give a process its user namespace; none for real root. */
export function userNamespaceFlags(privileges: Privileges): string[] {
  switch (privileges) {
    case "root":
      return [];
    case "user-range":
      return ["--user", "--map-auto", "--map-root-user"];
    case "user-single":
      return ["--user", "--map-root-user"];
  }
}

/**
 * The flags for a worker: mounts and processes of its own. Whatever ends unshare(1) ends all of them: its child dies
 * with it, that child is the first process of the pid namespace, and the mounts go with the last process.
 */
export function workerFlags(privileges: Privileges): string[] {
  return [
    ...userNamespaceFlags(privileges),
    ...["--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "--propagation", "private"],
  ];
}
