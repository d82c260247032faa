/**
 * `npm run bench`: Layerwright as a whole process against every peer installed, in the same minutes, on the same
 * files, in memory.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { arch, cpus, release, totalmem } from "node:os";
import { CommandFailed, runner } from "./measure.ts";
import { type BenchOptions, parseOptions, USAGE } from "./options.ts";
import { rowsTable, targetsTable } from "./report.ts";
import { makeScratch, runInNamespace, type Scratch } from "./scratch.ts";
import { measureTask, type Row, TIME_WAS_UP } from "./series.ts";
import { checkTargets } from "./targets.ts";
import { Buildah, engines, installedPeers } from "./tools.ts";
import type { Bench } from "./workloads/bench.ts";
import { branches } from "./workloads/branches.ts";
import { growth } from "./workloads/growth.ts";
import { largeFiles } from "./workloads/large_files.ts";
import { largeGraph } from "./workloads/large_graph.ts";
import { nodeModules } from "./workloads/node_modules.ts";
import { runSteps } from "./workloads/run_steps.ts";
import { startup } from "./workloads/startup.ts";
import { tinySteps } from "./workloads/tiny_steps.ts";
import { tarWriters } from "./workloads/tar_writers.ts";
import { installPackages } from "./inputs.ts";

/** What a workload does, and how many tasks it measures. */
interface Workload {
  readonly tasks: number;
  readonly measure: (bench: Bench) => void;
}

const WORKLOADS: ReadonlyMap<string, Workload> = new Map([
  ["W0", {
    tasks: 3,
    measure: (bench: Bench): void => {
      startup(bench);
      tarWriters(bench, progress);
    },
  }],
  ["W1", { tasks: 5, measure: (bench: Bench): void => nodeModules(bench, progress) }],
  ["W2", { tasks: 1, measure: largeFiles }],
  ["W3", { tasks: 3, measure: tinySteps }],
  ["W6", { tasks: 1, measure: branches }],
  ["W8", { tasks: 5, measure: runSteps }],
  ["W7", { tasks: 1, measure: largeGraph }],
]);

const GROWTH: ReadonlyMap<string, Workload> = new Map([["growth", { tasks: 1, measure: growth }]]);

/** Seconds of one task and of everything, and of a command that is not timed. */
const LIMITS = {
  quick: { task: 5, total: 54 },
  full: { task: 240, total: 3600 },
  preparation: 300,
} as const;

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** On standard error: standard output is the report. */
function progress(line: string): void {
  process.stderr.write(`… ${line}\n`);
}

function bench(options: BenchOptions): number {
  // Before the clock starts: a download is nobody's speed.
  const has = (name: string): boolean => !options.growth && (options.only?.has(name) ?? true);
  if (has("W1")) installPackages("w1", progress);
  if (has("W0")) installPackages("tar_writers", progress);
  using scratch = makeScratch(options.folder);
  const limits = options.quick ? LIMITS.quick : LIMITS.full;
  const started = performance.now();
  const workloads = [...options.growth ? GROWTH : WORKLOADS].filter(([name]) =>
    options.growth || options.only?.has(name) !== false
  );
  const deadlineMs = started + limits.total * 1000;
  let tasksLeft = workloads.reduce((sum, [, { tasks }]) => sum + tasks, 0);
  // In the quick run what comes last must not go without.
  const capSeconds = (): number =>
    Math.min(limits.task, (deadlineMs - performance.now()) / 1000 / Math.max(1, tasksLeft--));
  const context = makeBench(options, scratch, deadlineMs, capSeconds);
  // Without this every row would fail for the same reason.
  for (const engine of context.engines) {
    context.prepare(engine.command(["version"], scratch.path));
  }
  header(context);
  for (const [name, { measure }] of workloads) {
    if (performance.now() > deadlineMs) {
      context.note(`${name} left out: time was up`);
      continue;
    }
    try {
      measure(context);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      context.note(`${name} ended early: ${error.message.replace(/\s+/g, " ")}`);
    }
  }
  const digests = differing(context.digests);
  const failed = context.rows.filter(({ tool, note }) =>
    context.engines.some((engine) => engine.tool === tool) && note !== undefined &&
    note !== TIME_WAS_UP
  );
  const targets = options.growth ? [] : checkTargets(context.rows);
  print("");
  for (const line of context.notes) print(`- ${line}`);
  print(`- T13: ${digestVerdict(context.digests, digests)}`);
  if (targets.length > 0) {
    print(`\n## Targets${options.quick ? " (quick: small sizes, only indicative)" : ""}\n`);
    print(targetsTable(targets));
  }
  print(`\n${((performance.now() - started) / 1000).toFixed(0)} s in all`);
  if (options.json !== undefined) {
    const { machine, peers, rows, notes } = context;
    const results = { schema: 1, quick: options.quick, machine, peers: Object.fromEntries(peers) };
    writeFileSync(
      options.json,
      `${JSON.stringify({ ...results, rows, targets, notes, digests }, null, 1)}\n`,
    );
  }
  // A peer that fails is a note; we who fail are an error.
  return digests.length === 0 && failed.length === 0 ? 0 : 1;
}

