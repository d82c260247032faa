/**
 * How steps are called, by progress (`[build 2/4] RUN bun build`) and by people.
 *
 * @module
 */
import type { Graph } from "../graph/graph.ts";
import { type Op, SCRATCH } from "../graph/op.ts";
import type { Vertex, VertexDigest } from "../graph/vertex.ts";

/**
 * Names every vertex that does work, in the order of the graph; config changes do none, and have no name.
 * As in BuildKit, a stage counts its base and each step that touches files: `[stage n/m]`.
 */
export function stepNames(graph: Graph): Map<VertexDigest, string> {
  const stages = new Map<string, Vertex[]>();
  const names = new Map<VertexDigest, string>();
  for (const vertex of graph.vertices.values()) {
    // Nothing is loaded for an image from scratch.
    if (
      vertex.op.type === "config" ||
      (vertex.op.type === "source" && vertex.op.identifier === SCRATCH)
    ) continue;
    if (vertex.op.type === "context") {
      const { name } = vertex.op;
      names.set(
        vertex.digest,
        `[internal] load build context${name === "default" ? "" : ` ${name}`}`,
      );
      continue;
    }
    const stage = graph.metadata.get(vertex.digest)?.stage ?? "";
    const steps = stages.get(stage);
    if (steps === undefined) stages.set(stage, [vertex]);
    else steps.push(vertex);
  }
  for (const [stage, steps] of stages) {
    steps.forEach((vertex, index) => {
      const label = graph.metadata.get(vertex.digest)?.label ?? labelOf(vertex.op);
      const place = `${index + 1}/${steps.length}`;
      names.set(vertex.digest, `[${stage === "" ? place : `${stage} ${place}`}] ${oneLine(label)}`);
    });
  }
  return new Map([...graph.vertices.keys()].flatMap((digest) => {
    const name = names.get(digest);
    return name === undefined ? [] : [[digest, name]];
  }));
}

/** The steps that somebody may mean: the one of that number, or those with this in their name, whatever the case. */
export function stepsMeant<Step extends { readonly number: number; readonly name: string }>(
  steps: readonly Step[],
  wanted: string,
): Step[] {
  if (/^\d+$/.test(wanted)) return steps.filter(({ number }) => number === Number(wanted));
  const part = wanted.toLowerCase();
  return steps.filter(({ name }) => name.toLowerCase().includes(part));
}

function labelOf(op: Op): string {
  switch (op.type) {
    case "source":
      return `FROM ${op.identifier.replace(/^docker-image:\/\//, "")}`;
    case "copy":
      return `${op.instruction} ${
        [...op.sources, ...op.inline.map(({ name }) => `<<${name}`)].join(" ")
      } ${op.destination}`;
    case "run":
      return `RUN ${
        op.command.form === "shell" ? op.command.script : JSON.stringify(op.command.args)
      }`;
    case "file":
      return op.actions.map((action) => `${action.kind} ${action.path}`).join(", ");
    default:
      return op.type;
  }
}

/** A script of many lines is one line in a display. */
function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, " ");
}
