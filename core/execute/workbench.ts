/**
 * What every operation of one build works with.
 *
 * @module
 */
import type { Observations } from "../context/observations.ts";
import { LayerwrightError } from "../errors.ts";
import type { SourceLocation } from "../errors.ts";
import type { Vertex, VertexDigest } from "../graph/vertex.ts";
import type { WrittenLayer } from "../layer/write_layer.ts";
import { type CacheKey, cacheKey, type KeyPreimage, preimageJson } from "../solve/cache_key.ts";
import type { RecipeTerms } from "../solve/explain.ts";
import type { ProgressEvent } from "../solve/progress.ts";
import type { Store } from "../store/store.ts";
import { staleness } from "./cache_policy.ts";
import type { ContextIndexes } from "./context_indexes.ts";
import type { LayerSpace, TreeCache } from "./layer_space.ts";
import { missReason } from "./miss_reason.ts";
import type { Secrets } from "./secrets.ts";
import type { SshAgents } from "./ssh_agents.ts";
import type { StepOptions } from "./step_options.ts";
import type { StepRecorder } from "./step_recorder.ts";
import type { LayerRef } from "./vertex_result.ts";

/** One build's surroundings. */
export interface Workbench {
  readonly store: Store;
  readonly space: LayerSpace;
  readonly trees: TreeCache;
  readonly contextIndexes: ContextIndexes;
  /** Is told of all that is read outside of the store. */
  readonly observations: Observations;
  readonly epochSeconds: number;
  /** What steps get beside what the recipe says. */
  readonly steps: StepOptions;
  /** Of {@link steps}, as mounts want them. */
  readonly secrets: Secrets;
  readonly agents: SshAgents;
  readonly signal: AbortSignal;
  /** A plan: nothing is stored, nothing is run. */
  readonly planning: boolean;
  /** The encoder that the image leaves with when the build is done, if it does. */
  readonly leavesAs?: string;
  /** False for a vertex whose earlier results must not be used. */
  usesCache(vertex: VertexDigest): boolean;
  /** Keeps a layer from garbage collection until the build ends. */
  protect(layer: LayerRef): void;
  /** The user's line of a vertex. */
  locationOf(vertex: VertexDigest): SourceLocation | undefined;
  /** What the record of an earlier result is found by when its key is not: the step's place in the recipe. */
  identityOf(vertex: VertexDigest): string;
  /** What the identities of all steps of the same recipe begin with. */
  recipeOf(vertex: VertexDigest): string;
  report(event: ProgressEvent): void;
  /** Keeps a record of the build, where one is to be kept. */
  readonly recorder?: StepRecorder;
}

/** A layer to be found, or else made. */
export interface LayerRequest {
  readonly vertex: Vertex;
  readonly preimage: KeyPreimage;
  /** Progress was told already that the step has started. */
  readonly hasStarted?: boolean;
  /** The recipe's words for what is in the preimage, should it have to be explained. */
  readonly terms?: RecipeTerms;
  /** Makes the tar; runs at most once for a key, whatever other builds and processes do. */
  produce(tarPath: string): WrittenLayer | Promise<WrittenLayer>;
}

/** The layer stored under a key, if it is still there and may be used. */
function storedLayer(bench: Workbench, vertex: Vertex, key: CacheKey): LayerRef | undefined {
  if (!bench.usesCache(vertex.digest)) return undefined;
  const record = bench.store.cache.get(key);
  if (record === undefined || staleness(vertex.op, record.createdMs) !== undefined) {
    return undefined;
  }
  const result = record.result as LayerRef;
  // Before it is looked for: what is found then cannot be collected any more.
  bench.protect(result);
  return bench.space.has(result) ? result : undefined;
}

/** Finds the layer of a preimage, and says in progress whether it is there or why not. */
export function findLayer(
  bench: Workbench,
  { vertex, preimage, terms = {} }: Omit<LayerRequest, "produce">,
): LayerRef | undefined {
  const found = storedLayer(bench, vertex, cacheKey(preimage));
  const { digest } = vertex;
  if (found !== undefined) bench.report({ type: "cached", vertex: digest, timeMs: Date.now() });
  else {
    const reason = missReason(bench, vertex, preimage, terms);
    bench.report({ type: "missed", vertex: digest, reason });
  }
  return found;
}

/**
 * Finds the layer of a preimage or makes it.
 *
 * @throws {LayerwrightError} `BUILD_CANCELLED`, or what `produce` throws.
 */
export async function findOrMakeLayer(bench: Workbench, request: LayerRequest): Promise<LayerRef> {
  const { vertex, preimage, hasStarted = false } = request;
  const found = findLayer(bench, request);
  if (found !== undefined) return found;
  if (!hasStarted) bench.report({ type: "started", vertex: vertex.digest, timeMs: Date.now() });
  const layer = await makeLayer(bench, cacheKey(preimage), request);
  bench.report({ type: "completed", vertex: vertex.digest, timeMs: Date.now() });
  return layer;
}

/** {@link findOrMakeLayer} without a word to progress: for what a step needs besides its own layer. */
export async function makeLayer(
  bench: Workbench,
  key: CacheKey,
  request: LayerRequest,
): Promise<LayerRef> {
  const { vertex, preimage, produce } = request;
  const make = async (): Promise<LayerRef> => {
    // Another process may have made it while this one waited for the lock.
    const made = storedLayer(bench, vertex, key);
    if (made !== undefined) return made;
    checkNotCancelled(bench.signal);
    const tarPath = bench.space.temporaryPath();
    const layer = await bench.space.keep(tarPath, await produce(tarPath));
    bench.protect(layer);
    rememberLayer(bench, vertex, preimage, layer);
    return layer;
  };
  return bench.planning ? await make() : await bench.store.withLock(key, bench.signal, make);
}

/**
 * The layer under a second, quicker key of a step, if there is one; a miss is no miss of the step and is not reported.
 * See {@link rememberLayer}.
 */
export function recallLayer(
  bench: Workbench,
  vertex: Vertex,
  preimage: KeyPreimage,
): LayerRef | undefined {
  const found = storedLayer(bench, vertex, cacheKey(preimage));
  if (found !== undefined) {
    bench.report({ type: "cached", vertex: vertex.digest, timeMs: Date.now() });
  }
  return found;
}

/** Records which layer a preimage led to; a plan records nothing. */
export function rememberLayer(
  bench: Workbench,
  vertex: Vertex,
  preimage: KeyPreimage,
  layer: LayerRef,
): void {
  if (bench.planning) return;
  bench.store.cache.put({
    key: cacheKey(preimage),
    kind: preimage.kind,
    compat: preimage.compat,
    identity: bench.identityOf(vertex.digest),
    preimageJson: preimageJson(preimage),
    result: { ...layer },
  });
}

/** @throws {LayerwrightError} `BUILD_CANCELLED` once the signal has fired. */
export function checkNotCancelled(signal: AbortSignal): void {
  if (signal.aborted) {
    throw new LayerwrightError("BUILD_CANCELLED", "Cannot go on: the build was cancelled", {
      cause: signal.reason,
    });
  }
}
