/**
 * Steps for an engine on another machine.
 *
 * @module
 */
import type { EngineParts } from "../build/engine_parts.ts";
import { LayerwrightError } from "../errors.ts";
import { executorsNamed } from "../execute/runner_pool.ts";
import type { Plugin, StepConnection } from "../plugin.ts";
import { openBuildStore } from "../store/store.ts";

/** Has a plugin serve a connection, with a place for its files. See {@link Engine.serve}. */
export async function serveSteps(
  parts: EngineParts,
  plugins: readonly Plugin[],
  connection: StepConnection,
): Promise<void> {
  const worker = plugins.findLast((plugin) => plugin.worker !== undefined)?.worker;
  if (worker === undefined) {
    throw new LayerwrightError("RUNTIME_MISSING", "Cannot run steps for others: no plugin does", {
      hint: "make the engine with the plugin that runs steps",
    });
  }
  using store = openBuildStore(parts);
  store.temp.removeAbandoned();
  const executors = executorsNamed(parts.executors);
  await worker({ ...connection, executors, store });
}
