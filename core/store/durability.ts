/**
 * What is known to be on disk, and what to distrust after the machine stopped.
 *
 * `safe`: a blob is synced before its name can be seen. `fast`: nothing is synced until {@link Durability.sync},
 * once for all; before its first blob a writer leaves its mark in the database, durably. A mark of an
 * earlier boot means that some blobs may have a name but not their bytes: then every blob that is not in
 * the list of synced ones is hashed before the store opens. A lost line of that list costs a hash, no more.
 *
 * @module
 */
import { createHash, randomBytes } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, readSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { host } from "../host/mod.ts";
import { type Digest, digestAlgorithm } from "../oci/digest.ts";
import type { Database } from "./database.ts";
import { bootId, bootOf, isProcessGone, processToken } from "./process_token.ts";

/** When blobs reach the disk. */
export type DurabilityMode = "safe" | "fast";

/** Where blobs are. */
export interface BlobFiles {
  /** The file of a blob, whether it is here or not. */
  filePath(digest: Digest): string;
  /** Every blob here. */
  digests(): Digest[];
}

const PIECE_BYTES = 1024 * 1024;

/** Keeps the books of one open store. */
export class Durability {
  /** `safe` where boots have no id: a crash could not be told from a restart. */
  readonly mode: DurabilityMode;
  readonly #database: Database;
  readonly #home: string;
  readonly #files: BlobFiles;
  readonly #writer: string;
  readonly #unsynced = new Set<Digest>();
  #marked = false;

  constructor(home: string, database: Database, files: BlobFiles, mode: DurabilityMode) {
    this.mode = bootId() === undefined ? "safe" : mode;
    this.#home = home;
    this.#database = database;
    this.#files = files;
    this.#writer = `${processToken()}_${randomBytes(6).toString("hex")}`;
  }

  /** To be called before a blob gets its name. */
  beforeWrite(): void {
    if (this.mode === "safe" || this.#marked) return;
    this.#database.durably(() =>
      this.#database.run("INSERT OR IGNORE INTO unsynced_writers VALUES (?)", this.#writer)
    );
    this.#marked = true;
  }

  /** To be called after a blob got its name. */
  written(digest: Digest): void {
    if (this.mode === "fast") {
      this.#unsynced.add(digest);
      return;
    }
    syncPath(dirname(this.#files.filePath(digest)));
    this.#database.run("INSERT OR IGNORE INTO synced_blobs VALUES (?)", digest);
  }

  /** To be called before a blob that is not here gets its name: one that was here before may have been synced. */
  forget(digest: Digest): void {
    if (this.#database.get("SELECT 1 FROM synced_blobs WHERE digest = ?", digest) === undefined) {
      return;
    }
    this.#database.durably(() =>
      this.#database.run("DELETE FROM synced_blobs WHERE digest = ?", digest)
    );
  }

  /** Brings all that was written to disk. */
  sync(): void {
    if (!this.#marked && !this.#hasUnsyncedSnapshots()) return;
    const calls = host.systemCalls();
    if (calls === undefined) {
      const paths = [...this.#unsynced].map((digest) => this.#files.filePath(digest)).filter(
        existsSync,
      );
      for (const path of new Set([...paths, ...paths.map(dirname)])) syncPath(path);
    } else {
      calls.syncFileSystem(this.#home);
    }
    this.#database.durably(() => {
      for (const digest of this.#unsynced) {
        // Removed again meanwhile: then there is nothing to vouch for.
        if (!existsSync(this.#files.filePath(digest))) continue;
        this.#database.run("INSERT OR IGNORE INTO synced_blobs VALUES (?)", digest);
      }
      this.#database.run("DELETE FROM unsynced_writers WHERE writer = ?", this.#writer);
      if (calls === undefined) return;
      // One call syncs the whole file system: also what writers left that were killed, and all trees.
      for (const { writer } of this.#database.all("SELECT writer FROM unsynced_writers")) {
        if (bootOf(String(writer)) === bootId() && isProcessGone(String(writer))) {
          this.#database.run("DELETE FROM unsynced_writers WHERE writer = ?", String(writer));
        }
      }
      this.#database.run(
        "UPDATE snapshots SET unsynced_boot = NULL WHERE unsynced_boot = ?",
        bootId() ?? null,
      );
    });
    this.#unsynced.clear();
    this.#marked = false;
  }

  #hasUnsyncedSnapshots(): boolean {
    return this.#database.get("SELECT 1 FROM snapshots WHERE unsynced_boot IS NOT NULL") !==
      undefined;
  }

  /**
   * Removes what an earlier boot did not finish writing. To be called before the store is used.
   *
   * @returns The blobs whose bytes were not what their name says.
   */
  recover(): Digest[] {
    const boot = bootId();
    if (boot === undefined) return [];
    // An unpacked tree has no digest to check: without its sync it is nothing.
    const staleTrees = "FROM snapshots WHERE unsynced_boot IS NOT NULL AND unsynced_boot <> ?";
    if (this.#database.get(`SELECT 1 ${staleTrees}`, boot) !== undefined) {
      this.#database.run(`DELETE ${staleTrees}`, boot);
    }
    if (this.#crashedWriters(boot).length === 0) return [];
    // No other process may open this store, or write to it, until it is known what it holds.
    return this.#database.transaction(() => {
      const crashed = this.#crashedWriters(boot);
      const synced = new Set(
        this.#database.all("SELECT digest FROM synced_blobs").map((row) => row.digest),
      );
      const damaged: Digest[] = [];
      for (const digest of crashed.length === 0 ? [] : this.#files.digests()) {
        if (synced.has(digest)) continue;
        const path = this.#files.filePath(digest);
        if (hashFile(path, digestAlgorithm(digest)) === digest) {
          this.#database.run("INSERT INTO synced_blobs VALUES (?)", digest);
        } else {
          rmSync(path, { force: true });
          damaged.push(digest);
        }
      }
      for (const writer of crashed) {
        this.#database.run("DELETE FROM unsynced_writers WHERE writer = ?", writer);
      }
      return damaged;
    });
  }

  #crashedWriters(boot: string): string[] {
    return this.#database.all("SELECT writer FROM unsynced_writers")
      .map((row) => String(row.writer))
      .filter((writer) => bootOf(writer) !== boot);
  }
}

/** Brings one file, or the names in one folder, to disk. */
export function syncPath(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The digest of a file's bytes. */
export function hashFile(path: string, algorithm: "sha256" | "sha512"): Digest {
  const hash = createHash(algorithm);
  const buffer = new Uint8Array(PIECE_BYTES);
  const fd = openSync(path, "r");
  try {
    for (let n = readSync(fd, buffer); n > 0; n = readSync(fd, buffer)) {
      hash.update(buffer.subarray(0, n));
    }
  } finally {
    closeSync(fd);
  }
  return `${algorithm}:${hash.digest("hex")}` as Digest;
}
