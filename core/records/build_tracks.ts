/**
 * What a recorder knows of the steps of a build, and how a record says it.
 *
 * @module
 */
import type { RunInputs } from "../execute/run.ts";
import { imageState, LayerTable, runState, type StepState } from "../execute/step_state.ts";
import type { ImageResult } from "../execute/vertex_result.ts";
import type { Workbench } from "../execute/workbench.ts";
import type { Graph } from "../graph/graph.ts";
import type { RunOp } from "../graph/op.ts";
import type { VertexDigest } from "../graph/vertex.ts";
import type { Digest } from "../oci/digest.ts";
import type { RecordedLayer, RecordedStep, StepOutcome } from "../store/build_record.ts";

/** What is known of one step so far. */
export interface StepTrack {
  readonly number: number;
  readonly name: string;
  readonly vertex: VertexDigest;
  outcome?: StepOutcome;
  /** Milliseconds since the epoch. */
  startedMs?: number;
  endedMs?: number;
  exitCode?: number;
  /** Open while the step runs. */
  logFd?: number;
  /** In the folder of the build. */
  log?: string;
  /** What it is added to. */
  base?: ImageResult;
  result?: ImageResult;
  run?: { readonly op: RunOp; readonly inputs: RunInputs };
  /** Where its files are kept if it fails. */
  failed?: { readonly directory: string; readonly variant: string };
}

/** Steps as a record has them, with all layers they are about. */
export function recordSteps(
  tracks: Iterable<StepTrack>,
  graph: Graph,
  bench: Workbench,
): { readonly steps: RecordedStep[]; readonly layers: Record<string, RecordedLayer> } {
  const table = new LayerTable();
  const steps = [...tracks].map((track): RecordedStep => {
    const { number, name, vertex, outcome, startedMs, endedMs, exitCode, log } = track;
    const at = graph.metadata.get(vertex)?.at;
    const state = stateOf(track, bench, table);
    return {
      number,
      name,
      vertex,
      ...at === undefined ? {} : { at: `${at.file}:${at.line}` },
      ...outcome === undefined ? {} : { outcome },
      ...exitCode === undefined ? {} : { exitCode },
      ...startedMs === undefined || endedMs === undefined
        ? {}
        : { durationMs: Math.max(0, endedMs - startedMs) },
      ...log === undefined ? {} : { log },
      ...state === undefined ? {} : { state },
    };
  });
  return { steps, layers: table.layers };
}

/** The layers that failed steps stand on, and those that their mounts show. */
export function neededBlobs(tracks: Iterable<StepTrack>): Digest[] {
  const stacks = [...tracks].filter(({ outcome }) => outcome === "failed")
    .flatMap(({ run, base }) => [
      ...run?.inputs.layers ?? base?.layers ?? [],
      ...[...run?.inputs.mounts.values() ?? []].flatMap(({ layers }) => layers),
    ]);
  return [...new Set(stacks.map(({ diffId }): Digest => diffId))];
}

function stateOf(
  { run, base, result }: StepTrack,
  bench: Workbench,
  table: LayerTable,
): StepState | undefined {
  const layers = result?.layers;
  const made = layers === undefined ? {} : { result: table.add(layers) };
  if (run !== undefined) return { ...runState(bench, run.op, run.inputs, table), ...made };
  const image = layers === undefined ? base : result;
  if (image?.layers === undefined) return undefined;
  return { ...imageState(bench, { ...image, layers: image.layers }, table), ...made };
}
