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
    verify: async (target, options) => await (await load()).verify(target, options),
    builds: async () => await (await load()).builds(),
    steps: async (names) => await (await load()).steps(names),
    shell: async (options) => await (await load()).shell(options),
    probe: async (executor) => await (await load()).probe(executor),
    prune: async (options) => await (await load()).prune(options),
    removeStore: async () => await (await load()).removeStore(),
    serve: async (connection) => await (await load()).serve(connection),
    cacheMounts: async () => await (await load()).cacheMounts(),
    graph: async (target, options) => await (await load()).graph(target, options),
  };
}
