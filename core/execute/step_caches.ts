/**
 * The caches of a step, held while it runs.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import type { CacheMount } from "../graph/op.ts";
import { cacheMountName, type CacheMountScope } from "../store/cache_mount_scope.ts";
import { type CacheSharing, holdCacheMount } from "../store/cache_mounts.ts";
import { hasDefaultOwner, makeCacheDirectory } from "./cache_seed.ts";
import { inputOf, type MountingStep } from "./mount_preimage.ts";
import type { Runner } from "./runner_pool.ts";
import { chainOf, type LayerRef } from "./vertex_result.ts";
import type { Workbench } from "./workbench.ts";

/** What of sharing holds for a directory that a step mounts more than once. */
const STRICTNESS: readonly CacheSharing[] = ["shared", "private", "locked"];

/** A cache of a step, and all its mounts of it. */
interface WantedCache {
  readonly scope: CacheMountScope;
  readonly mounts: readonly CacheMount[];
  readonly layers: readonly LayerRef[] | undefined;
}

/**
 * Takes the caches of a step into use until `held` is disposed.
 *
 * @returns their directories.
 * @throws {LayerwrightError} `FILE_MISSING` for the files one begins with; `RUN_UNSUPPORTED` for what another machine has
 * not.
 */
export async function holdCaches(
  bench: Workbench,
  step: MountingStep,
  runner: Runner,
  held: AsyncDisposableStack,
): Promise<ReadonlyMap<CacheMount, string>> {
  const wanted = new Map<string, WantedCache>();
  for (const mount of step.op.mounts) {
    if (mount.type !== "cache") continue;
    const { input } = mount;
    const layers = input === undefined ? undefined : inputOf(input, step.inputs).layers;
    const scope = scopeOf(mount, layers, runner);
    const name = cacheMountName(scope);
    wanted.set(name, { scope, layers, mounts: [...wanted.get(name)?.mounts ?? [], mount] });
  }
  const directories = new Map<CacheMount, string>();
  // In one order everywhere, so that two steps cannot wait for each other.
  for (const [, { scope, mounts, layers }] of [...wanted].sort(([a], [b]) => a < b ? -1 : 1)) {
    const sharing = STRICTNESS.findLast((one) => mounts.some((mount) => mount.sharing === one));
    const cache = await holdCacheMount(bench.store, scope, {
      sharing: sharing ?? "shared",
      signal: bench.signal,
      fill: async (directory) => {
        const [mount] = mounts;
        if (mount === undefined) return;
        await makeCacheDirectory(bench, runner.session, directory, { mount, layers });
      },
    });
    held.use(cache);
    for (const mount of mounts) directories.set(mount, cache.directory);
  }
  return directories;
}

/** As in BuildKit: caches that begin with other files, or belong to others, are others. */
function scopeOf(
  mount: CacheMount,
  layers: readonly LayerRef[] | undefined,
  { variant }: Runner,
): CacheMountScope {
  const { id, mode, uid, gid, source = "/" } = mount;
  if (variant === undefined && (layers !== undefined || !hasDefaultOwner(mount))) {
    throw new LayerwrightError(
      "RUN_UNSUPPORTED",
      `Cannot mount cache ${JSON.stringify(id)} in a step that runs on another machine: ` +
        "caches begin there empty, and belong to root",
      { hint: "leave out from, mode, uid and gid of the cache mount" },
    );
  }
  return {
    variant: variant ?? "elsewhere",
    ...{ id, mode, uid, gid },
    ...layers === undefined ? {} : { seed: `${chainOf(layers) ?? "scratch"} ${source}` },
  };
}
