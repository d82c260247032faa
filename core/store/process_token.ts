/**
 * Names for processes that stay true after they ended: a number alone may be another process tomorrow.
 *
 * @module
 */
import { readFileSync, readlinkSync } from "node:fs";
import { systemErrorCode } from "../errors.ts";

/** One boot of the machine, one pid namespace, one process: `boot_namespace_pid_start`, fit for file names. */
export type ProcessToken = string;

const UNKNOWN = "unknown";

function readOr(read: () => string): string {
  try {
    return read().trim();
  } catch {
    return UNKNOWN;
  }
}

let boot: string | undefined;

/** The id of this boot of the machine; undefined where the system has none (all but Linux). */
export function bootId(): string | undefined {
  boot ??= readOr(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8"));
  return boot === UNKNOWN ? undefined : boot;
}

function pidNamespace(): string {
  return readOr(() => /\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? UNKNOWN);
}

/** State and start time of a process as the kernel tells them; undefined when there is none. */
function processStatus(
  pid: number,
): { readonly state: string; readonly start: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // proc(5): the name in parentheses may hold anything, also spaces and parentheses; fields 3 and 22 follow.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { state: fields[0] ?? "", start: fields[19] ?? UNKNOWN };
  } catch {
    return undefined;
  }
}

let own: ProcessToken | undefined;

/** The token of this process. */
export function processToken(): ProcessToken {
  own ??= [
    bootId() ?? UNKNOWN,
    pidNamespace(),
    process.pid,
    processStatus(process.pid)?.start ?? UNKNOWN,
  ].join("_");
  return own;
}

/**
 * Whether the process of a token is gone for good. When that cannot be known (another pid namespace, a
 * token that is not ours), it is not.
 */
export function isProcessGone(token: ProcessToken): boolean {
  const [tokenBoot = "", namespace = "", pid = "", start = ""] = token.split("_");
  if (!/^\d+$/.test(pid) || start === "") return false;
  if (tokenBoot !== (bootId() ?? UNKNOWN)) return true;
  if (namespace !== pidNamespace()) return false;
  if (start !== UNKNOWN) {
    const status = processStatus(Number(pid));
    // A zombie holds nothing any more; only its parent has not noticed.
    return status === undefined || status.start !== start || status.state === "Z" ||
      status.state === "X";
  }
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return systemErrorCode(error) === "ESRCH";
  }
}

/** The boot in which a token was made; undefined where boots have no id. */
export function bootOf(token: ProcessToken): string | undefined {
  const tokenBoot = token.split("_", 1)[0];
  return tokenBoot === UNKNOWN ? undefined : tokenBoot;
}
