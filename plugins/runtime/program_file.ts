/**
 * The file a step's first argument leads to.
 *
 * @module
 */
import { closeSync, openSync, readSync } from "node:fs";
import { posix } from "node:path";
import type { PreparedStep } from "./prepared_step.ts";
import { resolveInRoot } from "./resolve_in_root.ts";

const ELF = "\x7fELF";
const INTERPRETER = "#!";

/** Where a program is looked for. */
export type ProgramPlace = Pick<
  PreparedStep,
  "root" | "args" | "environment" | "workingDirectory"
>;

/**
 * Whether a program is in no format the kernel knows. execvp(3), which all programs of the host use, hands such a file
 * to a shell; a container runtime refuses it, and steps must not depend on which one runs them.
 */
export function isOfUnknownFormat(step: PreparedStep): boolean {
  const path = findProgram(step);
  if (path === undefined) return false;
  const start = readStart(step.root + path, ELF.length).toString("latin1");
  return start !== ELF && !start.startsWith(INTERPRETER);
}

/** The first bytes of a file, or all there are. */
export function readStart(path: string, length: number): Buffer {
  const start = Buffer.alloc(length);
  const fd = openSync(path, "r");
  try {
    return start.subarray(0, readSync(fd, start, 0, length, 0));
  } finally {
    closeSync(fd);
  }
}

/** As execvp(3) looks for it; undefined when only the kernel can say what is wrong. */
export function findProgram(
  { root, args, environment, workingDirectory }: ProgramPlace,
): string | undefined {
  const name = args[0] ?? "";
  const path = environment.find((variable) => variable.startsWith("PATH="))?.slice("PATH=".length);
  const directories = name.includes("/") ? ["."] : (path ?? "").split(":");
  for (const directory of directories) {
    const candidate = posix.resolve(workingDirectory, directory, name);
    const { path: resolved, stats } = resolveInRoot(root, candidate);
    if (stats?.isFile() === true && (stats.mode & 0o111) !== 0) return resolved;
  }
  return undefined;
}
