/**
 * What it takes to run a program where a step ran, as data that outlives the build.
 *
 * @module
 */
import * as v from "valibot";
import { resolvePath } from "../graph/effective_config.ts";
import { runOpSchema } from "../graph/graph_schema.ts";
import { type ImageState, initialState } from "../graph/image_state.ts";
import type { OpPlatform, RunOp } from "../graph/op.ts";
import { chainIds } from "../oci/chain_id.ts";
import type { ChainID } from "../oci/digest.ts";
import type { RecordedLayer } from "../store/build_record.ts";
import { describeStep, type RunInputs } from "./run.ts";
import { chainOf, type ImageResult, type LayerRef, stackBelow } from "./vertex_result.ts";
import type { Workbench } from "./workbench.ts";

/** A step that stands on its own. */
export interface StepState {
  /** The files it began with; null for none. */
  readonly base: ChainID | null;
  /** With the step's own layer, where it has one. */
  readonly result?: ChainID | null;
  /** All that was in force: absolute paths, the whole environment (no secrets), limits of the build. */
  readonly op: RunOp;
  /** The shell in force, as its program. */
  readonly shell: string;
  readonly platform: OpPlatform;
  readonly epochSeconds: number;
  /** The files that mounts show, by the number of the input. */
  readonly inputs: Readonly<Record<string, ChainID | null>>;
}

/** Takes stacks of layers apart, so that a record has each layer once. */
export class LayerTable {
  readonly layers: Record<string, RecordedLayer> = {};

  /** Adds a stack. @returns What it is called. */
  add(stack: readonly LayerRef[]): ChainID | null {
    const chain = chainOf(stack);
    const top = stack.at(-1);
    if (chain === null || top === undefined || Object.hasOwn(this.layers, chain)) return chain;
    const below = stackBelow(stack);
    if (below === undefined) this.#addAll(stack);
    else this.#addLayer(chain, this.add(below), top);
    return chain;
  }

  #addAll(stack: readonly LayerRef[]): void {
    const chains = chainIds(stack.map(({ diffId }) => diffId));
    for (const [index, layer] of stack.entries()) {
      const chain = chains[index];
      if (chain !== undefined) this.#addLayer(chain, chains[index - 1] ?? null, layer);
    }
  }

  #addLayer(chain: ChainID, below: ChainID | null, { diffId, sizeBytes }: LayerRef): void {
    this.layers[chain] = { below, diffId, sizeBytes };
  }
}

/** The layers of a stack, base layer first; undefined for one that the table does not have whole. */
export function stackOf(
  layers: Readonly<Record<string, RecordedLayer>>,
  chain: ChainID | null,
): LayerRef[] | undefined {
  const stack: LayerRef[] = [];
  // A table that was tampered with may go round in circles.
  const seen = new Set<ChainID>();
  for (let next = chain; next !== null;) {
    const layer = Object.hasOwn(layers, next) ? layers[next] : undefined;
    if (layer === undefined || seen.has(next)) return undefined;
    seen.add(next);
    stack.unshift({ diffId: layer.diffId, sizeBytes: layer.sizeBytes });
    next = layer.below;
  }
  return stack;
}

/** The state of a RUN step. */
export function runState(
  bench: Workbench,
  op: RunOp,
  { state, layers, mounts }: RunInputs,
  table: LayerTable,
): StepState {
  const { args, environment, workingDirectory, user, ...surroundings } = describeStep(bench, op, {
    state,
  });
  const { timeoutMs: _, ...rest } = surroundings;
  return {
    base: table.add(layers),
    op: {
      type: "run",
      command: { form: "exec", args },
      environment: Object.fromEntries(environment.map((one) => splitOnce(one))),
      workingDirectory,
      user,
      ...rest,
      mounts: op.mounts.map((mount) =>
        mount.target === undefined ? mount : { ...mount, target: resolvePath(state, mount.target) }
      ),
    },
    shell: state.config.config?.Shell?.[0] ?? "/bin/sh",
    platform: state.platform,
    epochSeconds: bench.epochSeconds,
    inputs: Object.fromEntries(
      [...mounts].map(([index, input]) => [String(index), table.add(input.layers)]),
    ),
  };
}

/** The state that a step of another kind leaves, or began with: what a RUN step in its place would run with. */
export function imageState(
  bench: Workbench,
  { state, layers }: ImageResult & { readonly layers: readonly LayerRef[] },
  table: LayerTable,
): StepState {
  const op: RunOp = {
    type: "run",
    command: { form: "exec", args: [] },
    mounts: [],
    network: "default",
    security: "sandbox",
    environment: {},
  };
  return runState(bench, op, { state, layers, mounts: new Map() }, table);
}

/** A step as a graph would have it whose image says nothing: all that was in force is in the op. */
export function bareState({ platform }: StepState): ImageState {
  return initialState(platform);
}

function splitOnce(variable: string): [string, string] {
  const equals = variable.indexOf("=");
  return [variable.slice(0, equals), variable.slice(equals + 1)];
}

const chain = v.nullable(
  v.pipe(
    v.string(),
    v.regex(/^sha(?:256|512):[0-9a-f]{64,128}$/),
    v.transform((text) => text as ChainID),
  ),
);

const stateSchema: v.GenericSchema<unknown, StepState> = v.object({
  base: chain,
  result: v.exactOptional(chain),
  op: runOpSchema,
  shell: v.string(),
  platform: v.object({
    os: v.string(),
    architecture: v.string(),
    variant: v.exactOptional(v.string()),
  }),
  epochSeconds: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  inputs: v.record(v.pipe(v.string(), v.regex(/^\d{1,6}$/)), chain),
});

/** Reads a state of a record; undefined for what is none. */
export function parseStepState(value: unknown): StepState | undefined {
  const { success, output } = v.safeParse(stateSchema, value);
  return success ? output : undefined;
}
