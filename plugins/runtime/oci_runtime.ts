/**
 * Steps in crun or runc.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { type ConfigSurroundings, runtimeConfig } from "./bundle.ts";
import { requireTool } from "./find_tool.ts";
import { hideCgroups } from "./hidden_cgroups.ts";
import { isAlive, killTree } from "./kill_tree.ts";
import { lastWordsIn, meaningOfOne } from "./oci_failure.ts";
import type { OutputSink, PreparedStep, RunningStep, StepRuntime } from "./prepared_step.ts";
import { loadSeccomp } from "./seccomp.ts";
import { loadFilter } from "./seccomp_filter.ts";
import { killRootedIn } from "./shared_processes.ts";
import { openInput } from "./step_input.ts";
import { startOnTerminal, startStepProcess } from "./step_process.ts";
import { followTerminalSize, terminalSize } from "./terminal_size.ts";
import type { WorkerContext } from "./worker_context.ts";

/** Enough for one message with a path in it. */
const KEPT_OUTPUT_CHARACTERS = 8192;
const LOOK_INTERVAL_MS = 20;

/** Runs each step as a container of its own. */
export function ociRuntime(context: WorkerContext, name: "crun" | "runc"): StepRuntime {
  const program = requireTool(name);
  const stateDirectory = `${context.memory}/${name}`;
  const writableCgroup = hideCgroups(context, name);
  // Container runtimes have one name space for each user.
  const session = crypto.randomUUID();
  const seccomp = seccompFor(context, name);
  // crun, killed at the wrong moment, leaves a file there: it goes with the worker's memory.
  const place = { cwd: "/", env: { ...process.env, TMPDIR: context.memory } };
  const flags = [
    ...["--root", stateDirectory, "--log-format", "json"],
    name === "crun" ? "--cgroup-manager=disabled" : "--rootless=true",
  ];
  return {
    start(prepared, output): RunningStep {
      const step: PreparedStep = {
        ...prepared,
        // runc refuses a root with a link on the way.
        root: realpathSync(prepared.root),
        entrances: prepared.entrances.map(writableCgroup),
      };
      const bundle = `${step.scratch}/bundle`;
      const log = `${step.scratch}/log`;
      const pidFile = `${step.scratch}/pid`;
      mkdirSync(bundle);
      const surroundings = {
        ...{ runtime: name, ...step.insecure ? {} : seccomp },
        consoleSize: step.input === "terminal" ? terminalSize() : undefined,
      };
      // In memory: the environment may hold secrets.
      writeFileSync(`${bundle}/config.json`, JSON.stringify(runtimeConfig(step, surroundings)));
      const input = step.input === "stream" ? openInput(step) : undefined;
      // Not the host's: what a step has open it may chmod.
      const stdin = input?.fd ?? openSync(`${step.devices}/null`, "r");
      let printed = "";
      const watch: OutputSink = (stream, bytes) => {
        const shown = printed === "" ? lastWordsIn(bytes) ?? bytes : bytes;
        if (printed.length < KEPT_OUTPUT_CHARACTERS) printed += Buffer.from(shown).toString();
        return output(stream, shown);
      };
      const args = [
        ...flags,
        // For crun, what stands before a colon is the kind of log.
        ...["--log", name === "crun" ? `file:${log}` : log],
        ...["run", "--bundle", bundle, "--pid-file", pidFile],
        `layerwright-${session}-${step.name}`,
      ];
      // The runtime makes a terminal of the step's own, and passes on what is typed on the user's, and its size.
      const { child, exitCode } = step.input === "terminal"
        ? startOnTerminal(() => spawn(program, args, { ...place, stdio: "inherit" }))
        : startStepProcess(
          step,
          watch,
          (stdout, stderr) => spawn(program, args, { ...place, stdio: [stdin, stdout, stderr] }),
        );
      if (step.input === "terminal") {
        const stop = followTerminalSize(pidFile);
        void exitCode.then(stop, stop);
      }
      if (input === undefined) closeSync(stdin);
      else void exitCode.then(input.end, input.end);
      if (step.sharesProcesses) {
        const stop = endWithFirstProcess(pidFile, step.root);
        void exitCode.then(stop, stop);
      }
      return {
        exitCode: exitCode.then((code) =>
          code === 1
            ? meaningOfOne({ runtime: name, log: readIfThere(log), output: printed })
            : code
        ),
        terminate: () => void signalFirstProcess(pidFile, "SIGTERM"),
        // The runtime ends when the step's first process has, and with that all others. Before there is one, what the
        // runtime has started by then has to go with it.
        kill(): void {
          if (signalFirstProcess(pidFile, "SIGKILL") || child.pid === undefined) return;
          killTree(child.pid);
        },
      };
    },
  };
}

/** crun takes a filter as it is; runc compiles the rules for each step. */
function seccompFor(
  { memory, options }: WorkerContext,
  runtime: "crun" | "runc",
): Pick<ConfigSurroundings, "seccomp"> {
  const rules = loadSeccomp(process.arch);
  if (rules === undefined) return {};
  const { cacheDirectory } = options;
  const filter = runtime === "crun"
    ? loadFilter(rules, { cacheDirectory, scratch: memory })
    : undefined;
  return { seccomp: filter === undefined ? { rules } : { filter } };
}

/**
 * Ends what a step leaves behind, as the end of a pid namespace would: crun waits for all of it. Nobody tells when a
 * process that is not our child ends, so it is looked for.
 *
 * @returns what ends the looking.
 */
function endWithFirstProcess(pidFile: string, root: string): () => void {
  const timer = setInterval(() => {
    const pid = Number(readIfThere(pidFile));
    if (pid === 0 || isAlive(pid)) return;
    clearInterval(timer);
    killRootedIn(root);
  }, LOOK_INTERVAL_MS);
  return () => clearInterval(timer);
}

/** @returns false when the step has not been started yet, or is over. */
function signalFirstProcess(pidFile: string, signal: NodeJS.Signals): boolean {
  try {
    // Empty while the runtime writes it: 0 would be all processes of our own group.
    const pid = Number(readFileSync(pidFile, "utf8"));
    return pid > 0 && process.kill(pid, signal);
  } catch {
    return false;
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
