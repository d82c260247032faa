/**
 * The worker: runs in the namespaces of one session, as their first process, and does what lines on its stdin ask for.
 * Its death unmounts everything and ends every step. Runs as a program of its own.
 *
 * @module
 */
import { createInterface } from "node:readline";
import { LayerwrightError } from "../../core/errors.ts";
import type { RunRequest, RunResult } from "../../core/mod.ts";
import { ociRuntime } from "./oci_runtime.ts";
import type { StepRuntime } from "./prepared_step.ts";
import type { ErrorData, WorkerMessage, WorkerOptions, WorkerRequest } from "./protocol.ts";
import { removeTree } from "./remove_tree.ts";
import { runStep } from "./step.ts";
import { makeDevices } from "./step_mounts.ts";
import { unpackLayer } from "./unpack.ts";
import { utilRuntime } from "./util_runtime.ts";
import { openContext, type WorkerContext } from "./worker_context.ts";

/** Serves one session. */
class Worker {
  readonly #context: WorkerContext;
  readonly #runtime: StepRuntime;
  readonly #running = new Map<number, AbortController>();

  constructor(options: WorkerOptions) {
    this.#context = openContext(options);
    // What this process inherited (a terminal of the user, a lock of the engine) is no step's business.
    this.#context.calls.closeFilesOnExec();
    if (options.privileges === "root") makeDevices(this.#context, this.#context.devices);
    this.#runtime = options.runtime === "crun"
      ? ociRuntime(this.#context)
      : utilRuntime(this.#context);
  }

  async serve(request: WorkerRequest): Promise<void> {
    if (request.type === "cancel") return this.#running.get(request.id)?.abort();
    try {
      const result = await this.#perform(request);
      send({ type: "done", id: request.id, ...result === undefined ? {} : { result } });
    } catch (error) {
      send({ type: "failed", id: request.id, error: errorData(error) });
    }
  }

  async #perform(
    request: Exclude<WorkerRequest, { type: "cancel" }>,
  ): Promise<RunResult | undefined> {
    switch (request.type) {
      case "unpack":
        unpackLayer(this.#context, `unpack-${request.id}`, request.request);
        return undefined;
      case "remove":
        request.directories.forEach(removeTree);
        return undefined;
      case "run":
        return await this.#run(request.id, request.request);
    }
  }

  async #run(id: number, request: RunRequest): Promise<RunResult> {
    const abort = new AbortController();
    this.#running.set(id, abort);
    try {
      return await runStep(request, {
        context: this.#context,
        runtime: this.#runtime,
        name: `step-${id}`,
        output: (stream, bytes) =>
          send({ type: "output", id, stream, base64: Buffer.from(bytes).toString("base64") }),
        signal: abort.signal,
      });
    } finally {
      this.#running.delete(id);
    }
  }
}

function send(message: WorkerMessage): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function errorData(error: unknown): ErrorData {
  if (error instanceof LayerwrightError) {
    const { code, message, details, hint } = error;
    return { code, message, details, hint };
  }
  const { message } = error as Error;
  return { code: "RUN_WORKER_FAILED", message: `Cannot finish the step: ${message}`, details: [] };
}

// Modes of what is made here and in steps must not depend on who starts the build.
process.umask(0o022);
process.chdir("/");
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const first = await lines.next();
// The session may have been given up before it began.
if (first.done === true) process.exit(0);
const worker = new Worker(JSON.parse(first.value) as WorkerOptions);
send({ type: "ready" });
for (let next = await lines.next(); next.done !== true; next = await lines.next()) {
  void worker.serve(JSON.parse(next.value) as WorkerRequest);
}
// The session is over, or its process is gone.
process.exit(0);
