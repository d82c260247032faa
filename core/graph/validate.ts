/**
 * Everything that can be said against a graph before anything is looked up or run.
 *
 * @module
 */
import type { SourceLocation } from "../errors.ts";
import type { Diagnostic, DiagnosticCode } from "./diagnostic.ts";
import type { Graph } from "./graph.ts";
import type { Op, RunOp } from "./op.ts";
import { opProblems } from "./validate_op.ts";
import type { Vertex, VertexDigest } from "./vertex.ts";

export type { Diagnostic, DiagnosticCode } from "./diagnostic.ts";

/**
 * Lists all that is wrong with a graph, in the order of its vertices; empty for a graph that can be built
 * as far as can be told without looking outside.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { image } from "../dsl/image.ts";
 * import { toGraph } from "../dsl/to_graph.ts";
 * import { validateGraph } from "./validate.ts";
 * const graph = toGraph(image().from("scratch").cmd(["/app"]), { platform: { os: "linux", architecture: "amd64" } });
 * assert.deepEqual(validateGraph(graph), []);
 * ```
 */
export function validateGraph(graph: Graph): Diagnostic[] {
  const found: Diagnostic[] = [];
  const seen = new Set<VertexDigest>();
  const report = (code: DiagnosticCode, message: string, at: SourceLocation | undefined): void => {
    found.push({ code, message, ...(at === undefined ? {} : { at }) });
  };
  for (const [digest, vertex] of graph.vertices) {
    const at = graph.metadata.get(digest)?.at;
    for (const input of vertex.inputs) {
      if (seen.has(input)) continue;
      const state = graph.vertices.has(input) ? "comes after it" : "does not exist";
      report(
        "INPUT_INVALID",
        `Cannot use ${input} as an input of a ${vertex.op.type}: it ${state}`,
        at,
      );
    }
    seen.add(digest);
    for (const message of inputProblems(vertex, graph)) report("INPUT_INVALID", message, at);
    for (const { code, message } of opProblems(vertex.op)) report(code, message, at);
    if (vertex.op.type === "context" && !graph.contexts.has(vertex.op.name)) {
      report(
        "CONTEXT_INVALID",
        `Cannot find build context "${vertex.op.name}": the graph does not say where it is`,
        at,
      );
    }
  }
  if (graph.targets.length === 0) {
    report("TARGET_INVALID", "Cannot build the graph: it has no target", undefined);
  }
  const names = new Set<string>();
  for (const { name, vertex } of graph.targets) {
    const target = graph.vertices.get(vertex);
    if (target === undefined) {
      report(
        "TARGET_INVALID",
        `Cannot build target "${name}": vertex ${vertex} does not exist`,
        undefined,
      );
    } else if (target.op.type === "context") {
      report(
        "TARGET_INVALID",
        `Cannot build target "${name}": it is a build context, not an image`,
        undefined,
      );
    }
    if (names.has(name)) {
      report(
        "TARGET_INVALID",
        `Cannot build target "${name}": there are two of this name`,
        undefined,
      );
    }
    names.add(name);
  }
  return found;
}

function inputProblems(vertex: Vertex, graph: Graph): string[] {
  const { op, inputs } = vertex;
  const [least, most] = inputCount(op);
  if (inputs.length < least || inputs.length > most) {
    const wanted = least === most
      ? `${least}`
      : most === Infinity
      ? `at least ${least}`
      : `${least} to ${most}`;
    return [`Cannot work on a ${op.type}: it has ${inputs.length} inputs, not ${wanted}`];
  }
  const problems: string[] = [];
  inputs.forEach((input, index) => {
    // Only what is copied from or mounted may be files that are no image yet.
    const mayBeContext = index > 0 && (op.type === "copy" || op.type === "run");
    if (!mayBeContext && graph.vertices.get(input)?.op.type === "context") {
      problems.push(
        `Cannot use a build context as input ${index} of a ${op.type}: it is not an image`,
      );
    }
  });
  if (op.type === "run") problems.push(...unusedInputs(op, inputs.length));
  return problems;
}

function inputCount(op: Op): [least: number, most: number] {
  switch (op.type) {
    case "source":
    case "context":
      return [0, 0];
    case "copy":
      return op.sources.length > 0 ? [2, 2] : [1, 1];
    case "file":
    case "config":
      return [1, 1];
    case "diff":
      return [2, 2];
    case "run":
    case "merge":
      return [1, Infinity];
  }
}

function unusedInputs(op: RunOp, count: number): string[] {
  const used = new Set(
    op.mounts.flatMap((mount) =>
      "input" in mount && mount.input !== undefined ? [mount.input] : []
    ),
  );
  const problems: string[] = [];
  for (const input of used) {
    if (!Number.isInteger(input) || input < 1 || input >= count) {
      problems.push(
        `Cannot mount input ${input} of a run: it has inputs 1 to ${count - 1} to mount`,
      );
    }
  }
  for (let input = 1; input < count; input++) {
    if (!used.has(input)) problems.push(`Cannot work on a run: no mount uses its input ${input}`);
  }
  return problems;
}
