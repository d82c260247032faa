/**
 * Surroundings of a worker that are other than usual: what a step must not depend on, and some do.
 *
 * @module
 */
import { readFileSync, statfsSync } from "node:fs";
import { release } from "node:os";
import type { SessionVariation } from "../../core/mod.ts";
import { findTool, requireTool } from "./find_tool.ts";
import type { Privileges } from "./protocol.ts";

/** Of `statfs(2)`, in linux/magic.h. */
const TMPFS_MAGIC = 0x01021994;

/** From it on tmpfs keeps xattrs of users, which overlays in a user namespace need. */
const USER_XATTRS_SINCE: readonly [major: number, minor: number] = [6, 6];

/** Which of the variations asked for can be had here. */
export function possibleVariations(
  asked: readonly SessionVariation[],
  { privileges, workDirectory }: {
    readonly privileges: Privileges;
    readonly workDirectory: string;
  },
): SessionVariation[] {
  return asked.filter((variation) => {
    switch (variation) {
      case "umask":
        return true;
      case "cpus":
        return findTool("taskset") !== undefined && /[,-]/.test(allowedCpus());
      case "directory-order":
        // In memory too, the order would be the same.
        return statfsSync(workDirectory).type !== TMPFS_MAGIC &&
          (privileges === "root" || kernelIsAtLeast(USER_XATTRS_SINCE));
    }
  });
}

/** The command of a worker, started the other way. */
export function variedCommand(
  command: readonly string[],
  variations: readonly SessionVariation[],
): string[] {
  const varied = [...command];
  if (variations.includes("cpus")) {
    varied.unshift(requireTool("taskset"), "--cpu-list", firstOf(allowedCpus()));
  }
  // Steps have one of their own whatever this is: that it stays so is what is tried here.
  if (variations.includes("umask")) varied.unshift("sh", "-c", 'umask 077; exec "$@"', "sh");
  return varied;
}

/** As `0-3,8`. */
function allowedCpus(): string {
  const status = readFileSync("/proc/self/status", "utf8");
  return /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? "";
}

function firstOf(list: string): string {
  return /^\d+/.exec(list)?.[0] ?? "0";
}

function kernelIsAtLeast([major, minor]: readonly [number, number]): boolean {
  const match = /^(\d+)\.(\d+)/.exec(release());
  const [foundMajor, foundMinor] = [Number(match?.[1]), Number(match?.[2])];
  return foundMajor > major || (foundMajor === major && foundMinor >= minor);
}
