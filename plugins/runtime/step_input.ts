/**
 * What a step reads, where it is to read what the user of the engine gives it.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { chownSync, closeSync, constants, openSync } from "node:fs";
import { isatty } from "node:tty";
import { requireTool } from "./find_tool.ts";
import type { PreparedStep } from "./prepared_step.ts";
import { systemCalls } from "./system_calls.ts";

const FIFO = 0o010600;

/** How a step gets at the worker's stdin: as the terminal it is, or as a stream that ends. */
export function inputKind(): "terminal" | "stream" {
  return isatty(0) ? "terminal" : "stream";
}

/** Where the pipe is. */
export function inputPath({ scratch }: Pick<PreparedStep, "scratch">): string {
  return `${scratch}/stdin`;
}

/**
 * Copies the worker's stdin into a named pipe: given as it is, the step could change the mode of a file of the host.
 *
 * @returns the end to read from, and what closes it and ends the copying.
 */
export function openInput(
  step: Pick<PreparedStep, "scratch" | "user">,
): { readonly fd: number; end(): void } {
  const path = makePipe(step);
  // Each end waits for the other one to be opened, but not for one that is both.
  const both = openSync(path, constants.O_RDWR);
  const fd = openSync(path, constants.O_RDONLY);
  const writeEnd = openSync(path, constants.O_WRONLY);
  closeSync(both);
  const copier = spawn(requireTool("cat"), { stdio: ["inherit", writeEnd, "ignore"] });
  closeSync(writeEnd);
  copier.on("error", () => {});
  const end = (): void => {
    closeSync(fd);
    copier.kill("SIGKILL");
  };
  return { fd, end };
}

/** The same for a reader that opens the pipe by its path: nothing is copied before. @returns What ends the copying. */
export function offerInput(step: Pick<PreparedStep, "scratch" | "user">): { end(): void } {
  const path = makePipe(step);
  const copier = spawn("/bin/sh", ["-c", 'exec "$0" >"$1"', requireTool("cat"), path], {
    stdio: ["inherit", "ignore", "ignore"],
  });
  copier.on("error", () => {});
  return { end: () => void copier.kill("SIGKILL") };
}

function makePipe(step: Pick<PreparedStep, "scratch" | "user">): string {
  const path = inputPath(step);
  systemCalls().mknod(path, FIFO, 0, 0);
  chownSync(path, step.user.uid, step.user.gid);
  return path;
}
