/**
 * One attempt at one build: its workbench, its steps' names and outcomes.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Observations, type ObservationsOptions } from "../context/observations.ts";
import { LayerwrightError, type SourceLocation } from "../errors.ts";
import { ContextIndexes } from "../execute/context_indexes.ts";
import type { Executor } from "../execute/executor.ts";
import { type LayerSpace, plannedLayers, storeLayers, TreeCache } from "../execute/layer_space.ts";
import type { RanStep } from "../execute/run.ts";
import { executorsNamed, RunnerPool } from "../execute/runner_pool.ts";
import { Secrets } from "../execute/secrets.ts";
import { solveGraph } from "../execute/solver.ts";
import type { Source } from "../execute/source.ts";
import { SshAgents } from "../execute/ssh_agents.ts";
import type { ImageResult } from "../execute/vertex_result.ts";
import type { Workbench } from "../execute/workbench.ts";
import type { Graph } from "../graph/graph.ts";
import type { VertexDigest } from "../graph/vertex.ts";
import { BuildRecorder } from "../records/build_recorder.ts";
import type { MissReason, ProgressEvent, ProgressReporter } from "../solve/progress.ts";
import { stepNames } from "../solve/step_names.ts";
import type { Store } from "../store/store.ts";
import type { BuildOptions, BuiltStep, StepExplanation } from "./build_options.ts";
import { epochOf, EXPORT_VERTEX, exported, progressVertices } from "./build_steps.ts";

/** What an attempt is made of. */
export interface BuildRunParts {
  readonly sources: ReadonlyMap<string, Source>;
  readonly executors: readonly Executor[];
  readonly store: Store;
  readonly graph: Graph;
  readonly options: BuildOptions;
  readonly reporter: ProgressReporter;
  readonly planning: boolean;
  /** See {@link Workbench.leavesAs}. */
  readonly leavesAs?: string | undefined;
  /** The store is to remember it, if it runs something or fails. */
  readonly isRecorded?: true;
  /** Is told of each RUN step that has a layer. */
  readonly ran?: (step: RanStep) => void;
  /** For tests, which cannot wait until files are old. */
  readonly observing?: Pick<ObservationsOptions, "settledNs"> | undefined;
}

/** One attempt at a build or a plan; ends its steps and its lease when it is disposed. */
export class BuildRun implements AsyncDisposable {
  readonly bench: Workbench;
  /** All that was read outside of the store. */
  readonly observations: Observations;
  /** Of a build that is recorded. */
  readonly recorder: BuildRecorder | undefined;
  readonly #parts: BuildRunParts;
  readonly #names: ReadonlyMap<VertexDigest, string>;
  readonly #abort = new AbortController();
  readonly #resources = new AsyncDisposableStack();
  readonly #outcomes = new Map<VertexDigest, "hit" | "run">();
  readonly #loaded = new Set<VertexDigest>();
  readonly #reasons = new Map<VertexDigest, MissReason>();

