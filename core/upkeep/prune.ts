/**
 * Freeing disk space: garbage collection for people, and the end of a store.
 *
 * @module
 */
import { existsSync, readdirSync, rmdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { EngineParts } from "../build/engine_parts.ts";
import { LayerwrightError } from "../errors.ts";
import { removeTrees } from "../execute/remove_trees.ts";
import { collectGarbage, type GcItem, type GcPlan, planGc } from "../store/gc.ts";
import type { GcTree } from "../store/gc_trees.ts";
import { openBuildStore, type Store } from "../store/store.ts";
import { isTreeRemoved } from "../store/temp_folder.ts";

/** What goes. */
export interface PruneOptions {
  /** Also what was cached, what trees were unpacked, and the files of failed builds. */
  readonly all?: boolean;
  /** Only what was not used, or written, in as many milliseconds. Blobs: an hour unless given, or `all`. */
  readonly unusedForMs?: number;
  /** What is cached may have as much; the least recently used goes first. */
  readonly maxUsedBytes?: number;
  /** Changes nothing. */
  readonly dryRun?: boolean;
}

/** What went, or would. */
export interface PruneResult {
  readonly kept: readonly GcItem[];
  readonly freed: readonly GcItem[];
  /** How many cached results. */
  readonly freedRecords: number;
  readonly keptTrees: readonly GcTree[];
  readonly freedTrees: readonly GcTree[];
  /** Bytes of blobs, finished or not, and of the layers that trees were unpacked from. */
  readonly freedBytes: number;
  /** Folders that this user cannot remove. */
  readonly leftovers: readonly string[];
}

/** What became of a store. */
export interface RemovedStore {
  readonly home: string;
  /** Names of what is still there: files of others, or what could not be removed. */
  readonly remaining: readonly string[];
}

/** Frees what no tag, no build that runs and no cached result needs; see {@link PruneOptions} for more. */
export async function pruneStore(
  parts: EngineParts,
  options: PruneOptions = {},
): Promise<PruneResult> {
  const { all = false, unusedForMs, maxUsedBytes, dryRun = false } = options;
  const cacheLimitBytes = maxUsedBytes ?? (all ? 0 : undefined);
  const graceMs = unusedForMs ?? (all ? 0 : undefined);
  const gc = {
    ...cacheLimitBytes === undefined ? {} : { cacheLimitBytes },
    ...graceMs === undefined ? {} : { graceMs },
    ...unusedForMs === undefined ? {} : { usedSinceMs: Date.now() - unusedForMs },
  };
  using store = openBuildStore(parts);
  if (dryRun) return resultOf(planGc(store, gc), []);
  const directories = forgetBuilds(store, { all, unusedForMs });
  const collected = collectGarbage(store, gc);
  const leftovers = await removeTrees(store, parts.executors, [
    ...directories,
    ...collected.leftovers,
  ]);
  return resultOf(collected, leftovers);
}

function forgetBuilds(
  { builds }: Store,
  { all, unusedForMs = 0 }: { readonly all: boolean; readonly unusedForMs: number | undefined },
): string[] {
  const now = Date.now();
  const trimmed = builds.trim(now);
  if (!all) return trimmed;
  const old = builds.list().filter(({ kept, startedMs }) =>
    kept !== undefined && startedMs <= now - unusedForMs
  );
  return [...trimmed, ...old.flatMap((record) => builds.drop(record))];
}

function resultOf(plan: GcPlan, leftovers: readonly string[]): PruneResult {
  const { kept, freed, freedRecords, freedPartials, keptTrees, freedTrees } = plan;
  const sizes = [
    ...[...freed, ...freedPartials].map(({ size }) => size),
    ...freedTrees.map(({ sizeBytes }) => sizeBytes),
  ];
  return {
    ...{ kept, freed, keptTrees, freedTrees, leftovers },
    freedRecords: freedRecords.length,
    freedBytes: sizes.reduce((sum, size) => sum + size, 0),
  };
}

/** All that a store has in its folder. */
const STORE_ENTRIES: readonly string[] = [
  ...["blobs", "builds", "cache-mounts", "context-index", "executors", "index.json"],
  ...["locks", "oci-layout", "partial", "secret-salt", "snapshots", "tmp", "unchanged"],
  // Last: what is left of a removal that was ended is known by it.
  ...["state.db-wal", "state.db-shm", "state.db"],
];
const MARK = "state.db";

/**
 * Removes a store, whoever its files belong to. Files that are not the store's stay, and so does the folder then.
 *
 * @throws {LayerwrightError} `STORE_LOCKED` while a build runs; `OPTION_INVALID` for a folder that is no store.
 */
export async function removeStore(parts: EngineParts): Promise<RemovedStore> {
  const home = resolve(parts.home);
  if (!existsSync(home)) return { home, remaining: [] };
  if (!existsSync(join(home, MARK))) {
    throw new LayerwrightError(
      "OPTION_INVALID",
      `Cannot remove the store: there is none in ${JSON.stringify(home)}`,
      { hint: "set LAYERWRIGHT_HOME to the folder that the store is in" },
    );
  }
  {
    using store = openBuildStore(parts);
    if (store.leases.live().length > 0) {
      throw new LayerwrightError("STORE_LOCKED", "Cannot remove the store: a build uses it", {
        hint: "wait for the build to end, or end it",
      });
    }
    // The session that removes what needs one has its own folder in tmp.
    const folders = ["snapshots", "cache-mounts", "builds"].map((name) => join(home, name));
    const temporary = readdirSync(store.temp.directory).map((name) =>
      join(store.temp.directory, name)
    );
    await removeTrees(store, parts.executors, [...folders, ...temporary]);
  }
  for (const name of STORE_ENTRIES) isTreeRemoved(join(home, name));
  const remaining = readdirSync(home);
  if (remaining.length === 0) rmdirSync(home);
  return { home, remaining };
}
