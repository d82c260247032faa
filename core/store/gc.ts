/**
 * Garbage collection: what stays, what goes, and why.
 *
 * @module
 */
import { rmSync } from "node:fs";
import type { DiffID, Digest } from "../oci/digest.ts";
import { digestsIn, Marks } from "./gc_mark.ts";
import { type GcTree, planTrees } from "./gc_trees.ts";
import { memoFolder } from "./memo_folder.ts";
import type { UnfinishedBlob } from "./partial_folder.ts";
import type { Store } from "./store.ts";
import { isTreeRemoved } from "./temp_folder.ts";

/** What is collected. */
export interface GcOptions {
  /**
   * Cache records, with the blobs that only they need, may have as much, and what they leave of it unpacked trees may;
   * the least recently used go first.
   */
  readonly cacheLimitBytes?: number;
  /** Cache records and trees that were used since then stay; milliseconds since the epoch. */
  readonly usedSinceMs?: number;
  /** Blobs written or put again since then stay: another tool may be about to name them. Default: an hour. */
  readonly graceMs?: number;
}

/** One blob, and why it stays or goes. */
export interface GcItem {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly why: string;
}

/** What garbage collection does, or would do. */
export interface GcPlan {
  readonly kept: readonly GcItem[];
  readonly freed: readonly GcItem[];
  /** Keys of cache records that go. */
  readonly freedRecords: readonly string[];
  /** Files of blobs that nobody will finish. */
  readonly freedPartials: readonly UnfinishedBlob[];
  readonly keptTrees: readonly GcTree[];
  readonly freedTrees: readonly GcTree[];
}

/** What garbage collection did. */
export interface GcResult extends GcPlan {
  /** Trees that went, or that killed processes left, and that only a user namespace can remove. */
  readonly leftovers: readonly string[];
}

const DEFAULT_GRACE_MS = 60 * 60 * 1000;
// File systems keep times to two seconds at worst (FAT): written then is written since.
const CLOCK_SLACK_MS = 2000;

/**
 * Says for every blob why it stays or goes. Changes nothing but leases of processes that are gone.
 *
 * @throws {LayerwrightError} `STORE_CORRUPT` when a document that names others cannot be read.
 */
export function planGc(store: Store, options: GcOptions = {}): GcPlan {
  return store.database.transaction(() => {
    const marks = new Marks(store);
    for (const { name, descriptor } of store.refs.list()) {
      marks.document(descriptor, `tag "${name}"`);
    }
    const leases = store.leases.live();
    for (const { resource } of leases) {
      if (resource !== undefined) marks.anything(resource, "a build that runs");
    }
    for (const { digest, why } of store.builds.digests()) marks.blob(digest, why);
    const sizes = new Map(store.blobs.statsSync().map((blob) => [blob.digest, blob]));
    const sizeOf = (digest: Digest): number => sizes.get(digest)?.size ?? 0;
    const { cacheLimitBytes = Infinity, usedSinceMs = Infinity } = options;
    const { freed: freedRecords, keptBytes } = markCache(store, marks, sizeOf, {
      limitBytes: cacheLimitBytes,
      usedSinceMs,
    });

    const graceSince = Date.now() - (options.graceMs ?? DEFAULT_GRACE_MS);
    const leaseSince = Math.min(...leases.map((lease) => lease.createdMs)) - CLOCK_SLACK_MS;
    const kept: GcItem[] = [];
    const freed: GcItem[] = [];
    for (const { digest, size, modifiedMs } of sizes.values()) {
      const why = marks.reason(digest) ??
        (modifiedMs >= leaseSince ? "written while a build runs" : undefined) ??
        (modifiedMs > graceSince ? "written a short time ago" : undefined);
      if (why === undefined) freed.push({ digest, size, why: whyFreed(store, marks, digest) });
      else kept.push({ digest, size, why });
    }
    // An encoder at work has its layer leased.
    const freedPartials = store.partials.list().filter(({ diffId, modifiedMs }) =>
      marks.reason(diffId) === undefined && modifiedMs <= graceSince
    );
    const gone = new Set<Digest>(freed.map(({ digest }) => digest));
    const layers = store.database.all("SELECT diff_id FROM layers").map((row) =>
      String(row.diff_id) as DiffID
    );
    const { kept: keptTrees, freed: freedTrees } = planTrees(store, {
      layers: new Set(layers.filter((diffId) => sizes.has(diffId) && !gone.has(diffId))),
      leaseSinceMs: leaseSince,
      usedSinceMs,
      limitBytes: cacheLimitBytes - keptBytes,
    });
    return { kept, freed, freedRecords, freedPartials, keptTrees, freedTrees };
  });
}

