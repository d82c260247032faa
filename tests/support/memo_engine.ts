/**
 * The two halves of `Engine.build()`, apart: the look whether anything changed, and the build. Files count as old at
 * once, since no test can wait until they are.
 *
 * @module
 */
import { lstatSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildGraph } from "../../core/build.ts";
import type { EngineParts } from "../../core/build/engine_parts.ts";
import type { Graph } from "../../core/graph/graph.ts";
import type { ProgressEvent } from "../../core/solve/progress.ts";
import { unchangedBuild } from "../../core/unchanged/unchanged_build.ts";
import { type BuildOptions, type BuildResult, createEngine, defaultPlugins } from "../../mod.ts";
import type { BuildTarget } from "../../mod.ts";

/** What a build came to. */
export interface MemoBuild {
  readonly result: BuildResult;
  /** Answered from the memo. */
  readonly unchanged: boolean;
  readonly events: readonly ProgressEvent[];
}

/** An hour into the future: all that was changed by now is older than this. */
const ALL_SETTLED_NS = -3_600_000_000_000n;

/** Settings of {@link memoBuild}. */
export interface MemoBuildOptions extends BuildOptions {
  readonly home: string;
  /** How long before the build the last change must lie; none unless given. */
  readonly settledNs?: bigint;
}

/** Builds as `Engine.build()` does. */
export async function memoBuild(
  target: BuildTarget,
  { home, settledNs = ALL_SETTLED_NS, ...options }: MemoBuildOptions,
): Promise<MemoBuild> {
  const events: ProgressEvent[] = [];
  const reporter = { event: (event: ProgressEvent) => void events.push(event), close(): void {} };
  const graph: Graph = createEngine({ plugins: defaultPlugins, home }).graph(target, options);
  const parts: EngineParts = {
    sources: defaultPlugins.flatMap((plugin) => plugin.sources ?? []),
    executors: defaultPlugins.flatMap((plugin) => plugin.executors ?? []),
    exporters: new Map(),
    home,
    observing: { settledNs },
  };
  const order = { graph, options, reporter };
  const recalled = await unchangedBuild(parts, order);
  const result = recalled ?? await buildGraph(parts, order);
  return { result, unchanged: recalled !== undefined, events };
}

/**
 * Waits for the next tick of the clock that a folder's file system stamps changes with: a change in the tick of the
 * last one is what the rule about settled files is for, and is not what is tested here.
 */
export function untilNextTick(folder: string): void {
  const probe = join(folder, "probe");
  const stamp = (): bigint => {
    writeFileSync(probe, "");
    return lstatSync(probe, { bigint: true }).mtimeNs;
  };
  const first = stamp();
  const endMs = Date.now() + 5_000;
  // Deno's node:fs cuts to the millisecond, which is shorter than most ticks.
  while (stamp() <= first) if (Date.now() > endMs) throw new Error("the clock stands still");
}
