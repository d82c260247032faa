/** W7: a graph of a thousand vertices with nothing to do. */
import type { Bench } from "./bench.ts";
import { engineBuilds, recipe } from "./bench.ts";

const VERTICES = 1000;

/** Measures the build after the build. */
export function largeGraph(bench: Bench): void {
  const args = [recipe("w7"), "--build-arg", `VERTICES=${VERTICES}`];
  const builds = engineBuilds(bench, "w7", args);
  for (const { steps, tool } of builds) {
    const [step] = steps;
    if (step !== undefined) bench.digest("w7", tool, bench.prepare(step.command(0)).trim());
  }
  bench.measure({ workload: "W7", measure: `unchanged, ${VERTICES} vertices`, contenders: builds });
}
