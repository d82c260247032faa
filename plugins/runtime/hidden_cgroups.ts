/**
 * The control groups of the host, kept from container runtimes: steps need none of theirs, as the pid namespace ends
 * what they start. In the mount namespace of the worker only.
 *
 * @module
 */
import { mkdirSync, readFileSync } from "node:fs";
import { MNT_DETACH, MOUNT_FLAGS, MS_BIND, MS_RDONLY, MS_REC, MS_REMOUNT } from "./mount_flags.ts";
import type { WorkerContext } from "./worker_context.ts";

const CGROUPS = "/sys/fs/cgroup";

/**
 * Makes a runtime leave the control groups alone.
 *
 * @returns where a file below /sys/fs/cgroup can still be found and written to.
 */
export function hideCgroups(
  context: WorkerContext,
  runtime: "crun" | "runc",
): (path: string) => string {
  const mounts = cgroupMounts();
  const isHybrid = mounts.some(({ at, type }) => at === `${CGROUPS}/unified` && type === "cgroup2");
  const { calls } = context;
  if (runtime === "crun" && !isHybrid) return (path) => path;
  // As they are, for those who have to write to them.
  const copy = `${context.memory}/cgroup`;
  mkdirSync(copy);
  calls.mount(CGROUPS, copy, "", MS_BIND | MS_REC, "");
  if (runtime === "runc") {
    // As root it makes a group of each controller for each step, whatever it is told, and leaves them behind when it
    // is killed. Where it cannot, it goes on without if it takes itself for rootless.
    for (const { at, flags } of mounts) {
      calls.mount("", at, "", MS_REMOUNT | MS_BIND | MS_RDONLY | flags, "");
    }
  } else if (context.userNamespace) {
    // It refuses hosts with version 1 and 2 at once, even when told to leave cgroups alone. Mounts that came from the
    // host's namespace cannot be undone by a user, but covered.
    calls.mount("tmpfs", CGROUPS, "tmpfs", 0, "");
  } else calls.unmount(`${CGROUPS}/unified`, MNT_DETACH);
  return (path) => path.startsWith(`${CGROUPS}/`) ? copy + path.slice(CGROUPS.length) : path;
}

interface CgroupMount {
  readonly at: string;
  readonly type: string;
  /** Those that a user may not take away. */
  readonly flags: number;
}

/** proc_pid_mountinfo(5). */
function cgroupMounts(): CgroupMount[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").trim().split("\n");
  return lines.flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const [, , , , at = "", options = ""] = before.split(" ");
    const [type = ""] = after.split(" ");
    if (type !== "cgroup" && type !== "cgroup2") return [];
    const flags = options.split(",").reduce((all, name) => all | (MOUNT_FLAGS[name] ?? 0), 0);
    return [{ at, type, flags }];
  });
}
