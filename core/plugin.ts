/**
 * What a plugin is: a plain value that lists implementations of core's seams.
 *
 * @module
 */
import { LayerwrightError } from "./errors.ts";
import type { Executor } from "./execute/executor.ts";
import type { Store } from "./store/store.ts";
import type { Source } from "./execute/source.ts";
import type { ProgressReporter } from "./solve/progress.ts";
import type { Exporter } from "./transfer/exporter.ts";

/** Two streams to an engine on another machine. */
export interface StepConnection {
  /** Ends when the engine hangs up, or is gone. */
  readonly input: AsyncIterable<Uint8Array>;
  /** Resolves when there is room for more; rejects when nobody reads any more. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
  /** Privileges that steps may have here, whatever the other side allows: `security.insecure`. */
  readonly allow?: readonly string[];
}

/** What it takes to run steps for an engine on another machine. */
export interface WorkerSurroundings extends StepConnection {
  readonly executors: readonly Executor[];
  /** For temporary files and caches. */
  readonly store: Store;
}

/** Implementations of core's seams, under one name. Later plugins in a list win where only one can. */
export interface Plugin {
  readonly name: string;
  /** Where files come from, by the scheme of a source's identifier. */
  readonly sources?: readonly Source[];
  /** What can run a step, in order of preference; the first usable one is taken. */
  readonly executors?: readonly Executor[];
  /** Where an image can go, by `type` of an output. */
  readonly exporters?: readonly Exporter[];
  /** Runs steps for an engine on another machine, until it hangs up; then nothing of them is left. */
  readonly worker?: (surroundings: WorkerSurroundings) => Promise<void>;
  /**
   * Makes a reporter for a mode (`auto`, `plain`, `tty`, `rawjson`, `quiet`, `none`; undefined: what the environment
   * says, else `auto`), which writes to stderr.
   *
   * @throws {LayerwrightError} `OPTION_INVALID` for a mode it does not know.
   */
  readonly progress?: (mode: string | undefined) => ProgressReporter | Promise<ProgressReporter>;
}

/**
 * Checks and freezes a plugin.
 *
 * @throws {LayerwrightError} `PLUGIN_INVALID` for a name or a scheme that cannot be one.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { definePlugin } from "./plugin.ts";
 * assert.throws(() => definePlugin({ name: "" }), { code: "PLUGIN_INVALID" });
 * ```
 */
export function definePlugin(plugin: Plugin): Plugin {
  if (!/^[a-z][a-z0-9-]*$/.test(plugin.name)) {
    throw new LayerwrightError(
      "PLUGIN_INVALID",
      `Cannot define plugin ${JSON.stringify(plugin.name)}: not a name`,
      { hint: "use lower-case letters, digits and dashes, a letter first" },
    );
  }
  for (const source of plugin.sources ?? []) {
    if (!/^[a-z][a-z0-9+-]*$/.test(source.scheme)) {
      throw new LayerwrightError(
        "PLUGIN_INVALID",
        `Cannot define plugin "${plugin.name}": ${JSON.stringify(source.scheme)} is not a scheme`,
        { hint: 'name the scheme alone, as in "host-executable", without "://"' },
      );
    }
  }
  return Object.freeze({ ...plugin });
}
