/**
 * The executor of a build and its one session, opened when the first step needs it.
 *
 * @module
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { LayerwrightError } from "../errors.ts";
import { nearestName } from "../nearest_name.ts";
import { Semaphore } from "../solve/schedule.ts";
import type { ExecSession, ExecSessionOptions, Executor, ExecutorProbe } from "./executor.ts";
import { Snapshots } from "./snapshots.ts";
import type { Workbench } from "./workbench.ts";

/** What a step runs with. */
export interface Runner {
  readonly session: ExecSession;
  readonly snapshots: Snapshots;
  /** Whose owners files have on disk: see {@link ExecutorProbe.snapshotVariant}. */
  readonly variant: string | undefined;
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
      this.#runner ??= openRunner(this.#bench, this.#executors);
      return await work(await this.#runner);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A session that could not be opened has told so to those who needed it.
    const runner = await this.#runner?.catch(() => undefined);
    await runner?.session[Symbol.asyncDispose]();
  }
}

/**
 * Opens a session of the first executor that works here; the caller closes it.
 *
 * @param asked What is to be other than usual, as far as the executor can; and whether steps may have the terminal.
 * @throws {LayerwrightError} `RUNTIME_MISSING`.
 */
export async function openRunner(
  bench: Workbench,
  executors: readonly Executor[],
  asked: Pick<ExecSessionOptions, "variations" | "terminal"> = {},
): Promise<Runner> {
  const { executor, probe } = await chooseExecutor(
    executorsNamed(executors, bench.steps.executor),
  );
  const workDirectory = bench.store.temp.newDirectory();
  try {
    const session = await executor.open({
      workDirectory,
      cacheDirectory: join(bench.store.home, "executors"),
      signal: bench.signal,
      ...asked,
    });
    // Directories of another order are the session's own, and gone with it.
    const own = session.variations?.includes("directory-order") === true;
    const snapshots = own
      ? new Snapshots(bench, session, undefined, workDirectory)
      : new Snapshots(bench, session, probe.snapshotVariant);
    return { session, snapshots, variant: probe.snapshotVariant };
  } catch (error) {
    rmSync(workDirectory, { recursive: true, force: true });
    throw error;
  }
}

/**
 * The executors that may be chosen from: all, or those of one name.
 *
 * @param name Unless given, what `LAYERWRIGHT_EXECUTOR` says.
 * @throws {LayerwrightError} `OPTION_INVALID` for a name that none has.
 */
export function executorsNamed(
  executors: readonly Executor[],
  name: string = process.env.LAYERWRIGHT_EXECUTOR ?? "",
): readonly Executor[] {
  if (name === "") return executors;
  const named = executors.filter((executor) => executor.name === name);
  if (named.length > 0) return named;
  const known = [...new Set(executors.map((executor) => executor.name))];
  const nearest = nearestName(name, known);
  throw new LayerwrightError(
    "OPTION_INVALID",
    `Cannot run steps with the executor ${JSON.stringify(name)}: there is none of that name` +
      (nearest === undefined ? "" : `, did you mean "${nearest}"?`),
    { hint: `known are ${known.join(", ")}` },
  );
}

/**
 * The first executor that works here.
 *
 * @throws {LayerwrightError} `RUNTIME_MISSING`.
 */
export async function chooseExecutor(
  executors: readonly Executor[],
): Promise<{ readonly executor: Executor; readonly probe: ExecutorProbe }> {
  const missing = new Map<string, string>();
  for (const executor of executors) {
    const probe = await executor.probe();
    if (probe.usable) return { executor, probe };
    for (const { name, found, detail, fix, optional } of probe.findings) {
      if (!found && optional !== true) {
        missing.set(name, `${name}: ${detail}${fix === undefined ? "" : ` (${fix})`}`);
      }
    }
    if (probe.required === true) break;
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
