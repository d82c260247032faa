/**
 * Steps without a container runtime: unshare(1) and setpriv(1) of util-linux.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { LayerwrightError } from "../../core/errors.ts";
import { host } from "../../core/host/mod.ts";
import { entryPoint } from "./entry_point.ts";
import { findTool, requireTool } from "./find_tool.ts";
import { killChild } from "./kill_child.ts";
import { killTree } from "./kill_tree.ts";
import type { PreparedStep, RunningStep, StepRuntime } from "./prepared_step.ts";
import { offerInput } from "./step_input.ts";
import { startOnTerminal, startStepProcess } from "./step_process.ts";
import type { WorkerContext } from "./worker_context.ts";

/** What the process inside the step's namespaces is told first, on one line. */
export interface InitOptions {
  readonly step: PreparedStep;
  /** Supplementary groups can be set: not with a single mapped id. */
  readonly canSetGroups: boolean;
  /** Where it says why it could not start the step. */
  readonly failurePath: string;
}

/** The line after it that asks the step to end. */
export const TERMINATE_LINE = "terminate";

/** Runs each step in namespaces of its own, behind `step_init.ts`. */
export function utilRuntime(context: WorkerContext): StepRuntime {
  return {
    start(step, output): RunningStep {
      refuseInsecureUser(step);
      const failurePath = `${step.scratch}/failure`;
      const canSetGroups = context.options.privileges !== "user-single";
      const options: InitOptions = { step, canSetGroups, failurePath };
      const command = [
        requireTool("unshare"),
        ...["--mount", "--ipc", "--uts"],
        ...step.sharesProcesses ? [] : ["--pid"],
        ...step.ownNetwork ? ["--net"] : [],
        ...["--fork", "--kill-child", "--propagation", "private", "--"],
        ...host.selfCommand(entryPoint("step_init", import.meta.url)),
      ];
      if (step.input === "terminal") return startBehindTerminal(command, options);
      const input = step.input === "stream" ? offerInput(step) : undefined;
      // The step's own environment stays away from these programs: LD_PRELOAD would run code of the image on the host.
      const { child, exitCode } = startStepProcess(
        step,
        output,
        (stdout, stderr) =>
          spawn(command[0] ?? "", command.slice(1), { cwd: "/", stdio: ["pipe", stdout, stderr] }),
      );
      // The step may end before it reads all that is written here.
      child.stdin?.on("error", () => {});
      if (input !== undefined) void exitCode.then(input.end, input.end);
      child.stdin?.write(`${JSON.stringify(options)}\n`);
      return {
        exitCode: exitCodeOf(exitCode, failurePath),
        terminate: () => void child.stdin?.write(`${TERMINATE_LINE}\n`),
        kill: () => killChild(child),
      };
    },
  };
}

/** The tools leave a user other than root no capabilities, and in a step with all privileges they have to stay. */
function refuseInsecureUser({ insecure, user }: PreparedStep): void {
  if (!insecure || user.uid === 0) return;
  throw new LayerwrightError(
    "RUN_UNSUPPORTED",
    `Cannot run a step with security "insecure" as uid ${user.uid} without a container runtime`,
    { hint: "install crun or runc, or run the step as root" },
  );
}

/**
 * Starts a step behind a terminal of its own that script(1) makes: it passes on what is typed on the user's, and its size,
 * and sets the user's as it was.
 */
function startBehindTerminal(command: readonly string[], options: InitOptions): RunningStep {
  const script = findTool("script");
  if (script === undefined) {
    throw new LayerwrightError(
      "RUN_UNSUPPORTED",
      "Cannot give a step a terminal: there is no script(1) to make one",
      { hint: "install bsdutils or crun, or pipe the commands into this one" },
    );
  }
  const { step, failurePath } = options;
  const optionsFile = `${step.scratch}/options`;
  // In memory: the environment may hold secrets.
  writeFileSync(optionsFile, JSON.stringify(options), { mode: 0o600 });
  const line = `exec ${[...command, optionsFile].map(quoted).join(" ")}`;
  const { child, exitCode } = startOnTerminal(() =>
    spawn(script, ["--quiet", "--return", "--command", line, "/dev/null"], {
      cwd: "/",
      env: { ...process.env, SHELL: "/bin/sh" },
      stdio: "inherit",
    })
  );
  const kill = (): void => {
    if (child.pid !== undefined) killTree(child.pid);
  };
  return { exitCode: exitCodeOf(exitCode, failurePath), terminate: kill, kill };
}

/** For a shell of the host. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

async function exitCodeOf(ended: Promise<number>, failurePath: string): Promise<number> {
  const exitCode = await ended;
  if (!existsSync(failurePath)) return exitCode;
  throw new LayerwrightError(
    "RUN_WORKER_FAILED",
    `Cannot start the step: ${readFileSync(failurePath, "utf8")}`,
  );
}
