/**
 * Steps run again, as they were or in other surroundings, for their layers to be compared with the stored ones.
 *
 * @module
 */
import { rmSync } from "node:fs";
import { freemem } from "node:os";
import type { DiffID } from "../oci/digest.ts";
import type { Executor, SessionVariation } from "./executor.ts";
import { openRunner, type Runner } from "./runner_pool.ts";
import { type RanStep, runAgain } from "./run.ts";
import { checkNotCancelled, type Workbench } from "./workbench.ts";

/** What is other than usual while a step runs again. */
export type Variation = SessionVariation | "hostname" | "time";

/** What a step made when it ran again. */
export interface Rerun {
  /** Absent: it failed. */
  readonly layer?: { readonly diffId: DiffID; readonly tarPath: string };
  readonly exitCode: number;
  readonly timedOut: boolean;
  /** In milliseconds since the epoch. */
  readonly startMs: number;
  readonly endMs: number;
  /** What was other than usual. */
  readonly varied: readonly Variation[];
}

/** All that can be asked for. A later second comes with each run. */
const VARIATIONS: readonly Exclude<Variation, "time">[] = [
  "hostname",
  "cpus",
  "directory-order",
  "umask",
];

const OTHER_HOSTNAME = "elsewhere";
const SECOND_MS = 1000;

/** Runs steps again, each under any variation. Its sessions and tars are gone when it is disposed. */
export class StepReruns implements AsyncDisposable {
  readonly #bench: Workbench;
  readonly #executors: readonly Executor[];
  readonly #runners = new Map<string, Promise<Runner>>();
  readonly #tarPaths: string[] = [];
  /** When what will be compared was made; the stored layer before all of this. */
  #lastEndMs: number = Date.now();

  constructor(bench: Workbench, executors: readonly Executor[]) {
    this.#bench = bench;
    this.#executors = executors;
  }

  /** What can be varied for a step here. */
  async variationsOf(step: RanStep): Promise<Exclude<Variation, "time">[]> {
    const wanted = VARIATIONS.filter((one) => one !== "directory-order" || fitsInMemory(step));
    const { session } = await this.#runnerFor(wanted);
    return wanted.filter((one) => one === "hostname" || session.variations?.includes(one) === true);
  }

  /** Runs a step once more; without any variation, in another second than all runs before. */
  async run(step: RanStep, variations: readonly Variation[] = []): Promise<Rerun> {
    const runner = await this.#runnerFor(variations);
    const layerPath = this.#bench.space.temporaryPath();
    this.#tarPaths.push(layerPath);
    if (variations.length === 0) await laterSecond(this.#lastEndMs);
    checkNotCancelled(this.#bench.signal);
    const startMs = Date.now();
    const { layer, exitCode, timedOut } = await runAgain(this.#bench, step, {
      runner,
      layerPath,
      output: { write(): void {} },
      ...variations.includes("hostname") ? { hostname: OTHER_HOSTNAME } : {},
    });
    const endMs = Date.now();
    this.#lastEndMs = endMs;
    return {
      ...layer === undefined ? {} : { layer: { diffId: layer.diffId, tarPath: layerPath } },
      ...{ exitCode, timedOut, startMs, endMs },
      varied: ["time", ...variations],
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const opening of this.#runners.values()) {
      const runner = await opening.catch(() => undefined);
      await runner?.session[Symbol.asyncDispose]();
    }
    for (const path of this.#tarPaths) rmSync(path, { force: true });
  }

  async #runnerFor(variations: readonly Variation[]): Promise<Runner> {
    const asked = variations.filter((one): one is SessionVariation =>
      one !== "hostname" && one !== "time"
    );
    const key = asked.join();
    const open = this.#runners.get(key) ??
      openRunner(this.#bench, this.#executors, { variations: asked });
    this.#runners.set(key, open);
    return await open;
  }
}

/** Directories of another order are in memory; a quarter of what is free leaves the step room to work. */
function fitsInMemory({ inputs, layer }: RanStep): boolean {
  const mounted = [...inputs.mounts.values()].flatMap(({ layers }) => layers);
  const all = [...inputs.layers, ...mounted, layer];
  return all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) < freemem() / 4;
}

/** Waits until the clock shows another second than it did at `timeMs`. */
async function laterSecond(timeMs: number): Promise<void> {
  const next = (Math.floor(timeMs / SECOND_MS) + 1) * SECOND_MS;
  const waitMs = next - Date.now();
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
}
