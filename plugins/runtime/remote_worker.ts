/**
 * Steps for an engine on another machine: what `layerwright worker` does.
 *
 * @module
 */
import { join } from "node:path";
import { LayerwrightError } from "../../core/errors.ts";
import type { ExecSession, Executor, ExecutorProbe, WorkerSurroundings } from "../../core/mod.ts";
import { VERSION } from "../../core/version.ts";
import { LineWriter, readLines } from "./remote_lines.ts";
import {
  LINE_LIMIT_BYTES,
  REMOTE_PROTOCOL,
  type RemoteHello,
  type RemoteMachine,
} from "./remote_protocol.ts";
import { parseRequest } from "./remote_schema.ts";
import { RemoteSession } from "./remote_session.ts";

/** The executor that leads elsewhere: two machines that named each other would never come to an end. */
export const REMOTE_NAME = "remote";

/**
 * Serves one engine until its side of the connection ends; then all that runs is ended, and all that was made removed.
 *
 * @throws {LayerwrightError} `RUN_WORKER_FAILED` for an engine that does not follow the protocol.
 */
export async function serveSteps(surroundings: WorkerSurroundings): Promise<void> {
  const { input, store } = surroundings;
  const out = new LineWriter(surroundings.write);
  const hello: RemoteHello = { type: "hello", protocol: REMOTE_PROTOCOL, version: VERSION };
  void out.send(hello);
  const executors = surroundings.executors.filter(({ name }) => name !== REMOTE_NAME);
  const { executor, variant, machine } = await chooseExecutor(executors);
  void out.send(machine);
  let session: ExecSession | undefined;
  let remote: RemoteSession | undefined;
  try {
    for await (const line of readLines(input, LINE_LIMIT_BYTES)) {
      const request = parseRequest(line);
      if (request.type !== "open") {
        if (remote === undefined) throw new Error('the first request is no "open"');
        remote.take(request);
        continue;
      }
      if (session !== undefined) throw new Error('there is a second "open"');
      if (executor === undefined) throw new Error("nothing can run a step here");
      const directory = store.temp.newDirectory();
      session = await executor.open({ workDirectory: directory });
      remote = new RemoteSession({
        ...{ session, directory, out, allow: surroundings.allow ?? [] },
        caches: join(store.home, "cache-mounts", `remote-${variant}`),
      });
      void out.send({ type: "ready" });
    }
  } catch (error) {
    if (error instanceof LayerwrightError) throw error;
    throw new LayerwrightError(
      "RUN_WORKER_FAILED",
      `Cannot serve the engine: ${(error as Error).message}`,
      { cause: error },
    );
  } finally {
    await session?.[Symbol.asyncDispose]();
    await out.flushed();
  }
}

interface Choice {
  readonly executor?: Executor;
  /** Who sees the same owners in caches. */
  readonly variant?: string;
  readonly machine: RemoteMachine;
}

/** The first executor that works here, and what to say of all. */
async function chooseExecutor(executors: readonly Executor[]): Promise<Choice> {
  const missing: ExecutorProbe["findings"][number][] = [];
  for (const executor of executors) {
    const { usable, findings, snapshotVariant: variant = "" } = await executor.probe();
    if (usable) {
      const { name } = executor;
      return { executor, variant, machine: { type: "machine", usable, executor: name, findings } };
    }
    const known = new Set(missing.map(({ name }) => name));
    missing.push(...findings.filter(({ found, name }) => !found && !known.has(name)));
  }
  return { machine: { type: "machine", usable: false, findings: missing } };
}
