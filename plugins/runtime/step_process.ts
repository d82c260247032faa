/**
 * The process that a runtime starts for a step, and the pipes it writes to.
 *
 * @module
 */
import type { ChildProcess } from "node:child_process";
import { chownSync, closeSync, constants, openSync } from "node:fs";
import { constants as osConstants } from "node:os";
import { host } from "../../core/host/mod.ts";
import type { OutputSink, PreparedStep } from "./prepared_step.ts";
import { killRootedIn } from "./shared_processes.ts";
import { systemCalls } from "./system_calls.ts";

const FIFO = 0o010600;

/**
 * Starts a process that writes to the step's output.
 *
 * @param start gets the file descriptors for stdout and stderr; they are closed when it returns.
 * @returns the process, and its exit code (128 + n for signal n) when it has ended and all is read.
 */
export function startStepProcess<Child extends ChildProcess>(
  step: PreparedStep,
  output: OutputSink,
  start: (stdout: number, stderr: number) => Child,
): { readonly child: Child; readonly exitCode: Promise<number> } {
  const stdout = openPipe(step, "stdout", output);
  const stderr = openPipe(step, "stderr", output);
  try {
    const child = start(stdout.fd, stderr.fd);
    const ended = new Promise<number>((resolve, reject) => {
      child.on("error", reject);
      child.on("exit", (code, signal) => {
        // Whatever else still writes keeps the pipes open; elsewhere the pid namespace has ended it.
        if (step.sharesProcesses) killRootedIn(step.root);
        resolve(exitCodeOf(code, signal));
      });
    });
    const exitCode = Promise.all([ended, stdout.ended, stderr.ended]).then(([code]) => code);
    return { child, exitCode };
  } finally {
    closeSync(stdout.fd);
    closeSync(stderr.fd);
  }
}

/** Starts a process that has the terminal of the worker to itself. */
export function startOnTerminal<Child extends ChildProcess>(
  start: () => Child,
): { readonly child: Child; readonly exitCode: Promise<number> } {
  const child = start();
  const exitCode = new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => resolve(exitCodeOf(code, signal)));
  });
  return { child, exitCode };
}

/** One number for how a process ended, as shells give it. */
export function exitCodeOf(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (signal === null ? 0 : osConstants.signals[signal]);
}

/**
 * A named pipe. What the runtimes call a pipe may be a socket, and a socket cannot be opened: `echo >/dev/stderr` in a
 * step would fail. It belongs to the step's user, who could not open it either otherwise.
 */
function openPipe(
  step: PreparedStep,
  stream: "stdout" | "stderr",
  output: OutputSink,
): { readonly fd: number; readonly ended: Promise<void> } {
  const path = `${step.scratch}/${stream}`;
  systemCalls().mknod(path, FIFO, 0, 0);
  chownSync(path, step.user.uid, step.user.gid);
  // Each end waits for the other one to be opened, but not for one that is both.
  const both = openSync(path, constants.O_RDWR);
  const readEnd = openSync(path, constants.O_RDONLY);
  const fd = openSync(path, constants.O_WRONLY);
  closeSync(both);
  const read = async (): Promise<void> => {
    for await (const bytes of host.readPipe(readEnd)) await output(stream, bytes);
  };
  return { fd, ended: read() };
}
