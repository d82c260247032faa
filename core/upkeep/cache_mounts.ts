/**
 * The cache mounts of a store, for people and CI: listed, removed, written to a file and read from one.
 *
 * @module
 */
import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { EngineParts } from "../build/engine_parts.ts";
import { LayerwrightError } from "../errors.ts";
import type { ExecSession } from "../execute/executor.ts";
import { removeTrees } from "../execute/remove_trees.ts";
import { chooseExecutor } from "../execute/runner_pool.ts";
import { nearestName } from "../nearest_name.ts";
import { isDigest } from "../oci/digest.ts";
import { type CacheMountInfo, copiesOf, listCacheMounts } from "../store/cache_mount_list.ts";
import {
  ABOUT_FILE,
  aboutText,
  cacheMountDirectory,
  type CacheMountScope,
} from "../store/cache_mount_scope.ts";
import { detachCopy, placeFolder, withIdleCopy } from "../store/cache_mounts.ts";
import { openBuildStore, type Store } from "../store/store.ts";
import { ARCHIVED_ABOUT, ARCHIVED_FILES, checkArchive, copyHashed } from "./cache_archive.ts";
import type { CacheMounts, PackedCacheMount } from "./cache_mounts_seam.ts";

/** Works on the caches of an engine's store. Each call opens the store anew. */
export function cacheMountsOf(parts: EngineParts): CacheMounts {
  return {
    // What is thrown inside is a rejection.
    list: () =>
      new Promise((resolve) => {
        using store = openBuildStore(parts);
        resolve(listCacheMounts(store));
      }),
    async remove(names): Promise<readonly CacheMountInfo[]> {
      using store = openBuildStore(parts);
      const all = listCacheMounts(store);
      const chosen = names === "all"
        ? all
        : [...new Set(names.flatMap((name) => named(all, name)))];
      for (const cache of chosen) await removeCache(parts, store, cache);
      return chosen;
    },
    async export(name, path): Promise<PackedCacheMount> {
      using store = openBuildStore(parts);
      return await exportCache(parts, store, {
        cache: oneNamed(listCacheMounts(store), name),
        path,
      });
    },
    async import(path, options = {}): Promise<PackedCacheMount> {
      using store = openBuildStore(parts);
      return await importCache(parts, store, { path, ...options });
    },
  };
}

/** As much of a name as a list for people shows. */
const NAME_START = /^[0-9a-f]{12,}$/;

/** Caches of an id, or the one of a name. */
function named(all: readonly CacheMountInfo[], text: string): readonly CacheMountInfo[] {
  const isName = NAME_START.test(text);
  const found = all.filter(({ id, name }) => id === text || (isName && name.startsWith(text)));
  if (found.length > 0) return found;
  const ids = [...new Set(all.map(({ id }) => id))];
  const nearest = nearestName(text, ids);
  throw new LayerwrightError(
    "CACHE_MISSING",
    `Cannot find cache ${JSON.stringify(text)}: the store has no such cache mount` +
      (nearest === undefined ? "" : `, did you mean ${JSON.stringify(nearest)}?`),
    {
      details: ids.length === 0
        ? ["it has none at all"]
        : [`it has ${ids.slice(0, 20).map((id) => JSON.stringify(id)).join(", ")}`],
      hint: 'list them with "layerwright cache ls"',
    },
  );
}

function oneNamed(all: readonly CacheMountInfo[], text: string): CacheMountInfo {
  const found = named(all, text);
  const [cache] = found;
  if (cache !== undefined && found.length === 1) return cache;
  throw new LayerwrightError(
    "OPTION_INVALID",
    `Cannot choose a cache: ${found.length} have the id ${JSON.stringify(text)}`,
    {
      details: found.map(({ name, variant, uid, gid, mode, seed }) =>
        `${name}  ${variant}  ${uid}:${gid} ${mode.toString(8)}${
          seed === undefined ? "" : `  from ${seed}`
        }`
      ),
      hint: "give the name of one instead of the id",
    },
  );
}

/** As a session of what runs steps here: files may belong to ids that only it maps. */
async function withSession<T>(
  { executors }: EngineParts,
  store: Store,
  work: (session: ExecSession, variant: string | undefined) => Promise<T>,
): Promise<T> {
  const { executor, probe } = await chooseExecutor(executors);
  const workDirectory = store.temp.newDirectory();
  try {
    await using session = await executor.open({ workDirectory });
    return await work(session, probe.snapshotVariant);
  } finally {
    rmSync(workDirectory, { recursive: true, force: true });
  }
}

