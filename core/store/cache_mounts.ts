/**
 * Cache mounts in use: directories that outlive builds. Whoever uses a copy holds its lock, which ends with the process.
 *
 * @module
 */
import { lstatSync, mkdirSync, renameSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LayerwrightError, systemErrorCode } from "../errors.ts";
import {
  ABOUT_FILE,
  aboutText,
  cacheMountDirectory,
  cacheMountName,
  type CacheMountScope,
} from "./cache_mount_scope.ts";
import { takeLock } from "./lock.ts";
import type { Store } from "./store.ts";
import { guarded } from "./store_error.ts";

/** How a step uses a cache: with others, alone in a copy of its own, or alone in the one there is. */
export type CacheSharing = "shared" | "private" | "locked";

/** A directory in use. Disposing it lets others have it. */
export interface HeldCacheMount extends Disposable {
  readonly directory: string;
}

/** So many steps may use a private cache at once, each a directory. */
const COPIES_LIMIT = 1000;

/**
 * Takes a cache into use, and makes it if it is new.
 *
 * @param options `fill` makes the directory of a new cache at a path whose parent exists. What it throws leaves no cache.
 * @throws The reason of `signal`; {@link LayerwrightError} `STORE_UNWRITABLE`, and what `fill` throws.
 */
export async function holdCacheMount(
  store: Store,
  scope: CacheMountScope,
  options: {
    readonly sharing: CacheSharing;
    readonly signal?: AbortSignal;
    fill(directory: string): Promise<void>;
  },
): Promise<HeldCacheMount> {
  const { sharing, signal, fill } = options;
  const limit = sharing === "private" ? COPIES_LIMIT : 1;
  for (let copy = 0; copy < limit; copy++) {
    const lock = await takeLock(store.home, lockKey(scope.variant, cacheMountName(scope), copy), {
      shared: sharing === "shared",
      wait: sharing !== "private",
      signal,
    });
    if (lock === undefined) continue;
    try {
      const directory = cacheMountDirectory(store.home, scope, copy);
      if (!isThere(directory)) {
        // Those who share it may all find that it is new.
        await store.withLock(`new ${directory}`, signal, async () => {
          if (!isThere(directory)) await makeCopy(store, { scope, directory, fill });
        });
      }
      touch(join(directory, ".."));
      return { directory, [Symbol.dispose]: () => lock[Symbol.dispose]() };
    } catch (error) {
      lock[Symbol.dispose]();
      throw error;
    }
  }
  throw new LayerwrightError(
    "STORE_LOCKED",
    `Cannot use cache ${JSON.stringify(scope.id)}: ${COPIES_LIMIT} steps use a copy of it now`,
    { hint: "wait for them to end" },
  );
}

async function makeCopy(
  store: Store,
  { scope, directory, fill }: {
    readonly scope: CacheMountScope;
    readonly directory: string;
    fill(directory: string): Promise<void>;
  },
): Promise<void> {
  const folder = store.temp.newDirectory();
  await fill(join(folder, directory.slice(directory.lastIndexOf("/") + 1)));
  writeFileSync(join(folder, ABOUT_FILE), aboutText(scope));
  placeFolder(folder, directory);
}

/** Gives a finished folder, with a cache in it, the name of the copy; nobody may use that. */
export function placeFolder(folder: string, directory: string): void {
  const place = join(directory, "..");
  guarded("keep a cache", place, () => {
    mkdirSync(join(place, ".."), { recursive: true, mode: 0o700 });
    renameSync(folder, place);
  });
}

/**
 * Does work on a copy that no step uses meanwhile.
 *
 * @throws {LayerwrightError} `STORE_LOCKED` when one does now.
 */
export async function withIdleCopy<T>(
  { home }: Pick<Store, "home">,
  scope: CacheMountScope,
  { copy, action, work }: {
    readonly copy: number;
    /** What cannot be done otherwise: `remove`. */
    readonly action: string;
    work(): T | Promise<T>;
  },
): Promise<T> {
  const key = lockKey(scope.variant, cacheMountName(scope), copy);
  using lock = await takeLock(home, key, { wait: false });
  if (lock !== undefined) return await work();
  throw new LayerwrightError(
    "STORE_LOCKED",
    `Cannot ${action} cache ${JSON.stringify(scope.id)}: a build uses it`,
    { hint: "wait for the build to end, then try again" },
  );
}

/**
 * Takes a copy away from where builds look for it; nobody may use it.
 *
 * @returns its folder, for the caller to remove; undefined if there is none.
 */
export function detachCopy(
  { home, temp }: Pick<Store, "home" | "temp">,
  scope: CacheMountScope,
  copy: number,
): string | undefined {
  const place = join(cacheMountDirectory(home, scope, copy), "..");
  const folder = temp.newPath();
  try {
    renameSync(place, folder);
    return folder;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

function lockKey(variant: string, name: string, copy: number): string {
  return `cache mount ${variant}/${name}.${copy}`;
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function touch(path: string): void {
  const now = new Date();
  utimesSync(path, now, now);
}
