/**
 * Limits of setrlimit(2), in the words of those that set them.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { LayerwrightError } from "../../core/errors.ts";
import type { Ulimit } from "../../core/mod.ts";

/** One limit in the words of the runtime-spec (config.md, "POSIX process"). */
export interface RuntimeRlimit {
  readonly type: string;
  readonly soft: unknown;
  readonly hard: unknown;
}

/** The names in /proc/self/limits, see proc_pid_limits(5). */
const PROC_NAMES: Readonly<Record<string, string>> = {
  as: "Max address space",
  core: "Max core file size",
  cpu: "Max cpu time",
  data: "Max data size",
  fsize: "Max file size",
  locks: "Max file locks",
  memlock: "Max locked memory",
  msgqueue: "Max msgqueue size",
  nice: "Max nice priority",
  nofile: "Max open files",
  nproc: "Max processes",
  rss: "Max resident set",
  rtprio: "Max realtime priority",
  rttime: "Max realtime timeout",
  sigpending: "Max pending signals",
  stack: "Max stack size",
};

const CAP_SYS_RESOURCE = 24n;

/** Whose limits a step begins with. */
export interface LimitsOfProcess {
  /** Its /proc/self/limits. */
  readonly limits: string;
  /** It may raise hard limits: the kernel asks for CAP_SYS_RESOURCE outside of all user namespaces. */
  readonly mayRaise: boolean;
  /** fs.nr_open: more open files nobody may have. */
  readonly maxOpenFiles: number;
}

/** The limits of this process. */
export function limitsOfProcess(userNamespace: boolean): LimitsOfProcess {
  const status = readFileSync("/proc/self/status", "utf8");
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  return {
    limits: readFileSync("/proc/self/limits", "utf8"),
    mayRaise: !userNamespace && (effective >> CAP_SYS_RESOURCE & 1n) === 1n,
    maxOpenFiles: Number(readFileSync("/proc/sys/fs/nr_open", "utf8")),
  };
}

/**
 * Refuses limits that the kernel would.
 *
 * @throws {LayerwrightError} `RUN_UNSUPPORTED` with the limit in force.
 * @see setrlimit(2), "EPERM"
 */
export function checkUlimits(ulimits: readonly Ulimit[], own: LimitsOfProcess): void {
  for (const { name, soft, hard } of ulimits) {
    const inForce = hardLimit(name, own.limits);
    const highest = own.mayRaise ? (name === "nofile" ? own.maxOpenFiles : Infinity) : inForce;
    if (valueOf(hard) <= highest) continue;
    throw new LayerwrightError(
      "RUN_UNSUPPORTED",
      `Cannot set ulimit "${name}=${soft}:${hard}": ${
        own.mayRaise ? "the highest that the kernel allows" : "the hard limit of this process"
      } is ${shown(highest)}`,
      {
        hint: own.mayRaise
          ? "ask for less, or raise sysctl fs.nr_open"
          : "ask for at most that, or start the build with a higher limit: only a process with " +
            "CAP_SYS_RESOURCE can raise it (limits.conf, LimitNOFILE= and the like of a service)",
      },
    );
  }
}

/** Runtimes set the limits before they are done themselves, and say of what they lack only that. */
export function withUlimitHint(error: unknown, ulimits: readonly Ulimit[]): unknown {
  if (!(error instanceof LayerwrightError) || error.code !== "RUN_WORKER_FAILED") return error;
  const { code, message, details, cause } = error;
  const set = ulimits.map(({ name, soft, hard }) => `${name}=${soft}:${hard}`).join(", ");
  const hint = `the limits of this step (${set}) may be too low to start it: raise them`;
  const hints = error.hint === undefined ? hint : `${hint}; ${error.hint}`;
  return new LayerwrightError(code, message, { details, cause, hint: hints });
}

/** The limits as a runtime takes them. */
export function runtimeRlimits(ulimits: readonly Ulimit[]): RuntimeRlimit[] {
  return ulimits.map(({ name, soft, hard }) => ({
    type: `RLIMIT_${name.toUpperCase()}`,
    soft: runtimeNumber(soft),
    hard: runtimeNumber(hard),
  }));
}

/** The flags of prlimit(1) that set the limits. */
export function prlimitFlags(ulimits: readonly Ulimit[]): string[] {
  const text = (value: number): string => value === -1 ? "unlimited" : String(value);
  return ulimits.map(({ name, soft, hard }) => `--${name}=${text(soft)}:${text(hard)}`);
}

/** RLIM_INFINITY needs 64 bits, of which a number of ours has 53. */
function runtimeNumber(value: number): unknown {
  return value === -1 ? rawJson("18446744073709551615") : value;
}

/** ECMAScript's "JSON.parse source text access", which the types do not have yet. */
function rawJson(text: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text);
}

function hardLimit(name: string, limits: string): number {
  const line = limits.split("\n").find((one) => one.startsWith(`${PROC_NAMES[name]} `)) ?? "";
  const [, hard = "unlimited"] = line.slice(26).trim().split(/\s+/);
  return hard === "unlimited" ? Infinity : Number(hard);
}

function valueOf(limit: number): number {
  return limit === -1 ? Infinity : limit;
}

function shown(limit: number): string {
  return limit === Infinity ? "unlimited" : String(limit);
}
