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

/**
 * Whether a program is in no format the kernel knows. execvp(3), which all programs of the host use, hands such a file
 * to a shell; a container runtime refuses it, and steps must not depend on which one runs them.
 */
export function isOfUnknownFormat(step: PreparedStep): boolean {
  const path = findProgram(step);
  if (path === undefined) return false;
  const start = Buffer.alloc(ELF.length);
  const fd = openSync(step.root + path, "r");
  try {
    readSync(fd, start, 0, start.length, 0);
  } finally {
    closeSync(fd);
  }
  const text = start.toString("latin1");
  return text !== ELF && !text.startsWith(INTERPRETER);
}

/** As execvp(3) looks for it; undefined when only the kernel can say what is wrong. */
function findProgram(
  { root, args, environment, workingDirectory }: PreparedStep,
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
