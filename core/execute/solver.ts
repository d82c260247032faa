/**
 * Works through a graph: independent vertices at once, each once.
 *
 * Over 300 lines: the one place that knows every kind of operation, so that nothing else has to.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import { treeSource } from "../context/tree_source.ts";
import { applyConfigChange } from "../graph/effective_config.ts";
import type { Graph } from "../graph/graph.ts";
import { historyEntry } from "../graph/history.ts";
import { type ImageState, initialState, stateFromImage } from "../graph/image_state.ts";
import { type Op, SCRATCH, type SourceOp } from "../graph/op.ts";
import type { Vertex, VertexDigest } from "../graph/vertex.ts";
import { stackTrees } from "../layer/tree.ts";
import { parseImageConfig } from "../oci/image_config.ts";
import { openGraphContext } from "./context.ts";
import { executeCopy } from "./copy.ts";
import { executeDiff } from "./diff.ts";
import { executeFile } from "./file.ts";
import { packFiles } from "./pack.ts";
import type { MountInput } from "./mount_preimage.ts";
import { executeRun, type RanStep } from "./run.ts";
import type { RunnerPool } from "./runner_pool.ts";
import { type Source, splitIdentifier } from "./source.ts";
import {
  type FilesResult,
  type ImageResult,
  type LayerRef,
  stackOn,
  type VertexResult,
} from "./vertex_result.ts";
import { checkNotCancelled, type Workbench } from "./workbench.ts";

/** What a graph is solved with. */
export interface SolverOptions {
  readonly graph: Graph;
  readonly bench: Workbench;
  readonly sources: ReadonlyMap<string, Source>;
  readonly runners: RunnerPool;
  /** The folder that relative context paths begin at. */
  readonly contextDirectory: string;
  /** Called at the first failure, to end the steps that are still running. */
  cancel(reason: unknown): void;
  /** Is told of each RUN step that has a layer. */
  ran?(step: RanStep): void;
}

type VertexOf<T extends Op["type"]> = Vertex & { readonly op: Extract<Op, { type: T }> };

/**
 * Solves every vertex of a graph.
 *
 * @returns The results by vertex. In a plan, image results whose layers nobody can tell have none.
 * @throws {LayerwrightError} The first failure, with the user's line; all other steps have ended by then.
 */
export async function solveGraph(options: SolverOptions): Promise<Map<VertexDigest, VertexResult>> {
  const { graph, bench } = options;
  const solver = new Solver(options);
  const pending = new Map<VertexDigest, Promise<VertexResult>>();
  let failure: unknown;
  for (const vertex of graph.vertices.values()) {
    // Inputs come first in the order of a graph, so their promises exist.
    const inputs = vertex.inputs.map((input) => pending.get(input));
    pending.set(
      vertex.digest,
      (async (): Promise<VertexResult> => {
        const results = (await Promise.all(inputs)).filter((result) => result !== undefined);
        try {
          checkNotCancelled(bench.signal);
          bench.recorder?.reached(vertex, results);
          const result = await solver.solve(vertex, results);
          bench.recorder?.made(vertex.digest, result);
          return result;
        } catch (thrown) {
          const error = located(thrown, bench, vertex);
          const cancelled = error instanceof LayerwrightError && error.code === "BUILD_CANCELLED";
          const message = error instanceof Error ? error.message : String(error);
          bench.report({
            type: "failed",
            vertex: vertex.digest,
            timeMs: Date.now(),
            error: message,
            cancelled,
          });
          if (failure === undefined) {
            failure = error;
            options.cancel(error);
          }
          throw error;
        }
      })(),
    );
  }
  const settled = await Promise.allSettled(pending.values());
  if (settled.some(({ status }) => status === "rejected")) throw failure;
  const results = new Map<VertexDigest, VertexResult>();
  for (const [digest, promise] of pending) results.set(digest, await promise);
  return results;
}

function located(error: unknown, bench: Workbench, vertex: Vertex): unknown {
  return error instanceof LayerwrightError ? error.located(bench.locationOf(vertex.digest)) : error;
}

class Solver {
  readonly #options: SolverOptions;
  readonly #bench: Workbench;

  constructor(options: SolverOptions) {
    this.#options = options;
    this.#bench = options.bench;
  }

