/**
 * What an engine does besides building: it says what it can do, frees disk space, and works for others.
 *
 * @module
 */
import type { StepConnection } from "../plugin.ts";
import type { CacheMounts } from "./cache_mounts_seam.ts";
import type { EngineProbe } from "./engine_probe.ts";
import type { PruneOptions, PruneResult, RemovedStore } from "./prune.ts";

export { cacheMountsOf } from "./cache_mounts.ts";
export { probeEngine } from "./engine_probe.ts";
export { pruneStore, removeStore } from "./prune.ts";
export { serveSteps } from "./serve.ts";

/** This part of an engine. */
export interface EngineUpkeep {
  /** The cache mounts that builds left in the store. */
  cacheMounts(): Promise<CacheMounts>;
  /**
   * Says what can run steps here, what is missing, and how to get it. Changes nothing.
   *
   * @param executor The only one to ask; unless given, what `LAYERWRIGHT_EXECUTOR` says, else all.
   * @throws {LayerwrightError} `OPTION_INVALID` for one that does not exist.
   */
  probe(executor?: string): Promise<EngineProbe>;
  /**
   * Frees disk space: what no tag, no build that runs and no cached result needs, unless told to free more.
   *
   * @throws {LayerwrightError} `STORE_CORRUPT` when it cannot be known what is needed; then nothing was removed.
   */
  prune(options?: PruneOptions): Promise<PruneResult>;
  /**
   * Removes the store with all that is in it, whoever its files belong to. Files that are not the store's stay.
   *
   * @throws {LayerwrightError} `STORE_LOCKED` while a build runs; `OPTION_INVALID` for a folder that is no store.
   */
  removeStore(): Promise<RemovedStore>;
  /**
   * Runs steps for an engine on another machine, until it hangs up: the other end of `remoteExecutor()`.
   *
   * @throws {LayerwrightError} `RUNTIME_MISSING` where no plugin does that; `RUN_WORKER_FAILED` for a stranger.
   */
  serve(connection: StepConnection): Promise<void>;
}
