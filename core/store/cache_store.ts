/**
 * Results by cache key, each with what went into the key.
 *
 * @module
 */
import type { Database, Row } from "./database.ts";

/** What a build remembers of one vertex. */
export interface CacheEntry {
  /** The cache key. */
  readonly key: string;
  /** The type of the vertex's op. */
  readonly kind: string;
  /** A name that the vertex keeps when its definition changes: finds what to compare a miss with. */
  readonly identity: string;
  /** The version of the rules that made the result. */
  readonly compat: number;
  /** All that was hashed into the key; JSON. */
  readonly preimage: unknown;
  /** What came out; JSON. Blobs and layers whose digests stand in it are kept as long as it is. */
  readonly result: unknown;
}

/** A {@link CacheEntry} as it is stored. Times are milliseconds since the epoch. */
export interface CacheRecord extends CacheEntry {
  readonly createdMs: number;
  readonly usedMs: number;
}

/** A {@link CacheEntry} whose preimage is JSON text already. */
export interface SerializedCacheEntry extends Omit<CacheEntry, "preimage"> {
  readonly preimageJson: string;
}

// Precise enough to find the least recently used, and a hit seldom costs a write.
const USED_PRECISION_MS = 60_000;

// A step that moved is found at its old place, behind what came to stand there; see `similar`.
const SIMILAR_OF_IDENTITY = 5;
const SIMILAR_LIMIT = 50;
const SIMILAR_LENGTH_LIMIT = 32 * 1024 * 1024;

/** Cache records. One that cannot be read is a miss, and removed. */
export class CacheStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The record of a key; marks it as used now. */
  get(key: string): CacheRecord | undefined {
    const record = this.#record(this.#database.get("SELECT * FROM cache WHERE key = ?", key));
    const now = Date.now();
    if (record !== undefined && Math.abs(now - record.usedMs) > USED_PRECISION_MS) {
      this.#database.run("UPDATE cache SET used = ? WHERE key = ?", now, key);
    }
    return record;
  }

  /** Remembers a result, in place of an earlier one of the same key. */
  put(entry: CacheEntry | SerializedCacheEntry): void {
    const now = Date.now();
    this.#database.run(
      "INSERT OR REPLACE INTO cache (key, kind, identity, compat, preimage, result, created, used) " +
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      entry.key,
      entry.kind,
      entry.identity,
      entry.compat,
      "preimageJson" in entry ? entry.preimageJson : JSON.stringify(entry.preimage),
      JSON.stringify(entry.result),
      now,
      now,
    );
  }

  /**
   * Records to explain a miss by, newest first: the latest few of each identity that begins with a prefix. Read one by
   * one, and no more than a bounded number of bytes in all, since some preimages list a hundred thousand files.
   */
  *similar(kind: string, identityPrefix: string): Generator<CacheRecord> {
    const rows = this.#database.all(
      "SELECT key FROM (SELECT key, created, row_number() OVER " +
        "(PARTITION BY identity ORDER BY created DESC, key) AS place FROM cache " +
        "WHERE kind = ? AND identity >= ? AND identity < ?) " +
        "WHERE place <= ? ORDER BY created DESC, key LIMIT ?",
      kind,
      identityPrefix,
      // Greater than all that begin so, in the order of UTF-8 bytes.
      `${identityPrefix}\u{10ffff}`,
      SIMILAR_OF_IDENTITY,
      SIMILAR_LIMIT,
    );
    let length = 0;
    for (const { key } of rows) {
      const row = this.#database.get("SELECT * FROM cache WHERE key = ?", key ?? null);
      length += String(row?.preimage ?? "").length;
      const record = this.#record(row);
      if (record !== undefined) yield record;
      if (length > SIMILAR_LENGTH_LIMIT) return;
    }
  }

  /** Forgets a result. @returns False when there was none. */
  delete(key: string): boolean {
    return this.#database.run("DELETE FROM cache WHERE key = ?", key) > 0;
  }

  #record(row: Row | undefined): CacheRecord | undefined {
    if (row === undefined) return undefined;
    const key = String(row.key);
    try {
      return {
        key,
        kind: String(row.kind),
        identity: String(row.identity),
        compat: Number(row.compat),
        preimage: JSON.parse(String(row.preimage)),
        result: JSON.parse(String(row.result)),
        createdMs: Number(row.created),
        usedMs: Number(row.used),
      };
    } catch {
      this.delete(key);
      return undefined;
    }
  }
}
