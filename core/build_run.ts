/**
 * One attempt at one build: its workbench, its steps' names and outcomes.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import type { BuildOptions, BuiltStep, StepExplanation } from "./build_options.ts";
import { LayerwrightError, type SourceLocation } from "./errors.ts";
import { EXPORT_VERTEX } from "./export_image.ts";
import { ContextIndexes } from "./execute/context_indexes.ts";
import type { Executor } from "./execute/executor.ts";
import { type LayerSpace, plannedLayers, storeLayers, TreeCache } from "./execute/layer_space.ts";
import { RunnerPool } from "./execute/runner_pool.ts";
import { solveGraph } from "./execute/solver.ts";
import type { Source } from "./execute/source.ts";
import type { ImageResult } from "./execute/vertex_result.ts";
import type { Workbench } from "./execute/workbench.ts";
import type { Graph } from "./graph/graph.ts";
import type { VertexDigest } from "./graph/vertex.ts";
import { type Digest, sha256 } from "./oci/digest.ts";
import type { MissReason, ProgressEvent, ProgressReporter } from "./solve/progress.ts";
import { stepNames } from "./solve/step_names.ts";
import type { Store } from "./store/store.ts";
import type { ExportableImage } from "./transfer/exporter.ts";

/** What an attempt is made of. */
export interface BuildRunParts {
  readonly sources: ReadonlyMap<string, Source>;
  readonly executors: readonly Executor[];
  readonly store: Store;
  readonly graph: Graph;
  readonly options: BuildOptions;
  readonly reporter: ProgressReporter;
  readonly planning: boolean;
}

/** One attempt at a build or a plan; ends its steps and its lease when it is disposed. */
export class BuildRun implements AsyncDisposable {
  readonly bench: Workbench;
  readonly #parts: BuildRunParts;
  readonly #names: ReadonlyMap<VertexDigest, string>;
  readonly #abort = new AbortController();
  readonly #resources = new AsyncDisposableStack();
  readonly #outcomes = new Map<VertexDigest, "hit" | "run">();
  readonly #reasons = new Map<VertexDigest, MissReason>();

  constructor(parts: BuildRunParts) {
    this.#parts = parts;
    const { graph, options, planning, store } = parts;
    // Refused before anything is held that only a finished constructor lets go.
    const epochSeconds = epochOf(options);
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
    this.bench = {
      store,
      space,
      trees: new TreeCache(space),
      contextIndexes,
      epochSeconds,
      signal: options.signal === undefined
        ? this.#abort.signal
        : AbortSignal.any([this.#abort.signal, options.signal]),
      planning,
      usesCache: (vertex) => options.noCache !== true && !uncached.has(stageOf(vertex)),
      protect: ({ diffId, blob }) => {
        lease.add(diffId);
        if (blob !== undefined) lease.add(blob.digest);
      },
      locationOf: (vertex) => graph.metadata.get(vertex)?.at,
      identityOf: (vertex) => identities.get(vertex) ?? vertex,
      recipeOf: (vertex) => recipeScope(graph, vertex),
      report: (event) => this.report(event),
    };
  }

  /** Solves the graph for its first target. */
  async solveTarget(): Promise<ImageResult> {
    const { graph, sources, executors, options } = this.#parts;
    const target = graph.targets[0];
    if (target === undefined) {
      throw new LayerwrightError("GRAPH_INVALID", "Cannot build a graph without a target");
    }
    this.report({ type: "plan", vertices: this.#progressVertices() });
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
    if (event.type === "cached") this.#outcomes.set(event.vertex, "hit");
    if (event.type === "missed") {
      this.#outcomes.set(event.vertex, "run");
      this.#reasons.set(event.vertex, event.reason);
    }
    this.#parts.reporter.event(event);
  }

  /** One part of the last step is done. */
  reportExported(id: string): void {
    this.report({
      type: "status",
      vertex: EXPORT_VERTEX,
      id,
      current: 0,
      timeMs: Date.now(),
      done: true,
    });
  }

  /** Steps that made or found a layer. */
  builtSteps(): BuiltStep[] {
    return [...this.#names].flatMap(([vertex, name]) => {
      const outcome = this.#outcomes.get(vertex);
      return outcome === undefined ? [] : [{ vertex, name, outcome }];
    });
  }

  /** Steps that make layers, and what would become of them and why. */
  explainedSteps(): StepExplanation[] {
    const { graph } = this.#parts;
    return [...this.#names].flatMap(([vertex, name]) => {
      const type = graph.vertices.get(vertex)?.op.type;
      if (type === "source" || type === "context" || type === "merge") return [];
      const outcome = this.#outcomes.get(vertex) ?? "pending";
      const { text, difference } = this.#reasons.get(vertex) ??
        (outcome === "pending" ? PENDING : {});
      const at = graph.metadata.get(vertex)?.at;
      return [{
        vertex,
        name,
        outcome,
        ...(text === undefined ? {} : { reason: text }),
        ...(at === undefined ? {} : { at }),
        ...(difference === undefined ? {} : { difference }),
      }];
    });
  }

  imageIdOf(image: ExportableImage): Digest {
    return sha256(image.configBytes);
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

  #progressVertices(): {
    digest: VertexDigest;
    inputs: readonly VertexDigest[];
    name: string;
    at?: SourceLocation;
  }[] {
    const { graph, planning } = this.#parts;
    const vertices = [...this.#names].map(([digest, name]) => {
      const at = graph.metadata.get(digest)?.at;
      const inputs = graph.vertices.get(digest)?.inputs ?? [];
      return { digest, inputs, name, ...(at === undefined ? {} : { at }) };
    });
    return planning
      ? vertices
      : [...vertices, { digest: EXPORT_VERTEX, inputs: [], name: "exporting to image" }];
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

/** The last second that RFC 3339, which image configs have times in, can write: years have four digits. */
const LAST_SECOND = 253_402_300_799;

/** @throws {LayerwrightError} `OPTION_INVALID` for what is no number of seconds since 1970. */
function epochOf({ epochSeconds = epochOfEnvironment() }: BuildOptions): number {
  if (Number.isInteger(epochSeconds) && epochSeconds >= 0 && epochSeconds <= LAST_SECOND) {
    return epochSeconds;
  }
  throw new LayerwrightError(
    "OPTION_INVALID",
    `Cannot use ${epochSeconds} as the epoch: not whole seconds from 1970 to 9999`,
  );
}

/** @throws {LayerwrightError} `OPTION_INVALID` for what would start no step, ever. */
function concurrencyOf({ concurrency = availableParallelism() }: BuildOptions): number {
  if (Number.isInteger(concurrency) && concurrency > 0) return concurrency;
  throw new LayerwrightError(
    "OPTION_INVALID",
    `Cannot run ${concurrency} steps at once: not a whole number from 1`,
  );
}

/** @throws {LayerwrightError} `OPTION_INVALID` when `SOURCE_DATE_EPOCH` is no number of seconds. */
function epochOfEnvironment(): number {
  const text = process.env.SOURCE_DATE_EPOCH;
  if (text === undefined || text === "") return 0;
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw new LayerwrightError(
    "OPTION_INVALID",
    `Cannot use SOURCE_DATE_EPOCH ${JSON.stringify(text)}: not a number of seconds`,
    {
      hint: "set it to whole seconds since 1970, or unset it",
    },
  );
}
