/**
 * What an engine can do with the cache mounts of its store. Light: loaded with the engine.
 *
 * @module
 */
import type { Digest } from "../oci/digest.ts";
import type { CacheMountInfo } from "../store/cache_mount_list.ts";

/** Directories that cache mounts of builds left in the store. */
export interface CacheMounts {
  /** All of them, by id. */
  list(): Promise<readonly CacheMountInfo[]>;
  /**
   * Removes caches by id (all that have it) or name.
   *
   * @returns what was removed.
   * @throws {LayerwrightError} `CACHE_MISSING`; `STORE_LOCKED` for one that a build uses.
   */
  remove(names: readonly string[] | "all"): Promise<readonly CacheMountInfo[]>;
  /**
   * Writes a cache as a tar. Equal files, with their modes, owners and times, give the same bytes.
   *
   * @param name Its id, or its name where several have that.
   * @param path Absolute; replaced if it is there.
   * @throws {LayerwrightError} `CACHE_MISSING`, `STORE_LOCKED`; `RUNTIME_MISSING` where no step can run;
   * `RUN_UNSUPPORTED` for a cache of another user.
   */
  export(name: string, path: string): Promise<PackedCacheMount>;
  /**
   * Puts a cache into the store, in the place of the one of that id, at once or not at all.
   *
   * @param path What {@link export} wrote.
   * @param options `id`: under another id. `digest`: refuse any other file than that.
   * @throws {LayerwrightError} `TAR_INVALID`, `BLOB_DIGEST_MISMATCH`, `FILE_MISSING`, `STORE_LOCKED`.
   */
  import(
    path: string,
    options?: { readonly id?: string; readonly digest?: string },
  ): Promise<PackedCacheMount>;
}

/** A cache as a file. */
export interface PackedCacheMount {
  readonly id: string;
  /** Of the tar. */
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** What is not in it: sockets. */
  readonly notes: readonly string[];
}
