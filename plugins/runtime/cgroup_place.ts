/**
 * Where control groups for steps can be made: below the group of this process, whose limits then hold for them as well.
 *
 * @see cgroups(7); Linux, Documentation/admin-guide/cgroup-v2.rst, "Delegation", "No Internal Process Constraint"
 * @module
 */
import { readFileSync } from "node:fs";
import { posix } from "node:path";

/** What steps can be limited in. */
export type CgroupController = "memory" | "pids";

/** A directory in which groups can be made. */
export interface CgroupPlace {
  readonly version: 1 | 2;
  readonly directory: string;
}

/** A place, or why there is none. */
export type FoundPlace = { readonly place: CgroupPlace } | { readonly reason: string };

/** What the kernel says of the groups of a process. */
export interface CgroupFiles {
  /** Its /proc/self/mountinfo. */
  readonly mounts: string;
  /** Its /proc/self/cgroup. */
  readonly groups: string;
  /** The controllers that a group of version 2 hands down to groups below it. */
  readonly handedDown: (directory: string) => readonly string[];
}

/** What the kernel says of this process. */
export function ownCgroupFiles(): CgroupFiles {
  return {
    mounts: readFileSync("/proc/self/mountinfo", "utf8"),
    groups: readFileSync("/proc/self/cgroup", "utf8"),
    handedDown: (directory) => {
      try {
        const text = readFileSync(`${directory}/cgroup.subtree_control`, "utf8");
        return text.trim().split(" ");
      } catch {
        return [];
      }
    },
  };
}

/**
 * Finds the place for one controller.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { findCgroupPlace } from "./cgroup_place.ts";
 * const mounts = "36 31 0:33 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory";
 * const found = findCgroupPlace("memory", { mounts, groups: "4:memory:/a", handedDown: () => [] });
 * assert.deepEqual(found, { place: { version: 1, directory: "/sys/fs/cgroup/memory/a" } });
 * ```
 */
export function findCgroupPlace(controller: CgroupController, files: CgroupFiles): FoundPlace {
  const groups = files.groups.trim().split("\n").map((line) => {
    const [, names = "", ...path] = line.split(":");
    return { names: names.split(","), path: path.join(":") };
  });
  const mounts = files.mounts.trim().split("\n").map(parseMount);
  const first = groups.find(({ names }) => names.includes(controller));
  if (first !== undefined) {
    const mount = mounts.find(({ type, options }) =>
      type === "cgroup" && options.includes(controller)
    );
    const directory = mount && below(mount, first.path);
    return directory === undefined
      ? { reason: `the ${controller} control groups of this process are not mounted here` }
      : { place: { version: 1, directory } };
  }
  const second = groups.find(({ names }) => names[0] === "");
  const mount = mounts.find(({ type }) => type === "cgroup2");
  const own = second && mount && below(mount, second.path);
  if (own === undefined || mount === undefined) {
    return { reason: `this machine has no ${controller} control groups, or they are not mounted` };
  }
  // A group with processes in it hands nothing down, unless it is the root: a sibling of it has to do then.
  const parent = own === mount.at ? [] : [posix.dirname(own)];
  const directory = [own, ...parent].find((one) => files.handedDown(one).includes(controller));
  return directory === undefined
    ? {
      reason:
        `the control group ${second?.path} gets no ${controller} control for groups of its own`,
    }
    : { place: { version: 2, directory } };
}

interface CgroupMount {
  readonly root: string;
  readonly at: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** proc_pid_mountinfo(5). Cgroup mounts are in places without white space. */
function parseMount(line: string): CgroupMount {
  const [before = "", after = ""] = line.split(" - ");
  const [, , , root = "", at = ""] = before.split(" ");
  const [type = "", , options = ""] = after.split(" ");
  return { root, at, type, options: options.split(",") };
}

/** The directory of a group in a mount; undefined for one outside of what is mounted. */
function below({ root, at }: CgroupMount, path: string): string | undefined {
  const relative = posix.relative(root, path);
  return relative.startsWith("..") || path.startsWith("/..") ? undefined : posix.join(at, relative);
}
