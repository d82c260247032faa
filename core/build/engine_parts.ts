/**
 * What an engine hands to those who do its work: plain values.
 *
 * @module
 */
import type { ObservationsOptions } from "../context/observations.ts";
import type { Executor } from "../execute/executor.ts";
import type { Source } from "../execute/source.ts";
import type { Exporter } from "../transfer/exporter.ts";

/** What the plugins of an engine bring to a build, and where its store is. */
export interface EngineParts {
  readonly sources: readonly Source[];
  readonly executors: readonly Executor[];
  /** By the type of output; those of plugins alone. */
  readonly exporters: ReadonlyMap<string, Exporter>;
  /** The folder of the store. */
  readonly home: string;
  /** For tests, which cannot wait until files are old. */
  readonly observing?: Pick<ObservationsOptions, "settledNs"> | undefined;
}

/** Types of output that need no plugin: `build.ts` has their exporters. */
export type BuiltInExportType = "oci" | "docker" | "tar" | "local";
