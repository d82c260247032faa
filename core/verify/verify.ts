/**
 * Verifying: RUN steps run again, and what they make now is compared with what they made before.
 *
 * First as it was, then with all else than its inputs changed at once: a later second, another host name, one processor,
 * directories in another order, another umask of whoever starts it. A step that makes the same layer both times is
 * done after two runs; for others further runs find out what it is that makes the difference.
 *
 * @module
 */
import { allSources } from "../build/all_sources.ts";
import { BuildRun } from "../build/build_run.ts";
import type { EngineParts } from "../build/engine_parts.ts";
import { LayerwrightError } from "../errors.ts";
import type { RanStep } from "../execute/run.ts";
import { type Rerun, StepReruns, type Variation } from "../execute/step_reruns.ts";
import type { Workbench } from "../execute/workbench.ts";
import type { Graph } from "../graph/graph.ts";
import { type LayerDifference, layerDifferences } from "../layer/layer_differences.ts";
import { holdsTime } from "../layer/shown_time.ts";
import type { ProgressReporter } from "../solve/progress.ts";
import { stepNames, stepsMeant } from "../solve/step_names.ts";
import { openBuildStore } from "../store/store.ts";
import type {
  DifferenceCause,
  FileDifference,
  VerifiedStep,
  VerifyOptions,
  VerifyResult,
} from "./verify_result.ts";

/** A graph that was checked, and how to verify it. */
export interface VerifyOrder {
  readonly graph: Graph;
  readonly options: VerifyOptions;
  readonly reporter: ProgressReporter;
}

type StepHead = Pick<VerifiedStep, "vertex" | "number" | "name" | "at">;

/** Runs the RUN steps of the first target again; those that have no result yet are built first. */
export async function verifyGraph(parts: EngineParts, order: VerifyOrder): Promise<VerifyResult> {
  const { graph, options, reporter } = order;
  const heads = stepHeads(graph, options.step);
  using store = openBuildStore(parts);
  store.temp.removeAbandoned();
  const ran = new Map<string, RanStep>();
  const { executors } = parts;
  await using run = new BuildRun({
    ...{ sources: allSources(parts), executors, store, graph, options, reporter, planning: false },
    ran: (step) => void ran.set(step.vertex.digest, step),
  });
  try {
    await run.solveTarget();
    store.sync();
    await using reruns = new StepReruns(run.bench, executors);
    const steps: VerifiedStep[] = [];
    for (const head of heads) {
      const step = ran.get(head.vertex);
      if (step !== undefined) steps.push({ ...head, ...await verifyStep(run.bench, step, reruns) });
    }
    return { reproducible: steps.every(({ outcome }) => outcome === "same"), steps };
  } catch (error) {
    throw run.explained(error);
  }
}

/** @throws {LayerwrightError} `OPTION_INVALID` when no RUN step has the number or name wanted. */
function stepHeads(graph: Graph, wanted: string | undefined): StepHead[] {
  const names = [...stepNames(graph)].filter(([vertex]) =>
    graph.vertices.get(vertex)?.op.type === "run"
  );
  const heads = names.map(([vertex, name], index): StepHead => {
    const at = graph.metadata.get(vertex)?.at;
    return { vertex, number: index + 1, name, ...at === undefined ? {} : { at } };
  });
  if (wanted === undefined) return heads;
  const found = stepsMeant(heads, wanted);
  if (found.length > 0) return found;
  throw new LayerwrightError(
    "OPTION_INVALID",
    `Cannot verify step ${JSON.stringify(wanted)}: no RUN step has that number or name`,
    {
      details: heads.map(({ number, name }) => `${number}  ${name}`),
      hint: "give the number of a step, or a part of its name",
    },
  );
}

type Verdict = Omit<VerifiedStep, keyof StepHead>;

