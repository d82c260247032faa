/**
 * Steps without a container runtime: unshare(1) and setpriv(1) of util-linux.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { LayerwrightError } from "../../core/errors.ts";
import { host } from "../../core/host/mod.ts";
import { entryPoint } from "./entry_point.ts";
import { requireTool } from "./find_tool.ts";
import { killChild } from "./kill_child.ts";
import type { PreparedStep, RunningStep, StepRuntime } from "./prepared_step.ts";
import { startStepProcess } from "./step_process.ts";
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
      const failurePath = `${step.scratch}/failure`;
      const canSetGroups = context.options.privileges !== "user-single";
      // The step's own environment stays away from these programs: LD_PRELOAD would run code of the image on the host.
      const { child, exitCode } = startStepProcess(
        step,
        output,
        (stdout, stderr) =>
          spawn(requireTool("unshare"), [
            ...["--mount", "--pid", "--ipc", "--uts", ...step.ownNetwork ? ["--net"] : []],
            ...["--fork", "--kill-child", "--propagation", "private", "--"],
            ...host.selfCommand(entryPoint("step_init", import.meta.url)),
          ], { cwd: "/", stdio: ["pipe", stdout, stderr] }),
      );
      // The step may end before it reads all that is written here.
      child.stdin?.on("error", () => {});
      const options: InitOptions = { step, canSetGroups, failurePath };
      child.stdin?.write(`${JSON.stringify(options)}\n`);
      return {
        exitCode: exitCodeOf(exitCode, failurePath),
        terminate: () => void child.stdin?.write(`${TERMINATE_LINE}\n`),
        kill: () => killChild(child),
      };
    },
  };
}

async function exitCodeOf(ended: Promise<number>, failurePath: string): Promise<number> {
  const exitCode = await ended;
  if (!existsSync(failurePath)) return exitCode;
  throw new LayerwrightError(
    "RUN_WORKER_FAILED",
    `Cannot start the step: ${readFileSync(failurePath, "utf8")}`,
  );
}
