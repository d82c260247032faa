/**
 * The database of the store: one SQLite file that processes of both runtimes share.
 *
 * @see https://www.sqlite.org/wal.html
 * @module
 */
import { existsSync, linkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { LayerwrightError, systemErrorCode } from "../errors.ts";
import { MIGRATIONS } from "./migrations.ts";
import { corruptDatabase, databaseError, guarded } from "./store_error.ts";

/** What a column can hold. */
export type SqlValue = string | number | bigint | Uint8Array | null;
/** One row of an answer. */
export type Row = Readonly<Record<string, SqlValue>>;

/** The name of the file in the home. */
export const DATABASE_FILE = "state.db";
// "LyWr": tells our files from other SQLite files (PRAGMA application_id).
const APPLICATION_ID = 0x4c795772;
// Transactions here are short; one that lasts longer is a hung process.
const BUSY_TIMEOUT_MS = 15_000;

// A handle that is garbage collected closes silently, and takes its transaction with it.
const openHandles = new Set<DatabaseSync>();

/** The open database. Synchronous: a statement takes microseconds, a promise as much again. */
export class Database implements Disposable {
  readonly path: string;
  readonly #handle: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #inTransaction = false;

  private constructor(path: string, handle: DatabaseSync) {
    this.path = path;
    this.#handle = handle;
    openHandles.add(handle);
  }

  /**
   * Opens the database of a home, and creates or upgrades it.
   *
   * @param home A folder that exists.
   * @param newTempPath Gives a path on the same file system for the database while it is made.
   * @param fill Adds the first rows of a new database; no process sees it without them.
   * @throws {LayerwrightError} `STORE_NEWER` for one made by a later version and `STORE_CORRUPT` for what
   * is not our database, both before anything is written; `STORE_UNWRITABLE`, `STORE_FULL`, `STORE_LOCKED`.
   */
  static open(
    home: string,
    newTempPath: () => string,
    fill?: (database: Database) => void,
  ): Database {
    const path = join(home, DATABASE_FILE);
    if (!existsSync(path)) create(path, newTempPath());
    const version = checkedVersion(path);
    const database = new Database(path, opened(path));
    try {
      if (version < MIGRATIONS.length) database.#migrate(fill);
    } catch (error) {
      database[Symbol.dispose]();
      throw error;
    }
    return database;
  }

  #migrate(fill: ((database: Database) => void) | undefined): void {
    this.transaction(() => {
      // Another process may have been faster.
      const from = Number(this.get("PRAGMA user_version")?.user_version ?? 0);
      for (const step of MIGRATIONS.slice(from)) this.#guarded(() => this.#handle.exec(step));
      this.#guarded(() => this.#handle.exec(`PRAGMA user_version = ${MIGRATIONS.length}`));
      if (from === 0) fill?.(this);
    });
  }

  /** Runs a statement. @returns How many rows it changed. */
  run(sql: string, ...values: SqlValue[]): number {
    return this.#guarded(() => Number(this.#statement(sql).run(...values).changes));
  }

  /** The first row of an answer. */
  get(sql: string, ...values: SqlValue[]): Row | undefined {
    return this.#guarded(() => this.#statement(sql).get(...values) as Row | undefined);
  }

  /** All rows of an answer. */
  all(sql: string, ...values: SqlValue[]): Row[] {
    return this.#guarded(() => this.#statement(sql).all(...values) as Row[]);
  }

  /**
   * Runs statements as one: all of them or none, while no other process writes. One inside another is part of it.
   */
  transaction<T>(work: () => T): T {
    if (this.#inTransaction) return work();
    this.#guarded(() => this.#handle.exec("BEGIN IMMEDIATE"));
    this.#inTransaction = true;
    try {
      const result = work();
      this.#guarded(() => this.#handle.exec("COMMIT"));
      return result;
    } catch (error) {
      // A full disk makes SQLite roll back by itself; a second ROLLBACK is then an error of no interest.
      try {
        this.#handle.exec("ROLLBACK");
      } catch { /* rolled back already */ }
      throw error;
    } finally {
      this.#inTransaction = false;
    }
  }

  /**
   * A transaction that is on disk when it returns. Others may be lost when the machine stops, the later
   * ones first: WAL with synchronous = NORMAL keeps order, not the end.
   */
  durably<T>(work: () => T): T {
    if (this.#inTransaction) throw new Error("durably() cannot be part of another transaction");
    this.#guarded(() => this.#handle.exec("PRAGMA synchronous = FULL"));
    try {
      return this.transaction(work);
    } finally {
      this.#guarded(() => this.#handle.exec("PRAGMA synchronous = NORMAL"));
    }
  }

  /** False once it was closed. */
  get isOpen(): boolean {
    return openHandles.has(this.#handle);
  }

  /** Closes the file. A second call does nothing. */
  [Symbol.dispose](): void {
    if (!openHandles.delete(this.#handle)) return;
    this.#statements.clear();
    this.#handle.close();
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#handle.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw databaseError("use the store's database", this.path, error);
    }
  }
}

function opened(path: string): DatabaseSync {
  let handle: DatabaseSync | undefined;
  try {
    handle = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    handle.exec("PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON; PRAGMA synchronous = NORMAL");
    return handle;
  } catch (error) {
    handle?.close();
    throw databaseError("open the store", path, error);
  }
}

/** Makes an empty database of version 0 under another name first: no process ever sees half of one. */
function create(path: string, tempPath: string): void {
  try {
    const handle = opened(tempPath);
    try {
      handle.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = 0`);
    } catch (error) {
      throw databaseError("create the store", path, error);
    } finally {
      handle.close();
    }
    guarded("create the store", path, () => {
      try {
        // Unlike a rename, a link does not replace what another process made meanwhile.
        linkSync(tempPath, path);
      } catch (error) {
        if (systemErrorCode(error) !== "EEXIST") throw error;
      }
    });
  } finally {
    for (const suffix of ["", "-wal", "-shm"]) rmSync(tempPath + suffix, { force: true });
  }
}

/** Reads the version of a database through a handle that cannot write. */
function checkedVersion(path: string): number {
  let handle: DatabaseSync | undefined;
  let answer: Row | undefined;
  try {
    handle = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
    answer = handle.prepare(
      // sqlite_schema is read along, so that a schema that cannot be parsed is found here.
      "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema) AS tables " +
        "FROM pragma_application_id, pragma_user_version",
    ).get() as Row;
  } catch (error) {
    throw databaseError("open the store", path, error);
  } finally {
    handle?.close();
  }
  if (answer.application_id !== APPLICATION_ID) {
    throw corruptDatabase("open the store", path, "a database, but not one of Layerwright");
  }
  const version = Number(answer.user_version);
  if (version > MIGRATIONS.length) {
    throw new LayerwrightError(
      "STORE_NEWER",
      `Cannot open the store: "${path}" has version ${version}, this Layerwright knows ${MIGRATIONS.length}`,
      { hint: "update Layerwright, or set LAYERWRIGHT_HOME to another folder" },
    );
  }
  return version;
}