function whyFreed(store: Store, marks: Marks, digest: Digest): string {
  const row = store.database.get("SELECT diff_id FROM encoded WHERE digest = ?", digest);
  const isCached = row !== undefined && marks.reason(String(row.diff_id) as Digest) !== undefined;
  return isCached
    ? "of a layer that only the cache keeps: compressed again when it leaves"
    : "nothing names it";
}

/** Marks what the most recently used records need, up to the limit. Returns the keys of the others. */
function markCache(
  store: Store,
  marks: Marks,
  sizeOf: (digest: Digest) => number,
  { limitBytes, usedSinceMs }: { readonly limitBytes: number; readonly usedSinceMs: number },
): { readonly freed: string[]; readonly keptBytes: number } {
  const freed: string[] = [];
  let total = 0;
  let keptBytes = 0;
  const rows = store.database.all(
    "SELECT key, result, used, length(preimage) + length(result) AS size FROM cache " +
      "ORDER BY used DESC, key",
  );
  for (const row of rows) {
    const digests = digestsIn(String(row.result));
    const unmarked = new Set(digests.filter((digest) => marks.reason(digest) === undefined));
    total += Number(row.size);
    for (const digest of unmarked) total += sizeOf(digest);
    if (total > limitBytes && Number(row.used) < usedSinceMs) {
      freed.push(String(row.key));
      continue;
    }
    keptBytes = total;
    for (const digest of digests) marks.result(digest, "a cached result");
  }
  return { freed, keptBytes };
}

/**
 * Removes what {@link planGc} says can go, and what killed processes left. Other processes may build
 * meanwhile: they wait while files are removed, and what they lease or write stays.
 *
 * @throws {LayerwrightError} as {@link planGc}; then nothing was removed.
 */
export function collectGarbage(store: Store, options: GcOptions = {}): GcResult {
  const trees: string[] = [];
  const plan = store.database.transaction(() => {
    const planned = planGc(store, options);
    // Should the rest fail: what is known of a tree whose directory is gone is no tree.
    for (const { chainId, variant } of planned.freedTrees) {
      const directory = store.snapshots.remove(chainId, variant);
      if (directory !== undefined) trees.push(directory);
    }
    trees.push(...store.snapshots.removeOrphans());
    // Records before blobs: a crash in between leaves garbage, never a record of what is gone.
    for (const key of planned.freedRecords) store.cache.delete(key);
    for (const { digest } of planned.freed) {
      store.database.run("DELETE FROM layers WHERE diff_id = ?", digest);
      store.database.run("DELETE FROM chunks WHERE diff_id = ?", digest);
      store.database.run("DELETE FROM encoded WHERE digest = ?", digest);
      store.database.run(
        "DELETE FROM encoded_images WHERE manifest = ? OR digest = ?",
        digest,
        digest,
      );
      store.blobs.deleteSync(digest);
    }
    for (const partial of planned.freedPartials) store.partials.remove(partial);
    // A memo would go on answering with what was to be forgotten.
    if (planned.freedRecords.length > 0 || planned.freed.length > 0) {
      rmSync(memoFolder(store.home), { recursive: true, force: true });
    }
    return planned;
  });
  const leftovers = trees.filter((directory) => !isTreeRemoved(directory));
  return { ...plan, leftovers: [...leftovers, ...store.temp.removeAbandoned()] };
}
