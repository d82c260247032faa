/**
 * Which vertices a result needs, and in which order.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";

/** Gives the inputs of a vertex; undefined for a vertex that does not exist. */
export type InputsOf<V> = (vertex: V) => readonly V[] | undefined;

/**
 * Lists all that some vertices need, and themselves: inputs before those who use them, ties in the order of
 * inputs. Vertices that do not exist are left out.
 *
 * @throws {LayerwrightError} `GRAPH_CYCLE`, naming the cycle, when a vertex needs itself.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { topologicalOrder } from "./topological_order.ts";
 * const inputs = new Map([["app", ["build", "base"]], ["build", ["base"]], ["base", []], ["unused", []]]);
 * assert.deepEqual(topologicalOrder(["app"], (name) => inputs.get(name)), ["base", "build", "app"]);
 * ```
 */
export function topologicalOrder<V extends string>(
  roots: readonly V[],
  inputsOf: InputsOf<V>,
): V[] {
  const order: V[] = [];
  const state = new Map<V, "open" | "done">();
  // Not recursive: a chain of steps may be longer than the stack is deep.
  const path: { readonly vertex: V; readonly inputs: readonly V[]; next: number }[] = [];
  const enter = (vertex: V): void => {
    const inputs = inputsOf(vertex);
    if (inputs === undefined || state.get(vertex) === "done") return;
    if (state.get(vertex) === "open") throw cycle([...path.map((frame) => frame.vertex), vertex]);
    state.set(vertex, "open");
    path.push({ vertex, inputs, next: 0 });
  };
  for (const root of roots) {
    enter(root);
    for (let frame = path.at(-1); frame !== undefined; frame = path.at(-1)) {
      const input = frame.inputs[frame.next++];
      if (input !== undefined) {
        enter(input);
        continue;
      }
      path.pop();
      state.set(frame.vertex, "done");
      order.push(frame.vertex);
    }
  }
  return order;
}

function cycle(path: readonly string[]): LayerwrightError {
  const last = path.at(-1) ?? "";
  const loop = path.slice(path.indexOf(last));
  return new LayerwrightError(
    "GRAPH_CYCLE",
    `Cannot order the graph: vertex ${last} needs itself`,
    {
      details: [loop.join(" → ")],
      hint: "remove one of these inputs",
    },
  );
}
