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
import type { RunRequest, RunResult } from "./executor.ts";
import { type MountInput, mountPreimage, withMounts } from "./run_mounts.ts";
import type { RunnerPool } from "./runner_pool.ts";
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

/**
 * Runs a step, or finds the layer an equal one made earlier.
 *
 * @returns undefined in a plan, when the step would have to run.
 * @throws {LayerwrightError} `RUN_FAILED` with the exit code; `RUNTIME_MISSING` where nothing can run a program.
 */
export async function executeRun(
  bench: Workbench,
  vertex: Vertex & { readonly op: RunOp },
  inputs: RunInputs,
  runners: RunnerPool,
): Promise<LayerRef | undefined> {
  const { cache } = vertex.op;
  const step = describeStep(bench, vertex.op, inputs);
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
      mountPreimage(mount, inputs.state, inputs.mounts)
    ),
  };
  const request = { vertex, preimage, terms: { buildArguments: buildArguments(inputs.state) } };
  if (bench.planning) return findLayer(bench, request);
  return await findOrMakeLayer(bench, {
    ...request,
    produce: (tarPath) => runStep(bench, vertex, inputs, step, runners, tarPath),
  });
}

/** Variables that are there because of an ARG, and not because of an ENV. */
function buildArguments({ args, config }: ImageState): ReadonlySet<string> {
  const lasting = new Set((config.config?.Env ?? []).map((one) => splitVariable(one).name));
  return new Set(args.map(({ name }) => name).filter((name) => !lasting.has(name)));
}

type Step = Pick<
  RunRequest,
  | ("args" | "environment" | "workingDirectory" | "user" | "network" | "security")
  | ("hosts" | "shmSizeBytes" | "ulimits" | "resources" | "timeoutMs")
>;

function describeStep(bench: Workbench, op: RunOp, { state }: RunInputs): Step {
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
    network: op.network,
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
  vertex: Vertex & { readonly op: RunOp },
  inputs: RunInputs,
  step: Step,
  runners: RunnerPool,
  tarPath: string,
): Promise<WrittenLayer> {
  const { op } = vertex;
  return await runners.use(async ({ session, snapshots }) => {
    const lowers = await snapshots.lowersOf(inputs.layers);
    const upperDirectory = snapshots.newPath();
    const output = {
      write: (stream: "stdout" | "stderr", bytes: Uint8Array): void =>
        bench.report({ type: "log", vertex: vertex.digest, stream, bytes, timeMs: Date.now() }),
    };
    const mounting = { op, state: inputs.state, inputs: inputs.mounts };
    const result = await withMounts(bench, mounting, snapshots, (mounts) =>
      session.run(
        {
          ...step,
          lowers,
          hostname: HOSTNAME,
          mounts,
          epochSeconds: bench.epochSeconds,
          layerPath: tarPath,
          upperDirectory,
        },
        output,
        bench.signal,
      ));
    for (const text of result.notes) bench.report({ type: "warning", vertex: vertex.digest, text });
    if (result.layer === undefined) throw stepFailed(step, result);
    const { diffId, sizeBytes } = result.layer;
    await snapshots.commit(upperDirectory, {
      chainId: chainId([...inputs.layers.map((layer) => layer.diffId), diffId]),
      sizeBytes,
    });
    return result.layer;
  });
}

function stepFailed(step: Step, { exitCode, timedOut }: RunResult): LayerwrightError {
  const command = step.args.join(" ");
  if (timedOut) {
    return new LayerwrightError(
      "RUN_FAILED",
      `Cannot run "${command}": still running after ${step.timeoutMs} ms`,
      {
        hint: "raise timeoutMs of this step, or find what it waits for in its output",
      },
    );
  }
  const meanings: Readonly<Record<number, string>> = {
    126: "the program is there but cannot be executed: check its mode and platform",
    127: "there is no such program in the image: check the name, PATH and the steps before",
    137: "it was killed by SIGKILL, as the kernel does when memory runs out",
  };
  return new LayerwrightError(
    "RUN_FAILED",
    `process "${command}" did not complete successfully: exit code: ${exitCode}`,
    { hint: meanings[exitCode] ?? "read the step's output above" },
  );
}
