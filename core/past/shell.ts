/**
 * A program run where a step of an earlier build ran: in the files it left, with all that was in force. What the program
 * changes is thrown away.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { BuildRun } from "../build/build_run.ts";
import type { EngineParts } from "../build/engine_parts.ts";
import { LayerwrightError } from "../errors.ts";
import type { Executor } from "../execute/executor.ts";
import { describeStep, performStep } from "../execute/run.ts";
import { openRunner } from "../execute/runner_pool.ts";
import { bareState, parseStepState, stackOf, type StepState } from "../execute/step_state.ts";
import type { LayerRef } from "../execute/vertex_result.ts";
import type { Workbench } from "../execute/workbench.ts";
import type { Graph } from "../graph/graph.ts";
import type { RunOp } from "../graph/op.ts";
import type { ChainID } from "../oci/digest.ts";
import type { ProgressEvent, ProgressReporter } from "../solve/progress.ts";
import type { BuildRecord, RecordedStep } from "../store/build_record.ts";
import { bootId } from "../store/process_token.ts";
import { openBuildStore, type Store } from "../store/store.ts";
import { stepLines, stepNamed } from "./past_builds.ts";
import type { ShellOptions } from "./shell_options.ts";

/** Where the program will be. */
interface Place {
  readonly record: BuildRecord;
  readonly step: RecordedStep;
  readonly state: StepState;
  readonly layers: readonly LayerRef[];
  /** The changes of a step that failed. */
  readonly left: string | undefined;
}

const NO_GRAPH: Graph = {
  vertices: new Map(),
  targets: [],
  metadata: new Map(),
  contexts: new Map(),
};

/**
 * Runs a shell, or another program, and waits for it.
 *
 * @returns Its exit code.
 * @throws {LayerwrightError} `BUILD_UNKNOWN` for a build or step that is not remembered, or of which nothing is left;
 * `RUNTIME_MISSING`; `FILE_MISSING` where there is no shell.
 */
export async function openShell(parts: EngineParts, options: ShellOptions): Promise<number> {
  using store = openBuildStore(parts);
  const place = findPlace(store, options);
  const { record, state, left } = place;
  const { announce = () => {}, signal, secrets = [], ssh = [] } = options;
  const notes = left !== undefined && record.kept?.boot !== bootId()
    ? ["the machine was started anew since: what the step wrote last may be missing"]
    : [];
  await using run = new BuildRun({
    ...{ sources: new Map(), executors: parts.executors, store, graph: NO_GRAPH, planning: false },
    reporter: warningsTo(announce),
    options: {
      ...{ secrets, ssh, epochSeconds: state.epochSeconds },
      ...options.executor === undefined ? {} : { executor: options.executor },
      ...signal === undefined ? {} : { signal },
      // It was allowed to the step.
      allow: state.op.security === "insecure" ? ["security.insecure"] : [],
    },
  });
  const { bench } = run;
  for (const layer of place.layers) bench.protect(layer);
  const mounts = mountInputs(bench, place);
  checkLayers(bench, [place.layers, ...mounts.values()].flat(), record);
  const executors = await executorsFor(parts.executors, left === undefined ? undefined : record);
  const runner = await openRunner(bench, executors, { terminal: true });
  await using _session = runner.session;
  announce(bannerOf(place, [...notes, ...missingGifts(state.op, options)]));
  const vertex = { op: givenOnly(state.op, options) };
  const inputs = {
    state: bareState(state),
    layers: place.layers,
    mounts: new Map([...mounts].map(([index, layers]) => [index, { layers }])),
  };
  const described = describeStep(bench, vertex.op, inputs);
  const { timeoutMs: _, ...step } = described;
  const terminal = options.terminalType;
  const { command = [] } = options;
  const { exitCode } = await performStep(bench, {
    ...{ vertex, inputs, runner, output: options.output },
    step: {
      ...step,
      args: command.length > 0 ? command : [state.shell],
      environment: terminal === undefined || step.environment.some((one) => one.startsWith("TERM="))
        ? step.environment
        : [...step.environment, `TERM=${terminal}`],
    },
    places: {
      terminal: true,
      ...command.length > 0 ? {} : { candidates: shellsOf(state) },
    },
    above: left === undefined ? [] : [left],
  });
  return exitCode;
}

/** The step's own, else what there may be instead. */
function shellsOf({ shell }: StepState): string[][] {
  const all = [[shell], ["/bin/sh"], ["/bin/busybox", "sh"], ["/usr/bin/busybox", "sh"]];
  return all.slice(shell === "/bin/sh" ? 1 : 0);
}

