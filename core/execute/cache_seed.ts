/**
 * The files that a new cache begins with.
 *
 * @module
 */
import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { posix } from "node:path";
import { LayerwrightError } from "../errors.ts";
import type { CacheMount } from "../graph/op.ts";
import type { FileEntry } from "../layer/file_entry.ts";
import { writeLayer } from "../layer/write_layer.ts";
import type { ExecSession } from "./executor.ts";
import type { LayerRef } from "./vertex_result.ts";
import type { Workbench } from "./workbench.ts";

/** Times are kept: layers have theirs clamped already. */
const ANY_TIME_SECONDS = 253_402_300_799;

/** What a cache is made of. */
export interface CacheSeed {
  readonly mount: CacheMount;
  /** The layers that it begins with; absent for an empty one. */
  readonly layers: readonly LayerRef[] | undefined;
}

/** Mode and owner that mounts have unless they say otherwise. */
export function hasDefaultOwner({ mode, uid, gid }: CacheMount): boolean {
  return mode === 0o755 && uid === 0 && gid === 0;
}

/**
 * Makes the directory of a new cache.
 *
 * @param directory does not exist; its parent does.
 * @throws {LayerwrightError} `FILE_MISSING` when the files it begins with are not there.
 */
export async function makeCacheDirectory(
  bench: Workbench,
  session: ExecSession,
  directory: string,
  { mount, layers }: CacheSeed,
): Promise<void> {
  if (layers === undefined && mount.uid === 0 && mount.gid === 0) {
    mkdirSync(directory);
    chmodSync(directory, mount.mode);
    return;
  }
  const parent = posix.dirname(directory);
  const tarPath = bench.store.temp.newPath();
  try {
    // A layer, so that whoever runs steps gives the files their owners: this process may not be allowed to.
    const entries = seedEntries(bench, { mount, layers }, posix.basename(directory));
    writeLayer(entries, tarPath, { epochSeconds: ANY_TIME_SECONDS });
    await session.unpack({ tarPath, lowers: [], directory: parent });
  } catch (error) {
    await session.remove([parent]).catch(() => {});
    throw error;
  } finally {
    rmSync(tarPath, { force: true });
  }
}

function seedEntries(bench: Workbench, { mount, layers }: CacheSeed, name: string): FileEntry[] {
  const { mode, uid, gid } = mount;
  const empty: FileEntry = {
    path: name,
    type: "directory",
    mode,
    uid,
    gid,
    sizeBytes: 0,
    mtimeSeconds: 0,
  };
  if (layers === undefined) return [empty];
  const tree = bench.trees.of(layers);
  const { source = "/" } = mount;
  const root = tree.resolve(source.replace(/^\/+/, ""), { followLast: true });
  const top = root === "" ? empty : tree.get(root);
  if (top?.type !== "directory") {
    throw new LayerwrightError(
      "FILE_MISSING",
      `Cannot fill cache ${JSON.stringify(mount.id)} from ${JSON.stringify(source)}: ${
        top === undefined ? "no such directory there" : "it is no directory"
      }`,
      { hint: "name a directory of what the cache mount is from" },
    );
  }
  const renamed = (path: string): string =>
    path === root ? name : `${name}/${root === "" ? path : path.slice(root.length + 1)}`;
  const below = tree.subtree(root).filter(({ path }) => path !== root).map((entry) => ({
    ...entry,
    path: renamed(entry.path),
    ...entry.type === "hardlink" ? { linkTarget: renamed(entry.linkTarget ?? "") } : {},
  }));
  // What the mount says of its owner, where it says anything, goes before what the directory had.
  return [hasDefaultOwner(mount) ? { ...top, path: name } : empty, ...below];
}
