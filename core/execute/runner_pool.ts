/**
 * The executor of a build and its one session, opened when the first step needs it.
 *
 * @module
 */
import { rmSync } from "node:fs";
import { LayerwrightError } from "../errors.ts";
import { Semaphore } from "../solve/schedule.ts";
import type { ExecSession, Executor, ExecutorProbe } from "./executor.ts";
import { Snapshots } from "./snapshots.ts";
import type { Workbench } from "./workbench.ts";

/** What a step runs with. */
export interface Runner {
  readonly session: ExecSession;
  readonly snapshots: Snapshots;
}

/** Opens the session of a build at most once, and bounds how many steps run at a time. */
export class RunnerPool implements AsyncDisposable {
  readonly #bench: Workbench;
  readonly #executors: readonly Executor[];
  readonly #places: Semaphore;
  #runner: Promise<Runner> | undefined;

  constructor(bench: Workbench, executors: readonly Executor[], concurrency: number) {
    this.#bench = bench;
    this.#executors = executors;
    this.#places = new Semaphore(concurrency);
  }

  /** @throws {LayerwrightError} `RUNTIME_MISSING` when no executor can run anything here. */
  async use<T>(work: (runner: Runner) => Promise<T>): Promise<T> {
    return await this.#places.run(async () => {
      this.#runner ??= this.#open();
      return await work(await this.#runner);
    });
  }

  async #open(): Promise<Runner> {
    const { executor, probe } = await chooseExecutor(this.#executors);
    const workDirectory = this.#bench.store.temp.newDirectory();
    try {
      const session = await executor.open({ workDirectory, signal: this.#bench.signal });
      return { session, snapshots: new Snapshots(this.#bench, session, probe.snapshotVariant) };
    } catch (error) {
      rmSync(workDirectory, { recursive: true, force: true });
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A session that could not be opened has told so to those who needed it.
    const runner = await this.#runner?.catch(() => undefined);
    await runner?.session[Symbol.asyncDispose]();
  }
}

/** The first executor that works here. */
async function chooseExecutor(
  executors: readonly Executor[],
): Promise<{ readonly executor: Executor; readonly probe: ExecutorProbe }> {
  const missing = new Map<string, string>();
  for (const executor of executors) {
    const probe = await executor.probe();
    if (probe.usable) return { executor, probe };
    for (const { name, found, detail, fix } of probe.findings) {
      if (!found) missing.set(name, `${name}: ${detail}${fix === undefined ? "" : ` (${fix})`}`);
    }
  }
  throw new LayerwrightError(
    "RUNTIME_MISSING",
    "Cannot run a step: nothing here can run a program in an image",
    {
      details: [...missing.values()],
      hint: "provide what is named above, or build without RUN steps: those need no privileges",
    },
  );
}