type Digests = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** What was not built alike. */
function differing(digests: Digests): string[] {
  return [...digests].filter(([, byTool]) => new Set(byTool.values()).size > 1)
    .map(([subject, byTool]) => `${subject}: ${[...byTool].flat().join(" ")}`);
}

function digestVerdict(digests: Digests, wrong: readonly string[]): string {
  const compared = [...digests].filter(([, byTool]) => byTool.size > 1).map(([subject]) => subject);
  if (wrong.length > 0) return `not met, digests differ: ${wrong.join("; ")}`;
  return compared.length === 0
    ? "not measured, needs builds on both runtimes"
    : `met, Bun and Deno gave the same digests for ${compared.join(", ")}`;
}

interface Machine {
  readonly processor: string;
  readonly processors: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly inMemory: boolean;
}

interface RecordingBench extends Bench {
  readonly machine: Machine;
  readonly rows: readonly Row[];
  readonly notes: readonly string[];
  /** By what was built, then by tool. */
  readonly digests: Digests;
}

function makeBench(
  options: BenchOptions,
  scratch: Scratch,
  deadlineMs: number,
  capSeconds: () => number,
): RecordingBench {
  const rows: Row[] = [];
  const notes: string[] = [];
  const digests = new Map<string, Map<string, string>>();
  const run = runner(scratch.path);
  return {
    options,
    scratch,
    engines: engines(),
    peers: installedPeers(),
    rows,
    notes,
    digests,
    machine: {
      processor: cpus()[0]?.model ?? "unknown",
      processors: cpus().length,
      memoryBytes: totalmem(),
      system: `${process.platform} ${release()} ${arch()}`,
      inMemory: scratch.inMemory,
    },
    measure(task): readonly Row[] {
      progress(`${task.workload}, ${task.measure}`);
      const bounds = { rounds: options.rounds, capSeconds: capSeconds(), deadlineMs, run };
      const measured = measureTask(task, bounds);
      rows.push(...measured);
      print(`\n### ${task.workload}, ${task.measure}\n\n${rowsTable(measured)}`);
      for (const { tool, note, samples } of measured) {
        // How often a tool ran stands in the table.
        if (note !== undefined && note !== TIME_WAS_UP) {
          const which = `${task.workload}, ${task.measure}, ${tool}`;
          notes.push(`${which}: ${note} after ${samples.length} of ${options.rounds} runs`);
        }
      }
      return measured;
    },
    prepare(command): string {
      if (performance.now() > deadlineMs) throw new CommandFailed("time was up");
      return run(command, LIMITS.preparation).stdout;
    },
    note: (line) => void notes.push(line),
    digest(subject, tool, digest): void {
      const byTool = digests.get(subject) ?? new Map<string, string>();
      digests.set(subject, byTool.set(tool, digest));
    },
    // Overlay needs a mount namespace of our own, and a file system below that is none itself.
    buildah: (folder) => new Buildah(folder, process.getuid?.() === 0 && scratch.inMemory),
  };
}

function header({ machine, peers, engines: ours, options }: RecordingBench): void {
  const versions = ours.map(({ program, tool }) => {
    const { stdout } = spawnSync(program, ["--version"], { encoding: "utf8" });
    return `${tool} on ${/\d+\.\d+\.\d+/.exec(stdout)?.[0] ?? "?"}`;
  });
  print(`# Benchmark${options.quick ? ", quick" : ""}\n`);
  print(`- ${machine.processors} × ${machine.processor}, ${machine.system}`);
  print(`- ${[...versions, ...[...peers].map((pair) => pair.join(" "))].join(", ")}`);
  if (!machine.inMemory) {
    print("- WARNING: files are on a disk, not in memory: peers look slower than they are");
  }
  if (!peers.has("docker")) print("- no docker daemon answers: no BuildKit rows");
  print(
    '- medians, warm page cache; "foreign": processors that others kept busy; RSS: the largest process; n: the runs there was time for',
  );
}

const options = parseOptions(process.argv.slice(2));
if (options === "help") process.stdout.write(USAGE);
else process.exitCode = runInNamespace(process.argv.slice(2)) ?? bench(options);
