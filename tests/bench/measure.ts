/**
 * One run of one command as a whole process: wall clock, CPU, peak memory, and what else the machine did meanwhile.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { programPath } from "../support/program_path.ts";

/** A program and its surroundings. */
export interface Command {
  readonly argv: readonly string[];
  /** Added to the environment of the benchmark. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** What one run took. */
export interface Sample {
  readonly wallSeconds: number;
  /** User and system time of the process and of all it waited for; absent without GNU time. */
  readonly cpuSeconds?: number;
  /** Of the largest process among them; absent without GNU time. */
  readonly peakRssBytes?: number;
  /** Processors that others kept busy, on average; absent for the shortest runs, and without /proc/stat. */
  readonly foreignProcessors?: number;
}

/** A sample and what the command printed. */
export interface Run extends Sample {
  readonly stdout: string;
}

/** A command that failed, or took longer than it may. */
export class CommandFailed extends Error {}

/** The kernel's unit in /proc/stat: USER_HZ is 100 on every Linux that Bun and Deno run on. */
const SECONDS_PER_TICK = 0.01;

/** Makes runs whose figures pass through one file in `folder`. */
export function runner(folder: string): (command: Command, limitSeconds: number) => Run {
  const report = join(folder, "time.txt");
  // The shell's own "time" gives no memory.
  const time = programPath("time");
  const timeout = programPath("timeout");
  return (command, limitSeconds) => {
    // The limit must reach children too: a killed build tool would leave its own behind.
    const limit = timeout === undefined ? [] : [timeout, "-k", "2", String(limitSeconds)];
    const meter = time === undefined ? [] : [time, "-q", "-f", "%U %S %M", "-o", report];
    const [program = "", ...args] = [...meter, ...limit, ...command.argv];
    rmSync(report, { force: true });
    const busyBefore = busySeconds();
    const start = performance.now();
    const child = spawnSync(program, args, {
      encoding: "utf8",
      cwd: command.cwd,
      env: { ...process.env, ...command.env },
      stdio: ["ignore", "pipe", "pipe"],
      maxBuffer: 256 * 2 ** 20,
    });
    const wallSeconds = (performance.now() - start) / 1000;
    const busyAfter = busySeconds();
    if (child.status !== 0) {
      const why = child.status === 124 || child.status === 137
        ? `took longer than ${limitSeconds} s`
        : (child.error?.message ?? `${child.stderr}${child.stdout}`).trim().slice(-600);
      throw new CommandFailed(`${command.argv.slice(0, 4).join(" ")}…: ${why}`);
    }
    const sample: Run = { wallSeconds, stdout: child.stdout };
    if (time === undefined) return sample;
    const [user = 0, system = 0, rssKiB = 0] =
      readFileSync(report, "utf8").trim().split("\n").at(-1)
        ?.split(" ").map(Number) ?? [];
    const cpuSeconds = user + system;
    const measured = { ...sample, cpuSeconds, peakRssBytes: rssKiB * 1024 };
    const told = busyBefore !== undefined && busyAfter !== undefined &&
      wallSeconds > 10 * SECONDS_PER_TICK;
    if (!told) return measured;
    const foreign = Math.max(0, busyAfter - busyBefore - cpuSeconds) / wallSeconds;
    return { ...measured, foreignProcessors: Math.min(cpus().length, foreign) };
  };
}

/** CPU time of the whole machine since it started, idle and waiting left out. */
function busySeconds(): number | undefined {
  try {
    const line = readFileSync("/proc/stat", "utf8").split("\n")[0] ?? "";
    const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line.split(/\s+/)
      .slice(1).map(Number);
    return (user + nice + system + irq + softirq + steal) * SECONDS_PER_TICK;
  } catch {
    return undefined;
  }
}

/** The middle one, or the mean of the middle two; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const low = sorted[Math.floor((sorted.length - 1) / 2)] ?? NaN;
  const high = sorted[Math.ceil((sorted.length - 1) / 2)] ?? NaN;
  return (low + high) / 2;
}