  async solve(vertex: Vertex, inputs: readonly VertexResult[]): Promise<VertexResult> {
    const { op } = vertex;
    switch (op.type) {
      case "source":
        return await this.#targetImage(
          vertex,
          await this.#source(vertex as VertexOf<"source">, op),
        );
      case "context": {
        const { graph, contextDirectory } = this.#options;
        const { contextIndexes: indexes, observations, store } = this.#bench;
        const tree = openGraphContext(op, {
          graph,
          contextDirectory,
          indexes,
          observations,
          storeHome: store.home,
        });
        return { kind: "files", tree };
      }
      case "config": {
        const { state, layers } = await this.#imageOf(vertex, inputs[0]);
        return {
          kind: "image",
          state: applyConfigChange(withHistory(state, op), op.change),
          layers,
        };
      }
      case "copy": {
        const base = await this.#imageOf(vertex, inputs[0]);
        const layer = await this.#copy(vertex as VertexOf<"copy">, base, inputs[1]);
        return added(base, op, layer);
      }
      case "file": {
        const base = await this.#imageOf(vertex, inputs[0]);
        const layer = base.layers === undefined
          ? undefined
          : await executeFile(this.#bench, vertex as VertexOf<"file">, base.state, base.layers);
        return added(base, op, layer);
      }
      case "run": {
        const base = await this.#imageOf(vertex, inputs[0]);
        return added(base, op, await this.#run(vertex as VertexOf<"run">, base, inputs));
      }
      case "merge":
        return merged(await this.#imagesOf(vertex, inputs));
      case "diff": {
        const [lower, upper] = await this.#imagesOf(vertex, inputs);
        if (lower === undefined || upper === undefined) throw missingInput(vertex);
        const layer = lower.layers === undefined || upper.layers === undefined
          ? undefined
          : await executeDiff(this.#bench, vertex as VertexOf<"diff">, lower.layers, upper.layers);
        return {
          ...flattened(lower.state, upper),
          layers: layer === undefined ? undefined : [layer],
        };
      }
    }
  }

  async #source(vertex: VertexOf<"source">, op: SourceOp): Promise<VertexResult> {
    if (op.identifier === SCRATCH) {
      return { kind: "image", state: initialState(op.platform), layers: [] };
    }
    const scheme = splitIdentifier(op.identifier)?.scheme ?? "";
    const source = this.#options.sources.get(scheme);
    if (source === undefined) {
      throw new LayerwrightError(
        "SOURCE_UNSUPPORTED",
        `Cannot load "${op.identifier}": no plugin knows "${scheme}://"`,
        {
          details: [
            `known are ${
              [...this.#options.sources.keys()].sort().map((name) => `${name}://`).join(", ")
            }`,
          ],
          hint: "correct the scheme, or add the plugin that provides it",
        },
      );
    }
    const { bench } = this.#options;
    bench.report({ type: "started", vertex: vertex.digest, timeMs: Date.now() });
    const found = await source.resolve(op, {
      signal: bench.signal,
      store: bench.store,
      contextDirectory: this.#options.contextDirectory,
      observations: bench.observations,
      log: (line) => {
        const bytes = new TextEncoder().encode(`${line}\n`);
        const timeMs = Date.now();
        bench.report({ type: "log", vertex: vertex.digest, stream: "stderr", bytes, timeMs });
      },
      warn: (text) => bench.report({ type: "warning", vertex: vertex.digest, text }),
    });
    if (found.observed !== true) {
      bench.observations.obstruct(`"${op.identifier}" does not say what it depends on`);
    }
    bench.report({ type: "completed", vertex: vertex.digest, timeMs: Date.now() });
    if (found.kind === "tree") {
      const tree = treeSource(stackTrees([found.entries]), `"${op.identifier}"`);
      return { kind: "files", tree, platform: op.platform };
    }
    for (const layer of found.layers) bench.protect(layer);
    const state = stateFromImage(parseImageConfig(found.config), op.platform);
    if (state.triggers.length > 0) {
      const text = `"${op.identifier}" has ONBUILD instructions, which only a Dockerfile runs: ${
        state.triggers.join("; ")
      }`;
      bench.report({ type: "warning", vertex: vertex.digest, text });
    }
    return { kind: "image", state, layers: found.layers };
  }

  async #copy(
    vertex: VertexOf<"copy">,
    base: ImageResult,
    source: VertexResult | undefined,
  ): Promise<LayerRef | undefined> {
    if (base.layers === undefined) return undefined;
    if (source?.kind === "image" && source.layers === undefined) return undefined;
    const description = this.#describe(vertex.inputs[1]);
    const from = source?.kind === "image"
      ? {
        sourceLayers: source.layers ?? [],
        source: () => this.#bench.trees.sourceOf(source.layers ?? [], description),
      }
      : { sourceLayers: undefined, source: () => source?.tree };
    const { state, layers } = base;
    return await executeCopy(this.#bench, vertex, { state, layers, ...from });
  }

  async #run(
    vertex: VertexOf<"run">,
    base: ImageResult,
    inputs: readonly VertexResult[],
  ): Promise<LayerRef | undefined> {
    const mounts = new Map<number, MountInput>();
    for (const [index, input] of inputs.entries()) {
      if (index === 0) continue;
      const { layers } = await this.#imageOf(vertex, input);
      if (layers === undefined) return undefined;
      mounts.set(index, { layers });
    }
    if (base.layers === undefined) return undefined;
    const { state, layers } = base;
    const ready = { state, layers, mounts };
    const layer = await executeRun(this.#bench, vertex, ready, this.#options.runners);
    if (layer !== undefined) this.#options.ran?.({ vertex, inputs: ready, layer });
    return layer;
  }

  /** Files that are a target themselves are wanted as an image. */
  async #targetImage(vertex: Vertex, result: VertexResult): Promise<VertexResult> {
    const isTarget = this.#options.graph.targets.some((target) => target.vertex === vertex.digest);
    return isTarget ? await this.#imageOf(vertex, result) : result;
  }

  /** Any input as an image: files that are no layer yet are packed as one. */
  async #imageOf(vertex: Vertex, input: VertexResult | undefined): Promise<ImageResult> {
    if (input === undefined) throw missingInput(vertex);
    if (input.kind === "image") return input;
    return await this.#pack(vertex, input);
  }

  async #imagesOf(vertex: Vertex, inputs: readonly VertexResult[]): Promise<ImageResult[]> {
    const images: ImageResult[] = [];
    for (const input of inputs) images.push(await this.#imageOf(vertex, input));
    return images;
  }

  async #pack(vertex: Vertex, files: FilesResult): Promise<ImageResult> {
    const layer = await packFiles(this.#bench, vertex, files.tree);
    const platform = files.platform ?? this.#platformOf();
    const state = initialState(platform);
    const history = [{
      created_by: `FROM ${files.tree.description}`,
      comment: "buildkit.exporter.image.v0",
    }];
    return { kind: "image", state: { ...state, history }, layers: [layer] };
  }

  #platformOf(): SourceOp["platform"] {
    for (const { op } of this.#options.graph.vertices.values()) {
      if (op.type === "source") return op.platform;
    }
    throw new LayerwrightError(
      "GRAPH_INVALID",
      "Cannot build a graph without a source: it has no platform",
    );
  }

  #describe(digest: VertexDigest | undefined): string {
    const stage = digest === undefined
      ? undefined
      : this.#options.graph.metadata.get(digest)?.stage;
    return stage === undefined || stage === "" ? "the stage it is copied from" : `stage "${stage}"`;
  }
}

function withHistory(state: ImageState, op: Op): ImageState {
  const entry = historyEntry(op, state);
  return entry === undefined ? state : { ...state, history: [...state.history, entry] };
}

/** The image after a step that adds a layer. */
function added(base: ImageResult, op: Op, layer: LayerRef | undefined): ImageResult {
  const layers = base.layers === undefined || layer === undefined
    ? undefined
    : stackOn(base.layers, layer);
  return { kind: "image", state: withHistory(base.state, op), layers };
}

/** Layers of all inputs in order; what the image says is taken from the last. */
function merged(images: readonly ImageResult[]): ImageResult {
  const last = images.at(-1);
  if (last === undefined) {
    throw new LayerwrightError("GRAPH_INVALID", "Cannot merge nothing: the op has no inputs");
  }
  const layers: LayerRef[] = [];
  for (const image of images) {
    if (image.layers === undefined) return { ...last, layers: undefined };
    layers.push(...image.layers);
  }
  const history = images.flatMap(({ state }) => state.history);
  return { kind: "image", state: { ...last.state, history }, layers };
}

/** What an image says whose own steps became one layer: they stay in its history, as steps without a layer. */
function flattened(lower: ImageState, upper: ImageResult): ImageResult {
  const own = upper.state.history.slice(lower.history.length);
  const history = own.map((entry) => ({ ...entry, empty_layer: true }));
  history.push({ created_by: "SQUASH", comment: "layerwright.v0", empty_layer: false });
  return { ...upper, state: { ...upper.state, history } };
}

function missingInput(vertex: Vertex): LayerwrightError {
  return new LayerwrightError(
    "GRAPH_INVALID",
    `Cannot work on vertex ${vertex.digest}: an input is missing`,
  );
}
