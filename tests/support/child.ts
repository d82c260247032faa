/**
 * Child processes that tests start, watch and kill.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { once } from "node:events";

/** A child process and what it printed so far. */
export interface Child extends AsyncDisposable {
  /** Resolves when the child printed this text; rejects when it ended without. */
  printed(text: string): Promise<void>;
  /** What it printed so far. */
  output(): string;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
  /** Waits for the end; rejects with what it printed unless the exit code is 0. */
  succeeded(): Promise<void>;
}

/** Starts a program. `await using` kills it when the test ends. */
export function startChild(command: readonly string[]): Child {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let ended = false;
  const listeners = new Set<() => void>();
  const append = (chunk: unknown): void => {
    output += String(chunk);
    for (const listener of listeners) listener();
  };
  child.stdout.on("data", append);
  child.stderr.on("data", append);
  const closed = once(child, "close").then(() => {
    ended = true;
    for (const listener of listeners) listener();
  });
  const kill = async (): Promise<void> => {
    if (!ended) child.kill("SIGKILL");
    await closed;
  };
  return {
    printed: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (output.includes(text)) resolve();
          else if (ended) {
            reject(new Error(`ended without printing ${JSON.stringify(text)}: ${output}`));
          } else return;
          listeners.delete(look);
        };
        listeners.add(look);
        look();
      }),
    output: () => output,
    kill,
    async succeeded(): Promise<void> {
      await closed;
      if (child.exitCode !== 0) throw new Error(`exit code ${child.exitCode}: ${output}`);
    },
    [Symbol.asyncDispose]: kill,
  };
}
