/**
 * RUN: one program in the files so far; what it changes is a layer.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import type { CanonicalValue } from "../graph/canonical_json.ts";
import { commandLine, resolvePath, runEnvironment } from "../graph/effective_config.ts";
import { type ImageState, splitVariable } from "../graph/image_state.ts";
import type { RunOp } from "../graph/op.ts";
import type { Vertex } from "../graph/vertex.ts";
import type { WrittenLayer } from "../layer/write_layer.ts";
import { chainId } from "../oci/chain_id.ts";
import { COMPAT, type KeyPreimage } from "../solve/cache_key.ts";
import type { RunOutput, RunRequest, RunResult } from "./executor.ts";
import { type MountInput, mountPreimage } from "./mount_preimage.ts";
import { withMounts } from "./run_mounts.ts";
import type { Runner, RunnerPool } from "./runner_pool.ts";
import { withVariables } from "./step_credentials.ts";
import { stepFailed } from "./step_failed.ts";
import type { StepOptions } from "./step_options.ts";
import { chainOf, type LayerRef } from "./vertex_result.ts";
import { findLayer, findOrMakeLayer, type Workbench } from "./workbench.ts";

/** Host name inside a step: BuildKit's, since programs have been seen to look at it. */
const HOSTNAME = "buildkitsandbox";

/** What a run step is made of, inputs resolved. */
export interface RunInputs {
  readonly state: ImageState;
  readonly layers: readonly LayerRef[];
  /** The inputs of the vertex after the root, by their position in it. */
  readonly mounts: ReadonlyMap<number, MountInput>;
}

/** A step with its result. */
export interface RanStep {
  readonly vertex: Vertex & { readonly op: RunOp };
  readonly inputs: RunInputs;
  readonly layer: LayerRef;
}

/**
 * Runs a step, or finds the layer an equal one made earlier.
 *
 * @returns undefined in a plan, when the step would have to run.
 * @throws {LayerwrightError} `RUN_FAILED` with the exit code; `RUNTIME_MISSING` where nothing can run a program;
 * `RUN_NOT_ALLOWED` for a step with privileges that the build does not allow, whether it would have to run or not.
 */
export async function executeRun(
  bench: Workbench,
  vertex: Vertex & { readonly op: RunOp },
  inputs: RunInputs,
  runners: RunnerPool,
): Promise<LayerRef | undefined> {
  const { cache } = vertex.op;
  const step = describeStep(bench, vertex.op, inputs);
  // A plan runs nothing, and may be asked for by somebody who would never allow it.
  if (!bench.planning) checkAllowed(bench.steps, step);
  const preimage: KeyPreimage = {
    compat: COMPAT,
    kind: "run",
    root: chainOf(inputs.layers),
    platform: { ...inputs.state.platform },
    args: step.args,
    environment: step.environment,
    workingDirectory: step.workingDirectory,
    user: step.user,
    network: step.network,
    security: step.security,
    hostname: HOSTNAME,
    hosts: step.hosts?.map((entry): CanonicalValue => ({ ...entry })),
    shmSizeBytes: step.shmSizeBytes,
    ulimits: step.ulimits?.map((limit): CanonicalValue => ({ ...limit })),
    epoch: bench.epochSeconds,
    cacheKey: typeof cache === "object" && "key" in cache ? cache.key : undefined,
    mounts: vertex.op.mounts.map((mount): CanonicalValue =>
      mountPreimage(bench, mount, inputs.state, inputs.mounts)
    ),
  };
  const request = { vertex, preimage, terms: { buildArguments: buildArguments(inputs.state) } };
  if (bench.planning) return findLayer(bench, request);
  bench.recorder?.described(vertex, inputs);
  return await findOrMakeLayer(bench, {
    ...request,
    produce: (tarPath) =>
      runners.use((runner) => runStep(bench, { vertex, inputs, step, runner, tarPath })),
  });
}

const INSECURE = "security.insecure";

/** As in BuildKit: whoever writes a recipe does not decide whether it may have the machine of those who build it. */
function checkAllowed({ allow = [] }: StepOptions, { security, args }: Step): void {
  if (security !== "insecure" || allow.includes(INSECURE)) return;
  throw new LayerwrightError(
    "RUN_NOT_ALLOWED",
    `Cannot run "${args.join(" ")}" with security "insecure": the build does not allow it`,
    { hint: `if you trust the recipe, build with --allow ${INSECURE}` },
  );
}

/** Variables that are there because of an ARG, and not because of an ENV. */
function buildArguments({ args, config }: ImageState): ReadonlySet<string> {
  const lasting = new Set((config.config?.Env ?? []).map((one) => splitVariable(one).name));
  return new Set(args.map(({ name }) => name).filter((name) => !lasting.has(name)));
}

/** What of a request is decided by the recipe and the options of the build. */
export type Step = Pick<
  RunRequest,
  | ("args" | "environment" | "workingDirectory" | "user" | "network" | "security")
  | ("hosts" | "shmSizeBytes" | "ulimits" | "resources" | "timeoutMs")
>;

