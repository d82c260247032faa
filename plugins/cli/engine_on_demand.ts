/**
 * An engine that is loaded when a verb first uses it.
 *
 * @module
 */
import type { CliEngine } from "./command.ts";

/** Puts off loading an engine: help and versions need none. */
export function engineOnDemand(load: () => Promise<CliEngine>): CliEngine {
  return {
    build: async (target, options) => await (await load()).build(target, options),
    plan: async (target, options) => await (await load()).plan(target, options),
    explain: async (target, options) => await (await load()).explain(target, options),
    graph: async (target, options) => await (await load()).graph(target, options),
  };
}