async function removeCache(
  parts: EngineParts,
  store: Store,
  cache: CacheMountScope,
): Promise<void> {
  for (const copy of copiesOf(store, cache)) {
    const folder = await withIdleCopy(store, cache, {
      copy,
      action: "remove",
      work: () => detachCopy(store, cache, copy),
    });
    if (folder === undefined) continue;
    await removeTrees(store, parts.executors, [folder]);
  }
}

async function exportCache(
  parts: EngineParts,
  store: Store,
  { cache, path }: { readonly cache: CacheMountInfo; readonly path: string },
): Promise<PackedCacheMount> {
  // Beside the file: renamed when it is whole.
  const partial = `${path}.${process.pid}.partial`;
  try {
    return await withIdleCopy(store, cache, {
      copy: 0,
      action: "export",
      work: () =>
        withSession(parts, store, async (session, variant) => {
          if (session.pack === undefined || variant !== cache.variant) {
            throw otherVariant("export", cache, variant);
          }
          rmSync(partial, { force: true });
          const { layer, notes } = await session.pack({
            directory: cacheMountDirectory(store.home, cache, 0),
            name: ARCHIVED_FILES,
            texts: [{ name: ARCHIVED_ABOUT, text: aboutText(cache) }],
            tarPath: partial,
          });
          renameSync(partial, path);
          return { id: cache.id, digest: layer.diffId, sizeBytes: layer.sizeBytes, notes };
        }),
    });
  } finally {
    rmSync(partial, { force: true });
  }
}

function otherVariant(
  action: string,
  { id, variant: own }: CacheMountScope,
  variant: string | undefined,
): LayerwrightError {
  return new LayerwrightError(
    "RUN_UNSUPPORTED",
    `Cannot ${action} cache ${
      JSON.stringify(id)
    }: it is one of steps that run as "${own}", and here they run ${
      variant === undefined ? "on another machine" : `as "${variant}"`
    }`,
    { hint: "do it as the user who builds with it" },
  );
}

async function importCache(
  parts: EngineParts,
  store: Store,
  { path, id, digest: expected }: {
    readonly path: string;
    readonly id?: string;
    readonly digest?: string;
  },
): Promise<PackedCacheMount> {
  if (expected !== undefined && !isDigest(expected)) {
    throw new LayerwrightError(
      "OPTION_INVALID",
      `Cannot import ${JSON.stringify(path)}: ${JSON.stringify(expected)} is no digest`,
      { hint: 'write "sha256:" and 64 lower-case hex digits, as "cache export" printed it' },
    );
  }
  const tarPath = store.temp.newPath();
  const folder = store.temp.newDirectory();
  try {
    // A copy of our own: what was checked is what is unpacked, whatever becomes of the file.
    const { digest, sizeBytes } = copyHashed(path, tarPath);
    if (expected !== undefined && expected !== digest) {
      throw new LayerwrightError(
        "BLOB_DIGEST_MISMATCH",
        `Cannot import ${JSON.stringify(path)}: it is ${digest}, expected ${expected}`,
        { hint: "fetch the file again, or export the cache again" },
      );
    }
    const about = checkArchive(path, tarPath);
    const wanted = { ...about, ...id === undefined ? {} : { id } };
    return await withSession(parts, store, async (session, variant) => {
      const scope = { ...wanted, variant: variant ?? "elsewhere" };
      if (variant === undefined) throw otherVariant("import", scope, variant);
      try {
        await session.unpack({ tarPath, lowers: [], directory: folder });
        await replaceCache(parts, store, { scope, folder });
      } catch (error) {
        await session.remove([folder]).catch(() => {});
        throw error;
      }
      return { id: wanted.id, digest, sizeBytes, notes: [] };
    });
  } finally {
    rmSync(tarPath, { force: true });
    if (existsSync(folder)) await removeTrees(store, parts.executors, [folder]);
  }
}

/** Puts an unpacked archive where builds find it, in the place of what is there. */
async function replaceCache(
  parts: EngineParts,
  store: Store,
  { scope, folder }: { readonly scope: CacheMountScope; readonly folder: string },
): Promise<void> {
  const directory = cacheMountDirectory(store.home, scope, 0);
  rmSync(join(folder, ARCHIVED_ABOUT));
  writeFileSync(join(folder, ABOUT_FILE), aboutText(scope));
  // Within one folder: a directory that belongs to somebody else can be renamed, but not moved.
  renameSync(join(folder, ARCHIVED_FILES), join(folder, basename(directory)));
  await withIdleCopy(store, scope, {
    copy: 0,
    action: "import over",
    work: async () => {
      const before = detachCopy(store, scope, 0);
      placeFolder(folder, directory);
      if (before !== undefined) await removeTrees(store, parts.executors, [before]);
    },
  });
}
