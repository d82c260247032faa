/**
 * The namespaces a session's worker lives in.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import type { Privileges } from "./protocol.ts";

const CAP_SYS_ADMIN = 21n;
/** All ids there are, each as itself. */
const INITIAL_NAMESPACE = /^\s*0\s+0\s+4294967295\s*$/;

/** Root outside of all user namespaces; without CAP_SYS_ADMIN, as in most containers, it cannot mount. */
export function isRealRoot(): boolean {
  return mayMount() && INITIAL_NAMESPACE.test(readFileSync("/proc/self/uid_map", "utf8"));
}

/** Root of a user namespace with many ids, which does not need another one: as in a privileged container of a user. */
export function isRootOfNamespace(): boolean {
  return mayMount() && !isRealRoot() && mapsMany("uid_map") && mapsMany("gid_map");
}

function mayMount(): boolean {
  if (process.getuid?.() !== 0) return false;
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return (BigInt(`0x${effective ?? "0"}`) >> CAP_SYS_ADMIN & 1n) === 1n;
}

/** Lines of "first id inside, first id outside, count". */
function mapsMany(file: "uid_map" | "gid_map"): boolean {
  const counts = readFileSync(`/proc/self/${file}`, "utf8").trim().split("\n").map((line) =>
    Number(line.trim().split(/\s+/)[2])
  );
  return counts.reduce((sum, count) => sum + count, 0) > 1;
}

/** The flags of unshare(1) that give a process its user namespace; none for root, real or of many ids. */
export function userNamespaceFlags(privileges: Privileges): string[] {
  switch (privileges) {
    case "root":
      return [];
    case "user-range":
      return isRootOfNamespace() ? [] : ["--user", "--map-auto", "--map-root-user"];
    case "user-single":
      return ["--user", "--map-root-user"];
  }
}

/** Where a worker lives. */
export interface WorkerNamespaces {
  readonly privileges: Privileges;
  /** No /proc for processes numbered on their own can be mounted. */
  readonly sharesProcesses?: boolean | undefined;
}

/**
 * The flags for a worker: mounts and processes of its own. Whatever ends unshare(1) ends all of them: its child dies
 * with it, that child is the first process of the pid namespace, and the mounts go with the last process.
 * Where it shares its processes, unshare(1) becomes the worker.
 */
export function workerFlags({ privileges, sharesProcesses }: WorkerNamespaces): string[] {
  return [
    ...userNamespaceFlags(privileges),
    ...["--mount", "--propagation", "private"],
    ...sharesProcesses === true ? [] : ["--pid", "--fork", "--mount-proc", "--kill-child"],
  ];
}
