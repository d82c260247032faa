/**
 * The command that leads to a worker on another machine, started and greeted.
 *
 * @module
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { LayerwrightError } from "../../core/errors.ts";
import { VERSION } from "../../core/version.ts";
import { LineWriter, readLines } from "./remote_lines.ts";
import {
  LINE_LIMIT_BYTES,
  REMOTE_PROTOCOL,
  type RemoteHello,
  type RemoteMachine,
} from "./remote_protocol.ts";
import { parseHello, parseMachine } from "./remote_schema.ts";

/** A worker that has said what it is. */
export interface RemoteConnection {
  readonly hello: RemoteHello;
  readonly machine: RemoteMachine;
  /** What the worker says from now on. */
  readonly lines: AsyncIterable<string>;
  readonly writer: LineWriter;
  /** Resolves when the command is gone, with the end of what it said on stderr and how it ended. */
  readonly ended: Promise<string>;
  /** Hangs up. The worker ends all it runs, tidies up, and the command ends after it. */
  close(): void;
}

/** A virtual machine may have to start first. */
const GREETING_PATIENCE_MS = 60_000;
/** How long the other side may tidy up; it goes on after that, only nobody waits any more. */
const FAREWELL_PATIENCE_MS = 30_000;
const STDERR_TAIL_CHARACTERS = 4000;
const SHOWN_CHARACTERS = 200;

/**
 * Starts the command and reads the first two lines.
 *
 * @throws {LayerwrightError} `RUN_WORKER_FAILED` when it leads to no worker, or to one of another version;
 * `BUILD_CANCELLED`.
 */
export async function connect(
  command: readonly string[],
  signal?: AbortSignal,
): Promise<RemoteConnection> {
  const [program = "", ...args] = command;
  // A session of its own, so that Ctrl-C on the terminal reaches only us: the worker is told to end by hanging up.
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], detached: true });
  const ended = endOf(child, command);
  const close = (): void => {
    child.stdin.end();
    const timer = setTimeout(() => child.kill("SIGKILL"), FAREWELL_PATIENCE_MS);
    void ended.then(() => clearTimeout(timer));
  };
  const lines = readLines(child.stdout, LINE_LIMIT_BYTES);
  const kill = (): void => void child.kill("SIGKILL");
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    kill();
  }, GREETING_PATIENCE_MS);
  signal?.addEventListener("abort", kill, { once: true });
  if (signal?.aborted === true) kill();
  try {
    const hello = checkedHello(command, await lines.next());
    const second = await lines.next();
    if (second.done === true) throw notAWorker(command, "ended before it said what it can do");
    const machine = parseSecond(command, second.value);
    return { hello, machine, lines, writer: writerTo(child), ended, close };
  } catch (error) {
    close();
    const refusal = error instanceof LayerwrightError
      ? error
      : notAWorker(command, `cannot be read: ${(error as Error).message}`);
    if (signal?.aborted === true) {
      throw new LayerwrightError("BUILD_CANCELLED", "Cannot finish the step: it was cancelled");
    }
    if (isLate) throw notAWorker(command, `said nothing for ${GREETING_PATIENCE_MS / 1000} s`);
    if (refusal.hint === MISMATCH_HINT) throw refusal;
    // Why is what it said last.
    const last = (await ended).split("\n").filter((line) => line !== "");
    throw new LayerwrightError(refusal.code, refusal.message, {
      details: [...refusal.details, ...last],
      hint: refusal.hint,
      cause: error,
    });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", kill);
  }
}

function writerTo({ stdin }: ChildProcessWithoutNullStreams): LineWriter {
  return new LineWriter((bytes) =>
    new Promise((resolve, reject) => {
      stdin.write(bytes, (error) => error ? reject(error) : resolve());
    })
  );
}

function endOf(
  child: ChildProcessWithoutNullStreams,
  command: readonly string[],
): Promise<string> {
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-STDERR_TAIL_CHARACTERS);
  });
  // Writes to a command that is gone fail; its end tells those who wait.
  child.stdin.on("error", () => {});
  const name = JSON.stringify(command.join(" "));
  return new Promise((resolve) => {
    child.on("error", (error) => resolve(`${stderr}\n${error.message}`));
    child.on("close", (code, signal) => {
      const how = code === null ? `was ended by ${signal}` : `ended with exit code ${code}`;
      resolve(`${stderr.trimEnd()}\n${name} ${how}`);
    });
  });
}

const MISMATCH_HINT = "install the same version of Layerwright on both machines";

function checkedHello(
  command: readonly string[],
  { done, value: line }: IteratorResult<string, void>,
): RemoteHello {
  if (done === true) throw notAWorker(command, "leads to no worker");
  let hello: RemoteHello;
  try {
    hello = parseHello(String(line));
  } catch {
    throw notAWorker(
      command,
      `leads to no worker: its first line is ${JSON.stringify(line?.slice(0, SHOWN_CHARACTERS))}`,
    );
  }
  if (hello.protocol === REMOTE_PROTOCOL) return hello;
  throw new LayerwrightError(
    "RUN_WORKER_FAILED",
    `Cannot run steps on another machine: Layerwright ${hello.version} there speaks protocol ` +
      `${hello.protocol}, Layerwright ${VERSION} here speaks ${REMOTE_PROTOCOL}`,
    { hint: MISMATCH_HINT },
  );
}

function parseSecond(command: readonly string[], line: string): RemoteMachine {
  try {
    return parseMachine(line);
  } catch {
    const shown = JSON.stringify(line.slice(0, SHOWN_CHARACTERS));
    throw notAWorker(command, `does not follow the protocol: ${shown}`);
  }
}

function notAWorker(command: readonly string[], why: string): LayerwrightError {
  return new LayerwrightError(
    "RUN_WORKER_FAILED",
    `Cannot run steps on another machine: ${JSON.stringify(command.join(" "))} ${why}`,
    {
      hint: "run that command by hand: the first it prints has to be the line of a worker, " +
        "and nothing may ask for a password",
    },
  );
}
