/**
 * How large a terminal is, and keeping a second one as large: container runtimes do not all pass that on.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** As the runtime-spec has it. */
export interface TerminalSize {
  /** Rows. */
  readonly height: number;
  /** Columns. */
  readonly width: number;
}

/** The size of the terminal that is our stdin; undefined where it has none. */
export function terminalSize(): TerminalSize | undefined {
  const { stdout } = spawnSync("stty", ["size"], {
    stdio: ["inherit", "pipe", "ignore"],
    encoding: "utf8",
  });
  const [height = 0, width = 0] = (stdout ?? "").trim().split(" ").map(Number);
  return height > 0 && width > 0 ? { height, width } : undefined;
}

/**
 * Gives the terminal of a step the size of ours whenever that changes.
 *
 * @param pidFile Has the number of the step's first process.
 * @returns What ends it.
 */
export function followTerminalSize(pidFile: string): () => void {
  const follow = (): void => {
    const size = terminalSize();
    if (size === undefined) return;
    try {
      const terminal = `/proc/${Number(readFileSync(pidFile, "utf8"))}/fd/0`;
      const settings = ["rows", String(size.height), "cols", String(size.width)];
      spawnSync("stty", ["-F", terminal, ...settings], { stdio: "ignore" });
    } catch {
      // Not started yet, or over.
    }
  };
  process.on("SIGWINCH", follow);
  return () => void process.off("SIGWINCH", follow);
}
