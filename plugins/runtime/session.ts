/**
 * A session, seen from the engine: one worker process, asked over its stdin.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { LayerwrightError } from "../../core/errors.ts";
import type {
  ExecSession,
  ExecSessionOptions,
  PackRequest,
  PackResult,
  RunOutput,
  RunRequest,
  RunResult,
  SessionVariation,
  UnpackRequest,
} from "../../core/mod.ts";
import { limitStep } from "./cgroups.ts";
import { parseWorkerMessage } from "./message_schema.ts";
import { userNamespaceFlags } from "./namespaces.ts";
import type {
  ErrorData,
  Privileges,
  RuntimeName,
  WorkerMessage,
  WorkerOptions,
  WorkerRequest,
} from "./protocol.ts";
import { removeTree } from "./remove_tree.ts";
import { possibleVariations } from "./variations.ts";
import { startTerminalWorker } from "./terminal_worker.ts";
import { startWorker, type WorkerChannel } from "./worker_process.ts";

/** How a worker is started. */
export interface SessionSetup extends ExecSessionOptions {
  readonly runtime: RuntimeName;
  readonly privileges: Privileges;
  /** See {@link WorkerOptions.sharesProcesses}. */
  readonly sharesProcesses?: boolean;
  /** A worker that is there already, on a machine that sets limits itself. */
  readonly channel?: WorkerChannel;
}

/** What waits for an answer. */
interface Pending {
  readonly resolve: (result: RunResult | undefined) => void;
  readonly reject: (error: Error) => void;
  readonly output: RunOutput | undefined;
}

type Unnumbered<T> = T extends unknown ? Omit<T, "id"> : never;

/**
 * Starts a worker and waits until it is ready.
 *
 * @throws {LayerwrightError} `RUN_WORKER_FAILED` with what the worker last said; `BUILD_CANCELLED`.
 */
