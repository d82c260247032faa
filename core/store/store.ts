/**
 * The store: everything builds make and keep, in one folder.
 *
 * @module
 */
import { chmodSync, existsSync, mkdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { INDEX_FILE, LAYOUT_BYTES, LAYOUT_FILE, serializeLayoutIndex } from "../oci/layout.ts";
import { writeFileAtomically } from "./atomic_file.ts";
import { BlobFolder } from "./blob_folder.ts";
import { BuildRecords } from "./build_records.ts";
import { CacheStore } from "./cache_store.ts";
import { ChunkIndex } from "./chunk_index.ts";
import { Database } from "./database.ts";
import { Durability, type DurabilityMode } from "./durability.ts";
import { EncodedImageStore } from "./encoded_image_store.ts";
import { FsBlobStore } from "./fs_blob_store.ts";
import { LayerStore } from "./layer_store.ts";
import { LeaseStore } from "./lease.ts";
import { withLock } from "./lock.ts";
import { PartialFolder } from "./partial_folder.ts";
import { importRefs, RefStore } from "./ref_store.ts";
import { SnapshotStore } from "./snapshot_store.ts";
import { guarded } from "./store_error.ts";
import { TempFolder } from "./temp_folder.ts";

/** How a store is opened. */
export interface OpenStoreOptions {
  /** The folder: see `storeHome`. Made when it is not there. */
  readonly home: string;
  /** `safe` for what must not be lost once it was acknowledged (the registry), `fast` for builds. */
  readonly durability: DurabilityMode;
}

/** An open store. Closing it syncs too, but only {@link Store.sync} tells when that fails. */
export interface Store extends Disposable {
  /** Absolute. */
  readonly home: string;
  readonly blobs: FsBlobStore;
  readonly refs: RefStore;
  readonly cache: CacheStore;
  readonly layers: LayerStore;
  /** Chunks of those layers, by what is in them. */
  readonly chunks: ChunkIndex;
  readonly encodedImages: EncodedImageStore;
  readonly snapshots: SnapshotStore;
  readonly leases: LeaseStore;
  /** Builds that ran steps, or failed. */
  readonly builds: BuildRecords;
  readonly temp: TempFolder;
  /** Blobs that were not finished, for whoever makes them again. */
  readonly partials: PartialFolder;
  readonly database: Database;
  /** Brings all that was written to disk: once at the end of a build. */
  sync(): void;
  /** Does work that no other process does meanwhile: see {@link withLock}. */
  withLock<T>(key: string, signal: AbortSignal | undefined, work: () => T | Promise<T>): Promise<T>;
}

/**
 * With files as steps made them, set-user-id programs of root too: nobody else may come near, even where the folder of
 * the store itself is open to others.
 */
const PRIVATE_FOLDERS: readonly string[] = ["tmp", "snapshots", "cache-mounts", "builds"];

function closeToOthers(home: string): void {
  for (const name of PRIVATE_FOLDERS) {
    const path = join(home, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats !== undefined && (stats.mode & 0o077) !== 0) chmodSync(path, 0o700);
  }
}

/**
 * Opens the store of a folder, which becomes an OCI image layout that other tools can read. After the
 * machine stopped without a sync, this checks what was not on disk yet.
 *
 * @throws {LayerwrightError} `STORE_UNWRITABLE`, `STORE_FULL`, `STORE_LOCKED`; `STORE_NEWER` or
 * `STORE_CORRUPT`, with nothing touched.
 */
export function openStore(options: OpenStoreOptions): Store {
  const home = resolve(options.home);
  const folder = new BlobFolder(home);
  const temp = new TempFolder(home);
  guarded("open the store", home, () => {
    if (!existsSync(home)) {
      mkdirSync(home, { recursive: true });
      // XDG: data folders are their owner's alone.
      chmodSync(home, 0o700);
    }
    folder.create();
    mkdirSync(join(home, "locks"), { recursive: true });
    for (const name of ["tmp", "snapshots"]) {
      mkdirSync(join(home, name), { recursive: true, mode: 0o700 });
    }
    closeToOthers(home);
  });
  const database = Database.open(home, () => temp.newPath(), (empty) => importRefs(home, empty));
  try {
    // Inside a transaction: another process may be publishing its first tag.
    database.transaction(() => {
      const files = [[LAYOUT_FILE, LAYOUT_BYTES], [INDEX_FILE, serializeLayoutIndex([])]] as const;
      for (const [name, bytes] of files) {
        if (!existsSync(join(home, name))) writeFileAtomically(join(home, name), bytes, temp);
      }
    });
    const durability = new Durability(home, database, folder, options.durability);
    durability.recover();
    const blobs = new FsBlobStore({ folder, temp, database, durability });
    const layers = new LayerStore(database, blobs);
    const refs = new RefStore({ home, database, temp, durability: durability.mode });
    return {
      home,
      blobs,
      refs,
      cache: new CacheStore(database),
      layers,
      chunks: new ChunkIndex(database, layers),
      encodedImages: new EncodedImageStore(database, blobs),
      snapshots: new SnapshotStore(home, database, temp),
      leases: new LeaseStore(database),
      builds: new BuildRecords(home, temp, refs),
      temp,
      partials: new PartialFolder(home),
      database,
      sync: () => durability.sync(),
      withLock: (key, signal, work) => withLock(home, key, signal, work),
      [Symbol.dispose]: () => {
        if (!database.isOpen) return;
        try {
          durability.sync();
        } catch {
          // What the caller is told of is its own error. The mark of this writer stays, so that what is
          // not on disk is checked after a crash.
        } finally {
          database[Symbol.dispose]();
        }
      },
    };
  } catch (error) {
    database[Symbol.dispose]();
    throw error;
  }
}

/** Opens the store as builds write to it; the caller disposes it. Throws as {@link openStore} does. */
export function openBuildStore({ home }: Pick<OpenStoreOptions, "home">): Store {
  return openStore({ home, durability: "fast" });
}
