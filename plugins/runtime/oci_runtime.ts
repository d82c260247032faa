/**
 * Steps in crun.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { LayerwrightError } from "../../core/errors.ts";
import { runtimeConfig } from "./bundle.ts";
import { requireTool } from "./find_tool.ts";
import { MNT_DETACH } from "./mount_flags.ts";
import type { OutputSink, RunningStep, StepRuntime } from "./prepared_step.ts";
import { loadSeccomp } from "./seccomp.ts";
import { startStepProcess } from "./step_process.ts";
import type { WorkerContext } from "./worker_context.ts";

/** Enough for one message with a path in it. */
const LAST_ERROR_CHARACTERS = 8192;

/** Runs each step as a container of its own. */
export function ociRuntime(context: WorkerContext): StepRuntime {
  const crun = requireTool("crun");
  const stateDirectory = `${context.memory}/crun`;
  hideHybridCgroups(context);
  const seccomp = loadSeccomp(process.arch);
  return {
    start(step, output): RunningStep {
      const bundle = `${step.scratch}/bundle`;
      const log = `${step.scratch}/crun.log`;
      const pidFile = `${step.scratch}/pid`;
      mkdirSync(bundle);
      // In memory: the environment may hold secrets.
      writeFileSync(`${bundle}/config.json`, JSON.stringify(runtimeConfig(step, seccomp)));
      // Not the host's: what a step has open it may chmod.
      const stdin = openSync(`${context.devices}/null`, "r");
      let lastError = "";
      const watch: OutputSink = (stream, bytes) => {
        if (stream === "stderr") {
          lastError = (lastError + Buffer.from(bytes).toString()).slice(-LAST_ERROR_CHARACTERS);
        }
        output(stream, bytes);
      };
      const { child, exitCode } = startStepProcess(step, watch, (stdout, stderr) =>
        spawn(crun, [
          ...["--root", stateDirectory, "--cgroup-manager=disabled"],
          ...["--log", `file:${log}`, "run", "--bundle", bundle, "--pid-file", pidFile, step.name],
        ], { cwd: "/", stdio: [stdin, stdout, stderr] }));
      closeSync(stdin);
      return {
        exitCode: exitCodeOf(exitCode, log, () => lastError),
        terminate: () => void signalFirstProcess(pidFile, "SIGTERM"),
        // crun ends when the step's first process has, and with it all others. Before there is one, killing crun will do.
        kill(): void {
          if (!signalFirstProcess(pidFile, "SIGKILL")) child.kill("SIGKILL");
        },
      };
    },
  };
}

/** crun refuses hosts with cgroup v1 and v2 at once, even when told to leave cgroups alone. */
function hideHybridCgroups({ calls, options }: WorkerContext): void {
  const types = new Map(
    readFileSync("/proc/self/mountinfo", "utf8").trim().split("\n").map((line) => {
      const [before = "", after = ""] = line.split(" - ");
      return [before.split(" ")[4], after.split(" ")[0]];
    }),
  );
  if (types.get("/sys/fs/cgroup/unified") !== "cgroup2") return;
  if (options.privileges === "root") calls.unmount("/sys/fs/cgroup/unified", MNT_DETACH);
  // Mounts that came from the host's namespace cannot be undone by a user, but covered.
  else calls.mount("tmpfs", "/sys/fs/cgroup", "tmpfs", 0, "");
}

/** @returns false when the step has not been started yet, or is over. */
function signalFirstProcess(pidFile: string, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(Number(readFileSync(pidFile, "utf8")), signal);
  } catch {
    return false;
  }
}

/** As shells have it: 127 for what is not there, 126 for what cannot be executed. */
async function exitCodeOf(
  ended: Promise<number>,
  log: string,
  lastError: () => string,
): Promise<number> {
  const exitCode = await ended;
  // crun's own failures are exit code 1 as well. It logs them, but for those of the very last call, exec, which
  // it can only print any more.
  if (exitCode !== 1) return exitCode;
  const logged = lastLine(readIfThere(log));
  const failure = logged === "" ? lastLine(lastError()) : logged;
  if (/^(executable file|open executable|exec container process)\b/.test(failure)) {
    return failure.endsWith("No such file or directory") ? 127 : 126;
  }
  if (logged === "") return exitCode;
  throw new LayerwrightError("RUN_WORKER_FAILED", `Cannot start the step: crun says "${logged}"`);
}

function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1) ?? "";
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
