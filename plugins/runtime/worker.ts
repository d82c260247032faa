/**
 * The worker: runs in the namespaces of one session, as their first process, and does what the session asks for.
 * Its death unmounts everything and ends every step. Runs as a program of its own.
 *
 * @module
 */
import type { RunRequest, RunResult } from "../../core/mod.ts";
import { errorData } from "./error_data.ts";
import { ociRuntime } from "./oci_runtime.ts";
import { packDirectory } from "./pack.ts";
import type { StepRuntime } from "./prepared_step.ts";
import type { WorkerMessage, WorkerOptions, WorkerRequest } from "./protocol.ts";
import { removeTree } from "./remove_tree.ts";
import { killNeighbours } from "./shared_processes.ts";
import { runStep } from "./step.ts";
import { unpackLayer } from "./unpack.ts";
import { utilRuntime } from "./util_runtime.ts";
import { openContext, type WorkerContext } from "./worker_context.ts";
import { openWorkerStream } from "./worker_stream.ts";

/** Serves one session. */
class Worker {
  readonly #context: WorkerContext;
  readonly #runtime: StepRuntime;
  readonly #running = new Map<number, AbortController>();

  constructor(options: WorkerOptions) {
    this.#context = openContext(options);
    // What this process inherited (a terminal of the user, a lock of the engine) is no step's business.
    this.#context.calls.closeFilesOnExec();
    this.#runtime = options.runtime === "util"
      ? utilRuntime(this.#context)
      : ociRuntime(this.#context, options.runtime);
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
      case "pack":
        // As a step that exited with 0 and left all this.
        return {
          ...{ exitCode: 0, timedOut: false },
          ...packDirectory(this.#context, `pack-${request.id}`, request.request),
        };
      case "remove":
        request.directories.forEach(removeTree);
        return undefined;
      case "run":
        return await this.#run(request.id, request.request, request.entrances);
    }
  }

  async #run(
    id: number,
    request: RunRequest,
    entrances: readonly string[],
  ): Promise<RunResult> {
    const abort = new AbortController();
    this.#running.set(id, abort);
    try {
      return await runStep(request, {
        context: this.#context,
        runtime: this.#runtime,
        name: `step-${id}`,
        entrances,
        output: (stream, bytes) =>
          send({ type: "output", id, stream, base64: Buffer.from(bytes).toString("base64") }),
        signal: abort.signal,
      });
    } finally {
      this.#running.delete(id);
    }
  }
}

function send(message: WorkerMessage): Promise<void> | undefined {
  return stream.send(JSON.stringify(message));
}

// Modes of what is made here and in steps must not depend on who starts the build.
process.umask(0o022);
process.chdir("/");
const stream = openWorkerStream(process.argv[2]);
const { lines } = stream;
const first = await lines.next();
// The session may have been given up before it began.
if (first.done === true) process.exit(0);
const options = JSON.parse(first.value) as WorkerOptions;
const worker = new Worker(options);
send({ type: "ready" });
for (let next = await lines.next(); next.done !== true; next = await lines.next()) {
  void worker.serve(JSON.parse(next.value) as WorkerRequest);
}
// The session is over, or its process is gone.
if (options.sharesProcesses === true && options.privileges !== "root") killNeighbours();
process.exit(0);