async function verifyStep(
  bench: Workbench,
  step: RanStep,
  reruns: StepReruns,
): Promise<Verdict> {
  let runs = 0;
  const run = (variations: readonly Variation[] = []): Promise<Rerun> => {
    runs++;
    return reruns.run(step, variations);
  };
  bench.trees.verify(step.layer.diffId);
  const stored = { diffId: step.layer.diffId, tarPath: bench.space.pathOf(step.layer.diffId) };
  const unvaried = await run();
  const possible = await reruns.variationsOf(step);
  const varied: readonly Variation[] = ["time", ...possible];
  if (unvaried.layer === undefined) {
    return {
      outcome: "failed",
      runs,
      differences: [],
      varied: ["time"],
      failure: failureOf(unvaried),
    };
  }
  const allVaried = await run(possible);
  const differences: FileDifference[] = [];
  const plain = compare(stored, unvaried.layer);
  // Names that are others each time differ from any other run, too.
  let namesVary = false;
  if (plain.length > 0) {
    const again = await run();
    const between = again.layer === undefined ? [] : compare(unvaried.layer, again.layer);
    const unstable = pathsOf(between);
    namesVary = between.some(({ field }) => field === "presence");
    for (const { path, field } of plain) if (namesVary && field === "presence") unstable.add(path);
    const timed = pathsOf(plain.filter((one) => showsTime(one, unvaried)));
    differences.push(...plain.map((one) =>
      fileDifference(
        one,
        timed.has(one.path) ? "time" : unstable.has(one.path) ? "every-run" : "since-then",
      )
    ));
  }
  if (allVaried.layer === undefined) {
    let under: readonly Variation[] = possible;
    for (const variation of possible) {
      if ((await run([variation])).layer !== undefined) continue;
      under = [variation];
      break;
    }
    const failure = `${failureOf(allVaried)} under ${under.join(", ")}`;
    return { outcome: "failed", runs, differences, varied, failure };
  }
  const known = pathsOf(plain);
  const more = compare(stored, allVaried.layer).filter(({ path, field }) =>
    !known.has(path) && !(namesVary && field === "presence")
  );
  if (more.length > 0) {
    const causes = await causesOf({ unvaried: unvaried.layer, possible, run });
    differences.push(...more.map((one) => {
      const timed = showsTime(one, allVaried);
      return fileDifference(one, causes.get(one.path) ?? (timed ? "time" : "every-run"));
    }));
  }
  return { outcome: differences.length === 0 ? "same" : "differs", runs, differences, varied };
}

type TarLayer = NonNullable<Rerun["layer"]>;

/** Which variation alone makes a file differ from what it is without. */
async function causesOf({ unvaried, possible, run }: {
  readonly unvaried: TarLayer;
  readonly possible: readonly Exclude<Variation, "time">[];
  readonly run: (variations: readonly Variation[]) => Promise<Rerun>;
}): Promise<Map<string, DifferenceCause>> {
  const causes = new Map<string, DifferenceCause>();
  for (const variation of possible) {
    const { layer } = await run([variation]);
    if (layer === undefined) continue;
    for (const { path } of compare(unvaried, layer)) {
      if (!causes.has(path)) causes.set(path, variation);
    }
  }
  return causes;
}

function compare(before: TarLayer, after: TarLayer): LayerDifference[] {
  return before.diffId === after.diffId ? [] : layerDifferences(before.tarPath, after.tarPath);
}

function pathsOf(differences: readonly LayerDifference[]): Set<string> {
  return new Set(differences.map(({ path }) => path));
}

/** Whether the later run left its own time in the file. */
function showsTime({ field, around, after }: LayerDifference, { startMs, endMs }: Rerun): boolean {
  const range = { first: Math.floor(startMs / 1000), last: Math.ceil(endMs / 1000) };
  if (around !== undefined) return holdsTime(around[1], range);
  // Names are as good a place for a time as contents.
  return field === "link target" && holdsTime(Buffer.from(after), range);
}

function fileDifference(difference: LayerDifference, cause: DifferenceCause): FileDifference {
  const { path, field, before, after, offset } = difference;
  return {
    ...{ path, field, stored: before, again: after },
    ...offset === undefined ? {} : { offset },
    cause,
  };
}

function failureOf({ exitCode, timedOut }: Rerun): string {
  return timedOut ? "it ran out of time" : `exit code ${exitCode}`;
}
