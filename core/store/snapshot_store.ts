/**
 * Unpacked trees by ChainID.
 *
 * @module
 */
import { existsSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { ChainID } from "../oci/digest.ts";
import type { Database, Row } from "./database.ts";
import { bootId } from "./process_token.ts";
import { guarded } from "./store_error.ts";
import type { TempFolder } from "./temp_folder.ts";

/** An unpacked tree. */
export interface Snapshot {
  readonly chainId: ChainID;
  /** Whose owners the files have on disk: as `ExecutorProbe.snapshotVariant`. */
  readonly variant: string;
  readonly directory: string;
  readonly sizeBytes: number;
  /** Milliseconds since the epoch. */
  readonly usedMs: number;
}

/** What a finished tree is to be known by. */
export interface NewSnapshot {
  readonly chainId: ChainID;
  readonly variant: string;
  readonly sizeBytes: number;
}

/** As in cache_store.ts: a hit seldom costs a write. */
export const USED_PRECISION_MS = 60_000;

/**
 * Trees in `snapshots/<number>`: the paths of a whole stack go into one option string of overlayfs, which
 * the kernel cuts at a page. Files in them may belong to users that only a user namespace maps, so that
 * trees are removed by the caller.
 */
export class SnapshotStore {
  readonly #home: string;
  readonly #database: Database;
  readonly #temp: TempFolder;

  constructor(home: string, database: Database, temp: TempFolder) {
    this.#home = home;
    this.#database = database;
    this.#temp = temp;
  }

  /** The tree of a chain, marked as used now. */
  get(chainId: ChainID, variant: string): Snapshot | undefined {
    const row = this.#database.get(
      "SELECT * FROM snapshots WHERE chain_id = ? AND variant = ?",
      chainId,
      variant,
    );
    if (row === undefined) return undefined;
    const snapshot = this.#snapshot(row);
    if (!existsSync(snapshot.directory)) return undefined;
    const now = Date.now();
    if (Math.abs(now - snapshot.usedMs) > USED_PRECISION_MS) {
      this.#database.run("UPDATE snapshots SET used = ? WHERE number = ?", now, Number(row.number));
    }
    return snapshot;
  }

  /** An empty folder to unpack into, on the file system of the snapshots. */
  prepare(): string {
    return this.#temp.newDirectory();
  }

  /**
   * Gives a finished tree its name.
   *
   * @param directory From {@link prepare}.
   * @returns The tree of that name. If someone was first it is theirs, and `directory` is left to the caller.
   */
  commit(directory: string, snapshot: NewSnapshot): Snapshot {
    const { chainId, variant, sizeBytes } = snapshot;
    return this.#database.transaction(() => {
      const first = this.get(chainId, variant);
      if (first !== undefined) return first;
      const number = this.#freeNumber();
      const target = this.#directory(number);
      guarded(`store the tree of ${chainId}`, target, () => renameSync(directory, target));
      const usedMs = Date.now();
      this.#database.run(
        "INSERT OR REPLACE INTO snapshots (chain_id, variant, number, size, used, unsynced_boot) " +
          "VALUES (?, ?, ?, ?, ?, ?)",
        chainId,
        variant,
        number,
        sizeBytes,
        usedMs,
        bootId() ?? null,
      );
      return { ...snapshot, directory: target, usedMs };
    });
  }

  /** A number without a record, and without a folder that a killed process renamed just before its record. */
  #freeNumber(): number {
    let number = Number(this.#database.get("SELECT max(number) AS top FROM snapshots")?.top ?? 0) +
      1;
    while (existsSync(this.#directory(number))) number += 1;
    return number;
  }

  /** Forgets a tree. @returns Its directory, for the caller to remove; undefined when there is none. */
  delete(chainId: ChainID, variant: string): string | undefined {
    const row = this.#database.get(
      "DELETE FROM snapshots WHERE chain_id = ? AND variant = ? RETURNING number",
      chainId,
      variant,
    );
    return row === undefined ? undefined : this.#directory(Number(row.number));
  }

  /** All trees, the least recently used first. */
  list(): Snapshot[] {
    return this.#database.all("SELECT * FROM snapshots ORDER BY used, number").map((row) =>
      this.#snapshot(row)
    );
  }

  /** As {@link delete}, and moves the directory out of the way where it can be: its number is free then. */
  remove(chainId: ChainID, variant: string): string | undefined {
    const directory = this.delete(chainId, variant);
    return directory === undefined ? undefined : this.#moved(directory);
  }

  /** As {@link orphans}, moved out of the way where they can be. */
  removeOrphans(): string[] {
    return this.#database.transaction(() => this.orphans().map((path) => this.#moved(path)));
  }

  #moved(directory: string): string {
    const target = this.#temp.newPath();
    try {
      renameSync(directory, target);
      return target;
    } catch {
      // Not there any more, or a step gave it to a user whom this one cannot be.
      return directory;
    }
  }

  /** Directories that no record names, for the caller to remove. */
  orphans(): string[] {
    return this.#database.transaction(() => {
      const known = new Set(
        this.#database.all("SELECT number FROM snapshots").map((row) => String(row.number)),
      );
      const folder = join(this.#home, "snapshots");
      return readdirSync(folder).filter((name) => !known.has(name)).map((name) =>
        join(folder, name)
      );
    });
  }

  #directory(number: number): string {
    return join(this.#home, "snapshots", String(number));
  }

  #snapshot(row: Row): Snapshot {
    return {
      chainId: String(row.chain_id) as ChainID,
      variant: String(row.variant),
      directory: this.#directory(Number(row.number)),
      sizeBytes: Number(row.size),
      usedMs: Number(row.used),
    };
  }
}