function findPlace(store: Store, options: ShellOptions): Place {
  const record = options.build === undefined
    ? latestFailed(store)
    : store.builds.find(options.build);
  const step = options.step === undefined ? defaultStep(record) : stepNamed(record, options.step);
  const state = parseStepState(step.state);
  if (state === undefined) {
    throw new LayerwrightError(
      "BUILD_UNKNOWN",
      `Cannot look around in step ${step.number} of build ${record.id}: it was not reached`,
      { details: stepLines(record), hint: "choose a step that was" },
    );
  }
  const root = store.builds.rootOf(record.id, step.number);
  const hasLeft = record.kept?.roots.includes(step.number) === true && existsSync(root);
  const chain = state.result === undefined ? state.base : state.result;
  const layers = stackOf(record.layers, chain);
  if (layers === undefined) throw nothingLeft(record, "its record is damaged");
  return { record, step, state, layers, left: hasLeft ? root : undefined };
}

function latestFailed(store: Store): BuildRecord {
  const failed = store.builds.list().find(({ outcome }) => outcome === "failed");
  if (failed !== undefined) return failed;
  throw new LayerwrightError("BUILD_UNKNOWN", "Cannot open a shell: no build has failed", {
    hint: 'name a build: "layerwright builds" lists them',
  });
}

/** The one that failed, else the last one whose files are known. */
function defaultStep(record: BuildRecord): RecordedStep {
  const failed = record.steps.find(({ number }) => number === record.failure?.step);
  const step = failed ?? record.steps.findLast(({ state }) => state !== undefined);
  if (step !== undefined) return step;
  throw nothingLeft(record, "none of its steps was reached");
}

function nothingLeft({ id }: BuildRecord, why: string): LayerwrightError {
  return new LayerwrightError("BUILD_UNKNOWN", `Cannot look around in build ${id}: ${why}`, {
    hint: "build again",
  });
}

function mountInputs(bench: Workbench, { record, state }: Place): Map<number, LayerRef[]> {
  return new Map(
    Object.entries(state.inputs).map(([index, chain]: [string, ChainID | null]) => {
      const layers = stackOf(record.layers, chain);
      if (layers === undefined) throw nothingLeft(record, "its record is damaged");
      for (const layer of layers) bench.protect(layer);
      return [Number(index), layers];
    }),
  );
}

function checkLayers(bench: Workbench, layers: readonly LayerRef[], record: BuildRecord): void {
  const missing = layers.find((layer) => !bench.space.has(layer));
  if (missing !== undefined) {
    throw nothingLeft(record, `layer ${missing.diffId} is no longer in the store`);
  }
}

/** Those that see the owners of kept files as they were, and are on this machine. */
async function executorsFor(
  executors: readonly Executor[],
  record: BuildRecord | undefined,
): Promise<Executor[]> {
  const variant = record?.kept?.variant;
  const fitting: Executor[] = [];
  const others = new Set<string>();
  for (const executor of executors) {
    const { usable, snapshotVariant } = await executor.probe();
    if (usable && snapshotVariant === undefined) continue;
    if (!usable || variant === undefined || snapshotVariant === variant) fitting.push(executor);
    else others.add(snapshotVariant ?? "");
  }
  if (fitting.length > 0 || others.size === 0) return fitting;
  throw new LayerwrightError(
    "RUNTIME_MISSING",
    `Cannot open a shell in build ${record?.id}: its files are those of "${variant}", and here is "${
      [...others].join()
    }"`,
    { hint: "open it as the user who built" },
  );
}

/** A step without the secrets and agents that were not given again. */
function givenOnly(op: RunOp, options: ShellOptions): RunOp {
  return {
    ...op,
    mounts: op.mounts.filter((mount) =>
      (mount.type !== "secret" && mount.type !== "ssh") || isGiven(mount, options)
    ),
  };
}

function isGiven(
  { type, id }: { readonly type: "secret" | "ssh"; readonly id: string },
  { secrets = [], ssh = [] }: ShellOptions,
): boolean {
  return (type === "secret" ? secrets : ssh).some((given) => given.id === id);
}

function missingGifts({ mounts }: RunOp, options: ShellOptions): string[] {
  return mounts.flatMap((mount) =>
    (mount.type === "secret" || mount.type === "ssh") && !isGiven(mount, options)
      ? [
        `without its ${mount.type} ${JSON.stringify(mount.id)}: give it again with --${mount.type}`,
      ]
      : []
  );
}

function bannerOf({ record, step, state, left }: Place, notes: readonly string[]): string {
  const where = left !== undefined
    ? "as it left its files"
    : state.result !== undefined
    ? "after it"
    : step.outcome === "failed"
    ? "before it: what it left is not kept"
    : "before it";
  return [
    `Build ${record.id}, step ${step.number}: ${step.name}`,
    `${where}; what is changed here is thrown away at the end`,
    ...notes,
  ].join("\n");
}

function warningsTo(announce: (text: string) => void): ProgressReporter {
  return {
    event(event: ProgressEvent): void {
      if (event.type === "warning") announce(event.text);
    },
    close(): void {},
  };
}