  constructor(parts: BuildRunParts) {
    this.#parts = parts;
    const { graph, options, planning, store, leavesAs } = parts;
    // Refused before anything is held that only a finished constructor lets go.
    const epochSeconds = epochOf(options);
    if (options.executor !== undefined) executorsNamed(parts.executors, options.executor);
    this.observations = new Observations({ nowMs: Date.now(), ...parts.observing });
    this.#names = stepNames(graph);
    const lease = this.#resources.use(store.leases.acquire());
    const space: LayerSpace = planning
      ? this.#resources.use(plannedLayers(store))
      : storeLayers(store);
    const contextIndexes = new ContextIndexes({
      store,
      paranoid: options.paranoid === true,
      warn: (text) => this.report({ type: "warning", text }),
    });
    // However the build ends: what was read need not be read again.
    if (!planning) this.#resources.defer(() => contextIndexes.save());
    const uncached = new Set(options.noCacheFilter ?? []);
    const stageOf = (vertex: VertexDigest): string => graph.metadata.get(vertex)?.stage ?? "";
    const identities = this.#identities();
    this.recorder = parts.isRecorded === true ? this.#newRecorder() : undefined;
    this.bench = {
      store,
      space,
      trees: new TreeCache(space),
      contextIndexes,
      observations: this.observations,
      epochSeconds,
      steps: options,
      secrets: new Secrets(options.secrets),
      agents: this.#resources.use(new SshAgents(options.ssh)),
      signal: options.signal === undefined
        ? this.#abort.signal
        : AbortSignal.any([this.#abort.signal, options.signal]),
      planning,
      ...(leavesAs === undefined ? {} : { leavesAs }),
      usesCache: (vertex) => options.noCache !== true && !uncached.has(stageOf(vertex)),
      protect: ({ diffId, blob }) => {
        lease.add(diffId);
        if (blob !== undefined) lease.add(blob.digest);
      },
      locationOf: (vertex) => graph.metadata.get(vertex)?.at,
      identityOf: (vertex) => identities.get(vertex) ?? vertex,
      recipeOf: (vertex) => recipeScope(graph, vertex),
      report: (event) => this.report(event),
      ...this.recorder === undefined ? {} : { recorder: this.recorder },
    };
  }

  #newRecorder(): BuildRecorder {
    const { graph, executors } = this.#parts;
    const steps = this.#layerSteps().map(([vertex, name]) => ({ vertex, name }));
    return new BuildRecorder({ graph, executors, steps, bench: () => this.bench });
  }

  /** Solves the graph for its first target. */
  async solveTarget(): Promise<ImageResult> {
    const { graph, sources, executors, options, planning, ran } = this.#parts;
    const target = graph.targets[0];
    if (target === undefined) {
      throw new LayerwrightError("GRAPH_INVALID", "Cannot build a graph without a target");
    }
    this.report({ type: "plan", vertices: progressVertices(graph, this.#names, planning) });
    const runners = this.#resources.use(
      new RunnerPool(this.bench, executors, concurrencyOf(options)),
    );
    const results = await solveGraph({
      graph,
      bench: this.bench,
      sources,
      runners,
      contextDirectory: options.contextDirectory ?? process.cwd(),
      cancel: (reason) => this.#abort.abort(reason),
      ...ran === undefined ? {} : { ran },
    });
    const result = results.get(target.vertex);
    if (result?.kind !== "image") {
      throw new LayerwrightError(
        "GRAPH_INVALID",
        `Cannot build target "${target.name}": it is no image`,
      );
    }
    return result;
  }

  report(event: ProgressEvent): void {
    // A later build has to say the same, whether it looks or not.
    if (event.type === "warning") this.observations.obstruct("there were warnings");
    if (event.type === "completed" && event.vertex !== EXPORT_VERTEX) {
      this.#loaded.add(event.vertex);
    }
    if (event.type === "cached") this.#outcomes.set(event.vertex, "hit");
    if (event.type === "missed") {
      this.#outcomes.set(event.vertex, "run");
      this.#reasons.set(event.vertex, event.reason);
    }
    this.recorder?.event(event);
    if (event.type === "failed") {
      const log = this.recorder?.logOf(event.vertex);
      this.#parts.reporter.event(log === undefined ? event : { ...event, log });
    } else this.#parts.reporter.event(event);
  }

  /** One part of the last step is done. */
  reportExported(id: string): void {
    this.report(exported(id));
  }

  /** Steps that made or found a layer. */
  builtSteps(): BuiltStep[] {
    return [...this.#names].flatMap(([vertex, name]) => {
      const outcome = this.#outcomes.get(vertex);
      return outcome === undefined ? [] : [{ vertex, name, outcome }];
    });
  }

  /** Steps that loaded something, and made nothing. */
  loadedSteps(): VertexDigest[] {
    return [...this.#loaded].filter((vertex) => !this.#outcomes.has(vertex));
  }

  /** Steps that make layers, and what would become of them and why. */
  explainedSteps(): StepExplanation[] {
    const { graph } = this.#parts;
    return this.#layerSteps().map(([vertex, name]) => {
      const outcome = this.#outcomes.get(vertex) ?? "pending";
      const { text, difference } = this.#reasons.get(vertex) ??
        (outcome === "pending" ? PENDING : {});
      const at = graph.metadata.get(vertex)?.at;
      return {
        vertex,
        name,
        outcome,
        ...(text === undefined ? {} : { reason: text }),
        ...(at === undefined ? {} : { at }),
        ...(difference === undefined ? {} : { difference }),
      };
    });
  }

  /** Steps that make layers, with their names. */
  #layerSteps(): [VertexDigest, string][] {
    return [...this.#names].filter(([vertex]) => {
      const type = this.#parts.graph.vertices.get(vertex)?.op.type;
      return type !== "source" && type !== "context" && type !== "merge";
    });
  }

  /** An error with the text of the user's line, which only now is worth a read. */
  explained(error: unknown): unknown {
    if (
      !(error instanceof LayerwrightError) || error.at === undefined || error.at.text !== undefined
    ) return error;
    const text = lineOf(error.at);
    if (text === undefined) return error;
    return new LayerwrightError(error.code, error.message, {
      at: { ...error.at, text },
      details: error.details,
      hint: error.hint,
      cause: error.cause,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  /** A step by the recipe it is in and its place there: what stays when its definition changes. */
  #identities(): Map<VertexDigest, string> {
    const { graph } = this.#parts;
    const places = new Map<string, number>();
    return new Map([...this.#names.keys()].map((digest) => {
      const { stage = "" } = graph.metadata.get(digest) ?? {};
      const type = graph.vertices.get(digest)?.op.type;
      const scope = `${recipeScope(graph, digest)}${stage}#${type}`;
      const place = (places.get(scope) ?? 0) + 1;
      places.set(scope, place);
      return [digest, `${scope}#${place}`];
    }));
  }
}

const PENDING: MissReason = { text: "depends on a step that has to run first" };

/** Steps of one file, whichever images and stages they are in. */
function recipeScope(graph: Graph, vertex: VertexDigest): string {
  return `${graph.metadata.get(vertex)?.at?.file ?? ""}#`;
}

function lineOf({ file, line }: SourceLocation): string | undefined {
  try {
    return readFileSync(file, "utf8").split("\n")[line - 1];
  } catch {
    // The recipe may be gone, or made by a tool in memory: the place alone says enough.
    return undefined;
  }
}

/** @throws {LayerwrightError} `OPTION_INVALID` for what would start no step, ever. */
function concurrencyOf({ concurrency = availableParallelism() }: BuildOptions): number {
  if (Number.isInteger(concurrency) && concurrency > 0) return concurrency;
  throw new LayerwrightError(
    "OPTION_INVALID",
    `Cannot run ${concurrency} steps at once: not a whole number from 1`,
  );
}
