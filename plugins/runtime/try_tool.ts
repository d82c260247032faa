/**
 * Trying what a tool of the host can do.
 *
 * @module
 */
import { execFile } from "node:child_process";

/** Runs a tool; `text` is the first line it printed, errors first. */
export function tryTool(
  command: string,
  args: readonly string[],
): Promise<{ readonly ok: boolean; readonly text: string }> {
  return new Promise((resolve) => {
    execFile(command, args, { cwd: "/" }, (error, stdout, stderr) => {
      const text = `${error === null ? stdout : stderr}`.trim().split("\n")[0] ?? "";
      resolve({ ok: error === null, text: text === "" ? error?.message ?? "" : text });
    });
  });
}
