/**
 * From a recipe to a graph.
 *
 * @module
 */
import { nearestName } from "../nearest_name.ts";
import { LayerwrightError } from "../errors.ts";
import type { Diagnostic } from "../graph/diagnostic.ts";
import type { Graph } from "../graph/graph.ts";
import type { ConfigChange, NameValue, OpPlatform } from "../graph/op.ts";
import { topologicalOrder } from "../graph/topological_order.ts";
import { validateGraph } from "../graph/validate.ts";
import type { VertexDigest } from "../graph/vertex.ts";
import { normalizePlatform } from "../oci/platform.ts";
import { type CompiledStep, GraphCompiler } from "./graph_compiler.ts";
import { GraphDraft } from "./graph_draft.ts";
import { lastStepOf } from "./image.ts";
import type { AnyImage } from "./image_builder.ts";

/** What a recipe is turned into a graph for. */
export interface ToGraphOptions {
  /** The platform of stages that name none. */
  readonly platform: OpPlatform;
  /** Values of build arguments; those that no `arg` declares mean nothing. */
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** The stage to build, or an image it uses, by name; absent: the image itself. */
  readonly target?: string;
  /** Labels set last, without an entry in history. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Annotations set last. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The name of a target whose image has none. */
const UNNAMED_TARGET = "default";

/**
 * Turns a recipe into a graph: equal steps become one vertex, stages that the target does not need are left
 * out, and steps without a `from` copy from the context `default`.
 *
 * @throws {LayerwrightError} `GRAPH_INVALID`, with a detail line for each thing that is wrong anywhere in the
 * recipe; `TARGET_UNKNOWN` when no stage has the name of the target; `RECIPE_INVALID` for what is no image.
 * @example Stages that nobody needs do not appear
 * ```ts
 * import assert from "node:assert/strict";
 * import { image } from "./image.ts";
 * import { toGraph } from "./to_graph.ts";
 * const app = image().from("golang:1.26").as("build").run("go test ./...").from("scratch").copy("app", "/app");
 * const graph = toGraph(app, { platform: { os: "linux", architecture: "amd64" } });
 * assert.deepEqual([...graph.vertices.values()].map(({ op }) => op.type), ["source", "context", "copy"]);
 * ```
 */
export function toGraph(image: AnyImage, options: ToGraphOptions): Graph {
  const { buildArgs = {}, target, labels = {}, annotations = {} } = options;
  const { os, architecture, variant } = normalizePlatform(options.platform);
  const draft = new GraphDraft();
  const platform = { os, architecture, ...(variant === undefined ? {} : { variant }) };
  const compiler = new GraphCompiler(draft, { platform, buildArgs });
  const end = compiler.compile(lastStepOf(image));
  const result = target === undefined ? end.vertex : findTarget(target, end, compiler.ends);
  const name = target ?? end.scope.imageName ?? UNNAMED_TARGET;
  if (result === undefined) {
    if (draft.problems.length > 0) throw invalidGraph(name, draft.problems);
    throw new LayerwrightError("RECIPE_INVALID", "Cannot build an image that has no base", {
      hint: 'start it with from("scratch") or from("debian:12")',
    });
  }
  let vertex = result;
  const changes: ConfigChange[] = [];
  if (Object.keys(labels).length > 0) {
    changes.push({ kind: "label", labels: sorted(labels), unrecorded: true });
  }
  if (Object.keys(annotations).length > 0) {
    changes.push({ kind: "annotation", annotations: sorted(annotations) });
  }
  for (const change of changes) {
    vertex = draft.add({ type: "config", change }, [vertex], {}) ?? vertex;
  }

  const { vertices, metadata, contexts } = draft;
  const graph: Graph = { vertices, metadata, contexts, targets: [{ name, vertex }] };
  const problems = [...draft.problems, ...validateGraph(graph)];
  if (problems.length > 0) throw invalidGraph(name, problems);
  return reachablePart(graph);
}

// The same labels give the same digest, whatever the order of the options.
function sorted(record: Readonly<Record<string, string>>): NameValue[] {
  return Object.entries(record).map(([name, value]) => ({ name, value })).sort((a, b) =>
    a.name < b.name ? -1 : 1
  );
}

/** A stage of the image's own chain, else a stage of an image that it uses. */
function findTarget(
  target: string,
  end: CompiledStep,
  ends: readonly CompiledStep[],
): VertexDigest {
  const own = namedVertices(end);
  const found = new Set(own.filter(([name]) => name === target).map(([, vertex]) => vertex));
  const others = ends.flatMap(namedVertices);
  if (found.size === 0) {
    for (const [name, vertex] of others) if (name === target) found.add(vertex);
  }
  const [vertex] = found;
  if (vertex !== undefined && found.size === 1) return vertex;
  const names = [...new Set([...own, ...others].map(([name]) => name))];
  const nearest = nearestName(target, names);
  const state = found.size > 1
    ? `${found.size} different stages have that name`
    : "no stage has that name";
  throw new LayerwrightError(
    "TARGET_UNKNOWN",
    `Cannot build target ${JSON.stringify(target)}: ${state}`,
    {
      details: names.length === 0
        ? []
        : [`stages are ${names.map((name) => `"${name}"`).join(", ")}`],
      hint: nearest === undefined || found.size > 1
        ? "name the stage with as()"
        : `build "${nearest}"`,
    },
  );
}

/** The names at the end of a chain and what they mean: its stages, its own name. */
function namedVertices({ vertex, scope }: CompiledStep): [name: string, vertex: VertexDigest][] {
  const named: [string, VertexDigest][] = [];
  for (let stage = scope.stages; stage !== undefined; stage = stage.next) {
    named.push([stage.name, stage.vertex]);
  }
  if (vertex === undefined) return named;
  if (scope.stageName !== undefined) named.push([scope.stageName, vertex]);
  if (scope.imageName !== undefined) named.push([scope.imageName, vertex]);
  return named;
}

/** The error that lists all that is wrong with what a target is built from. */
export function invalidGraph(name: string, problems: readonly Diagnostic[]): LayerwrightError {
  const count = problems.length === 1 ? "an error" : `${problems.length} errors`;
  return new LayerwrightError("GRAPH_INVALID", `Cannot build "${name}": its recipe has ${count}`, {
    at: problems.find(({ at }) => at !== undefined)?.at,
    details: problems.map(({ at, message }) =>
      at === undefined ? message : `${at.file}:${at.line}  ${message}`
    ),
  });
}

function reachablePart(graph: Graph): Graph {
  const roots = graph.targets.map(({ vertex }) => vertex);
  const needed = new Set(topologicalOrder(roots, (vertex) => graph.vertices.get(vertex)?.inputs));
  const vertices = new Map([...graph.vertices].filter(([digest]) => needed.has(digest)));
  const names = new Set(
    [...vertices.values()].flatMap(({ op }) => op.type === "context" ? [op.name] : []),
  );
  return {
    vertices,
    targets: graph.targets,
    metadata: new Map([...graph.metadata].filter(([digest]) => needed.has(digest))),
    contexts: new Map([...graph.contexts].filter(([name]) => names.has(name))),
  };
}
