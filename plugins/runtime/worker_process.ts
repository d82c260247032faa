/**
 * A worker as a session sees it: lines in, lines out, and an end. This one is a process of this machine in namespaces
 * of its own.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { host } from "../../core/host/mod.ts";
import type { SessionVariation } from "../../core/mod.ts";
import { entryPoint } from "./entry_point.ts";
import { killChild } from "./kill_child.ts";
import { workerFlags, type WorkerNamespaces } from "./namespaces.ts";
import { killWorker } from "./shared_processes.ts";
import { variedCommand } from "./variations.ts";

/** The two directions of a conversation with a worker, whatever carries them. */
export interface WorkerChannel {
  /** Sends one line; does nothing once the worker is gone. */
  send(line: string): void;
  /** Is told each line of the worker. To be called once, before anything is sent. */
  receive(take: (line: string) => void): void;
  /** Resolves when the worker and all it started are gone, with the end of what it said on stderr. */
  readonly ended: Promise<string>;
  /** Ends the worker and all it started, at once. */
  kill(): void;
}

/** How much of a dead worker's stderr is shown. */
const STDERR_TAIL_CHARACTERS = 4000;

/** Starts a worker. Its mounts and processes go with its namespaces. */
export function startWorker(
  namespaces: WorkerNamespaces,
  variations: readonly SessionVariation[] = [],
): WorkerChannel {
  // A session of its own, so that Ctrl-C on the terminal reaches only us: we decide how the worker ends.
  const child = spawn("unshare", [
    ...workerFlags(namespaces),
    "--",
    ...variedCommand(host.selfCommand(entryPoint("worker", import.meta.url)), variations),
  ], { cwd: "/", stdio: ["pipe", "pipe", "pipe"], detached: true });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-STDERR_TAIL_CHARACTERS);
  });
  // Writes to a dead worker fail; its end tells those who wait.
  child.stdin.on("error", () => {});
  return {
    send: (line) => void child.stdin.write(`${line}\n`),
    receive: (take) => void createInterface({ input: child.stdout }).on("line", take),
    ended: new Promise((resolve) => {
      child.on("error", (error) => resolve(stderr + error.message));
      child.on("close", () => resolve(stderr));
    }),
    kill: () => endWorker(child, namespaces),
  };
}

/** Ends a worker and all that it started, at once. */
export function endWorker(child: ChildProcess, { sharesProcesses }: WorkerNamespaces): void {
  if (sharesProcesses !== true) return killChild(child);
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    killWorker(child.pid);
  }
}
