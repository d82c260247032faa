/**
 * What can be wrong with what a run gets beside files: hosts, limits, memory.
 *
 * @module
 */
import type { Problem } from "./diagnostic.ts";
import type { RunOp } from "./op.ts";

type Surroundings = Pick<RunOp, "hosts" | "shmSizeBytes" | "ulimits" | "resources">;

/** The names of setrlimit(2), as limits.conf(5) and docker spell them. */
export const ULIMITS: readonly string[] = [
  ...["as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile"],
  ...["nproc", "rss", "rtprio", "rttime", "sigpending", "stack"],
];

/** Of what a run gets beside files: also for what a build gives to all of its runs. */
export function surroundingsProblems(
  { hosts = [], shmSizeBytes, ulimits = [], resources = {} }: Surroundings,
): Problem[] {
  const problems: Problem[] = [];
  const say = (message: string): void => {
    problems.push({ code: "VALUE_INVALID", message });
  };
  for (const { name, address } of hosts) {
    const entry = JSON.stringify(`${name}:${address}`);
    if (!/^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$/.test(name)) {
      say(`Cannot add host ${entry}: ${JSON.stringify(name)} is no host name`);
    }
    if (!isAddress(address)) {
      say(`Cannot add host ${entry}: ${JSON.stringify(address)} is no IP address`);
    }
  }
  const names = new Set<string>();
  for (const { name, soft, hard } of ulimits) {
    const text = `${name}=${soft}:${hard}`;
    if (!ULIMITS.includes(name)) {
      say(`Cannot set ulimit ${JSON.stringify(text)}: known are ${ULIMITS.join(", ")}`);
    }
    if (names.has(name)) say(`Cannot set ulimit ${JSON.stringify(text)}: ${name} is set twice`);
    names.add(name);
    if (soft < -1 || hard < -1 || (hard !== -1 && (soft === -1 || soft > hard))) {
      say(`Cannot set ulimit ${JSON.stringify(text)}: the soft limit is over the hard one`);
    }
  }
  const sizes = { "/dev/shm": shmSizeBytes, memory: resources.memoryBytes, pids: resources.pids };
  for (const [what, value] of Object.entries(sizes)) {
    if (value !== undefined && value < 1) say(`Cannot limit ${what} to ${value}: less than 1`);
  }
  return problems;
}

function isAddress(text: string): boolean {
  const numbers = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1);
  if (numbers !== undefined) return numbers.every((number) => Number(number) <= 255);
  return /^[0-9a-fA-F:.]+$/.test(text) && text.includes(":") && URL.canParse(`http://[${text}]/`);
}
