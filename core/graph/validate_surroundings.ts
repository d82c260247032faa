/**
 * What can be wrong with what a run gets beside files: hosts, limits, memory.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import type { Problem } from "./diagnostic.ts";
import type { RunOp } from "./op.ts";

type Surroundings = Pick<RunOp, "hosts" | "shmSizeBytes" | "ulimits" | "resources">;

/** What a build gives to all of its runs. */
type GeneralSurroundings = Surroundings & {
  readonly stepTimeoutMs?: number;
  readonly network?: RunOp["network"];
};

/** docker's limit of limits. */
const LEAST_MEMORY_BYTES = 6 * 1024 * 1024;

const NETWORKS: readonly string[] = ["default", "none", "host"];

/** The names of setrlimit(2), as limits.conf(5) and docker spell them. */
export const ULIMITS: readonly string[] = [
  ...["as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile"],
  ...["nproc", "rss", "rtprio", "rttime", "sigpending", "stack"],
];

/** Of what a run gets beside files. */
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
    if (![soft, hard].every((limit) => Number.isSafeInteger(limit) && limit >= -1)) {
      say(`Cannot set ulimit ${JSON.stringify(text)}: limits are whole numbers, or -1 for none`);
    } else if (hard !== -1 && (soft === -1 || soft > hard)) {
      say(`Cannot set ulimit ${JSON.stringify(text)}: the soft limit is over the hard one`);
    }
  }
  const sizes = { "/dev/shm": shmSizeBytes, memory: resources.memoryBytes, pids: resources.pids };
  for (const [what, value] of Object.entries(sizes)) {
    if (value === undefined || (Number.isSafeInteger(value) && value >= 1)) continue;
    say(`Cannot limit ${what} to ${value}: not a whole number from 1`);
  }
  const { memoryBytes = LEAST_MEMORY_BYTES } = resources;
  if (Number.isInteger(memoryBytes) && memoryBytes >= 1 && memoryBytes < LEAST_MEMORY_BYTES) {
    say(`Cannot limit memory to ${memoryBytes}: less than 6 MiB, in which nothing starts`);
  }
  return problems;
}

/** What is wrong with what a build gives to all of its runs, one sentence each; empty: nothing. */
export function stepOptionProblems(options: GeneralSurroundings): string[] {
  const { stepTimeoutMs, network } = options;
  const problems = surroundingsProblems(options).map(({ message }) => message);
  if (stepTimeoutMs !== undefined && !(Number.isSafeInteger(stepTimeoutMs) && stepTimeoutMs >= 1)) {
    problems.push(`Cannot end steps after ${stepTimeoutMs} ms: not a whole number from 1`);
  }
  if (network !== undefined && !NETWORKS.includes(network)) {
    const text = JSON.stringify(network);
    problems.push(`Cannot give steps network ${text}: known are ${NETWORKS.join(", ")}`);
  }
  return problems;
}

/** @throws {LayerwrightError} `OPTION_INVALID` with all that {@link stepOptionProblems} finds. */
export function checkStepOptions(options: GeneralSurroundings): void {
  const [first, ...details] = stepOptionProblems(options);
  if (first !== undefined) throw new LayerwrightError("OPTION_INVALID", first, { details });
}

function isAddress(text: string): boolean {
  return text.includes(":") ? isAddressOfVersion6(text) : isAddressOfVersion4(text);
}

function isAddressOfVersion4(text: string): boolean {
  const numbers = text.split(".");
  // Without zeros in front: some programs read such a number as octal.
  return numbers.length === 4 &&
    numbers.every((number) => /^(0|[1-9]\d{0,2})$/.test(number) && Number(number) <= 255);
}

/** RFC 4291, section 2.2. By hand: the URL parsers of the runtimes differ. */
function isAddressOfVersion6(text: string): boolean {
  const halves = text.split("::");
  const groups = halves.flatMap((half) => half === "" ? [] : half.split(":"));
  // An address of version 4 at the end stands for two groups.
  const last = groups.at(-1)?.includes(".") === true && !text.endsWith("::") ? groups.pop() : "";
  if (last !== undefined && last !== "" && !isAddressOfVersion4(last)) return false;
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return false;
  const count = groups.length + (last === "" ? 0 : 2);
  return halves.length === 1 ? count === 8 : halves.length === 2 && count < 8;
}