export async function openSession(setup: SessionSetup): Promise<ExecSession> {
  mkdirSync(setup.workDirectory, { recursive: true });
  const session = new Session(setup);
  try {
    await session.ready;
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
  return session;
}

class Session implements ExecSession {
  readonly ready: Promise<void>;
  readonly variations: readonly SessionVariation[];
  readonly #setup: SessionSetup;
  readonly #channel: WorkerChannel;
  readonly #pending = new Map<number, Pending>();
  readonly #ended: Promise<void>;
  #nextId = 1;
  #stderr = "";
  /** Why nothing more can be asked. */
  #over: LayerwrightError | undefined;

  constructor(setup: SessionSetup) {
    this.#setup = setup;
    const { runtime, privileges, workDirectory, signal } = setup;
    this.variations = possibleVariations(setup.variations ?? [], setup);
    this.#channel = setup.channel ??
      (setup.terminal === true ? startTerminalWorker(setup) : startWorker(setup, this.variations));
    this.#ended = this.#channel.ended.then((stderr) => {
      this.#stderr = stderr;
      this.#fail(this.#workerDied());
    });
    this.ready = new Promise((resolve, reject) => {
      // The line that says "ready" has no id of a request.
      this.#pending.set(0, { resolve: () => resolve(), reject, output: undefined });
    });
    this.#channel.receive((line) => this.#receive(line));
    const inMemory = this.variations.includes("directory-order");
    const options: WorkerOptions = {
      ...{ runtime, privileges, workDirectory },
      ...setup.sharesProcesses === true ? { sharesProcesses: true } : {},
      ...setup.cacheDirectory === undefined ? {} : { cacheDirectory: setup.cacheDirectory },
      ...inMemory ? { inMemory } : {},
    };
    this.#channel.send(JSON.stringify(options));
    const cancel = (): void => this.#kill(cancelled());
    if (signal?.aborted === true) cancel();
    signal?.addEventListener("abort", cancel, { once: true });
    void this.#ended.then(() => signal?.removeEventListener("abort", cancel));
  }

  async unpack(request: UnpackRequest): Promise<void> {
    await this.#ask({ type: "unpack", request });
  }

  async pack(request: PackRequest): Promise<PackResult> {
    if (this.#setup.channel !== undefined) {
      throw new LayerwrightError(
        "RUN_UNSUPPORTED",
        "Cannot pack a directory in a session on another machine: it is not there",
      );
    }
    const { layer, notes } = await this.#ask({ type: "pack", request }) ?? {};
    if (layer === undefined || notes === undefined) throw this.#workerDied();
    return { layer, notes };
  }

  async remove(directories: readonly string[]): Promise<void> {
    await this.#ask({ type: "remove", directories });
  }

  async run(request: RunRequest, output: RunOutput, signal?: AbortSignal): Promise<RunResult> {
    await using limits = limitStep(
      this.#setup.channel === undefined ? request.resources : undefined,
    );
    const { entrances } = limits;
    const result = await this.#ask({ type: "run", request, entrances }, output, signal);
    if (result === undefined) throw this.#workerDied();
    return limits.tellOf(result);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#kill(new LayerwrightError("RUN_WORKER_FAILED", "Cannot use the session: it is closed"));
    await this.#ended;
    removeMapped(this.#setup.workDirectory, this.#setup.privileges);
  }

  #ask(
    request: Unnumbered<WorkerRequest>,
    output?: RunOutput,
    signal?: AbortSignal,
  ): Promise<RunResult | undefined> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(cancelled());
      if (this.#over !== undefined) return reject(this.#over);
      const cancel = (): void => this.#send({ type: "cancel", id });
      signal?.addEventListener("abort", cancel, { once: true });
      const settled = <T>(settle: (value: T) => void) => (value: T): void => {
        signal?.removeEventListener("abort", cancel);
        settle(value);
      };
      this.#pending.set(id, { resolve: settled(resolve), reject: settled(reject), output });
      this.#send({ ...request, id } as WorkerRequest);
    });
  }

  #send(request: WorkerRequest): void {
    this.#channel.send(JSON.stringify(request));
  }

  #receive(line: string): void {
    let message: WorkerMessage;
    try {
      message = parseWorkerMessage(line);
    } catch (cause) {
      const text = "Cannot talk to the worker: it does not follow the protocol";
      return this.#kill(new LayerwrightError("RUN_WORKER_FAILED", text, { cause }));
    }
    const id = message.type === "ready" ? 0 : message.id;
    const pending = this.#pending.get(id);
    if (message.type === "output") {
      pending?.output?.write(message.stream, Buffer.from(message.base64, "base64"));
      return;
    }
    this.#pending.delete(id);
    if (message.type === "failed") pending?.reject(errorOf(message.error));
    else pending?.resolve(message.type === "done" ? message.result : undefined);
  }

  /** Ends the worker at once; mounts and processes go with its namespaces. */
  #kill(reason: LayerwrightError): void {
    this.#fail(reason);
    this.#channel.kill();
  }

  #fail(reason: LayerwrightError): void {
    this.#over ??= reason;
    for (const { reject } of this.#pending.values()) reject(this.#over);
    this.#pending.clear();
  }

  #workerDied(): LayerwrightError {
    return new LayerwrightError(
      "RUN_WORKER_FAILED",
      "Cannot run steps: the worker ended unexpectedly",
      {
        details: this.#stderr.trim().split("\n").filter((line) => line !== ""),
      },
    );
  }
}

function cancelled(): LayerwrightError {
  return new LayerwrightError("BUILD_CANCELLED", "Cannot finish the step: it was cancelled");
}

function errorOf({ code, message, details, hint }: ErrorData): LayerwrightError {
  return new LayerwrightError(code, message, { details, hint });
}

/** Files of mapped ids, and the closed work directories of overlays, yield to root of the user namespace only. */
function removeMapped(directory: string, privileges: Privileges): void {
  if (privileges !== "root") {
    const flags = userNamespaceFlags(privileges);
    spawnSync("unshare", [...flags, "rm", "-rf", "--", directory], { stdio: "ignore" });
  }
  removeTree(directory);
}
