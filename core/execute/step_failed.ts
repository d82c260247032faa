/**
 * Why a RUN step failed, and what to do.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import type { RunResult } from "./executor.ts";
import type { Step } from "./run.ts";

/** The error for a step that ended without a layer: `RUN_FAILED`, in BuildKit's words where it has any. */
export function stepFailed(
  step: Step,
  { exitCode, timedOut, outOfMemory }: RunResult,
): LayerwrightError {
  const command = step.args.join(" ");
  if (timedOut) {
    return new LayerwrightError(
      "RUN_FAILED",
      `Cannot run "${command}": still running after ${step.timeoutMs} ms`,
      {
        hint:
          "raise timeoutMs of this step (of all: --timeout), or find what it waits for in its output",
      },
    );
  }
  if (outOfMemory === true) {
    const limit = step.resources?.memoryBytes;
    return new LayerwrightError(
      "RUN_FAILED",
      `process "${command}" did not complete successfully: out of memory: exit code: ${exitCode}`,
      { hint: `let the step use less than ${limit} bytes, or raise memoryBytes of its resources` },
    );
  }
  const meanings: Readonly<Record<number, string>> = {
    126: "the program is there but cannot be executed: check its mode, and its platform " +
      "(one of another platform needs qemu-user-static and binfmt_misc)",
    127: "there is no such program in the image: check the name, PATH and the steps before",
    137: "it was killed by SIGKILL, as the kernel does when memory runs out",
  };
  return new LayerwrightError(
    "RUN_FAILED",
    `process "${command}" did not complete successfully: exit code: ${exitCode}`,
    { hint: meanings[exitCode] ?? "read what the step printed" },
  );
}