/** What a step runs, with all that is in force. */
export function describeStep(
  bench: Workbench,
  op: RunOp,
  { state }: Pick<RunInputs, "state">,
): Step {
  const variables = new Map(runEnvironment(state, op).map(({ name, value }) => [name, value]));
  // Advice to programs that write times into files; the layer's own times are clamped whatever they do.
  if (!variables.has("SOURCE_DATE_EPOCH")) {
    variables.set("SOURCE_DATE_EPOCH", String(bench.epochSeconds));
  }
  return {
    args: commandLine(state, op.command),
    environment: [...variables].map(([name, value]) => `${name}=${value}`),
    workingDirectory: resolvePath(state, op.workingDirectory ?? "."),
    user: op.user ?? state.config.config?.User ?? "",
    network: op.network === "default" ? bench.steps.network ?? "default" : op.network,
    security: op.security,
    ...surroundings(bench.steps, op),
  };
}

/** What the recipe says of a step, else what the build says of all. */
function surroundings(
  steps: StepOptions,
  op: RunOp,
): Pick<Step, "hosts" | "shmSizeBytes" | "ulimits" | "resources" | "timeoutMs"> {
  const hosts = mergedByName(steps.hosts, op.hosts);
  const ulimits = mergedByName(steps.ulimits, op.ulimits);
  const resources = { ...steps.resources, ...op.resources };
  const shmSizeBytes = op.shmSizeBytes ?? steps.shmSizeBytes;
  const timeoutMs = op.timeoutMs ?? steps.stepTimeoutMs;
  return {
    ...hosts.length === 0 ? {} : { hosts },
    ...ulimits.length === 0 ? {} : { ulimits },
    ...Object.keys(resources).length === 0 ? {} : { resources },
    ...shmSizeBytes === undefined ? {} : { shmSizeBytes },
    ...timeoutMs === undefined ? {} : { timeoutMs },
  };
}

function mergedByName<T extends { readonly name: string }>(
  general: readonly T[] = [],
  own: readonly T[] = [],
): T[] {
  const names = new Set(own.map(({ name }) => name));
  return [...general.filter(({ name }) => !names.has(name)), ...own];
}

async function runStep(
  bench: Workbench,
  { vertex, inputs, step, runner, tarPath }: {
    readonly vertex: Vertex & { readonly op: RunOp };
    readonly inputs: RunInputs;
    readonly step: Step;
    readonly runner: Runner;
    readonly tarPath: string;
  },
): Promise<WrittenLayer> {
  const { snapshots } = runner;
  const upperDirectory = snapshots.newPath();
  const failedDirectory = snapshots.variant === undefined
    ? undefined
    : bench.recorder?.failedDirectory(vertex.digest, snapshots.variant);
  const places = {
    ...{ layerPath: tarPath, upperDirectory },
    ...failedDirectory === undefined ? {} : { failedDirectory },
  };
  const output = {
    write: (stream: "stdout" | "stderr", bytes: Uint8Array): void =>
      bench.report({ type: "log", vertex: vertex.digest, stream, bytes, timeMs: Date.now() }),
  };
  const result = await performStep(bench, { vertex, inputs, step, runner, places, output });
  bench.recorder?.ended(vertex.digest, result);
  for (const text of result.notes) bench.report({ type: "warning", vertex: vertex.digest, text });
  if (result.layer === undefined) throw stepFailed(step, result);
  const { diffId, sizeBytes } = result.layer;
  await snapshots.commit(upperDirectory, {
    chainId: chainId([...inputs.layers.map((layer) => layer.diffId), diffId]),
    sizeBytes,
  });
  return result.layer;
}

/**
 * Has a session run a step; `hostname` is what all steps have unless it is given, `above` are directories on top of its
 * layers, topmost first.
 */
export async function performStep(
  bench: Workbench,
  { vertex, inputs, step, runner, places, output, hostname = HOSTNAME, above = [] }: {
    readonly vertex: { readonly op: RunOp };
    readonly inputs: RunInputs;
    readonly step: Step;
    readonly runner: Runner;
    readonly places: Pick<
      RunRequest,
      "layerPath" | "upperDirectory" | "failedDirectory" | "terminal" | "candidates"
    >;
    readonly output: RunOutput;
    readonly hostname?: string;
    readonly above?: readonly string[];
  },
): Promise<RunResult> {
  const { session, snapshots } = runner;
  const lowers = [...above, ...await snapshots.lowersOf(inputs.layers)];
  const mounting = { op: vertex.op, state: inputs.state, inputs: inputs.mounts };
  return await withMounts(
    bench,
    mounting,
    runner,
    ({ mounts, variables }) =>
      bench.secrets.guard(output, (masked) =>
        session.run(
          {
            ...step,
            environment: withVariables(step.environment, variables),
            lowers,
            hostname,
            mounts,
            epochSeconds: bench.epochSeconds,
            ...places,
          },
          masked,
          bench.signal,
        )),
  );
}

/**
 * Runs a step once more, as it was or under another host name, and keeps nothing of it but the layer it would make.
 *
 * @returns How it ended, whatever the exit code; its layer is at `layerPath`.
 */
export async function runAgain(
  bench: Workbench,
  { vertex, inputs }: RanStep,
  again: {
    readonly runner: Runner;
    readonly layerPath: string;
    readonly hostname?: string;
    readonly output: RunOutput;
  },
): Promise<RunResult> {
  const { runner, layerPath, hostname, output } = again;
  const step = describeStep(bench, vertex.op, inputs);
  const places = { layerPath };
  return await performStep(bench, {
    ...{ vertex, inputs, step, runner, places, output },
    ...hostname === undefined ? {} : { hostname },
  });
}
