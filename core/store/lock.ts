/**
 * One holder per key, between processes of both runtimes.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { LayerwrightError } from "../errors.ts";
import { databaseError, guarded } from "./store_error.ts";

const FIRST_WAIT_MS = 2;
const LONGEST_WAIT_MS = 50;

// A handle that is garbage collected drops its lock silently.
const held = new Set<DatabaseSync>();
// Per lock file, the end of the line of those in this process who hold it or wait.
const lines = new Map<string, Promise<void>>();

/**
 * Does work while nobody else does work under the same key in the same home, in this process (first come,
 * first served) or any other. The kernel releases the lock when the process ends, however it ends.
 *
 * @param signal Ends the waiting, not the work.
 * @throws The reason of `signal`; what `work` throws; {@link LayerwrightError} `STORE_UNWRITABLE`.
 */
export async function withLock<T>(
  home: string,
  key: string,
  signal: AbortSignal | undefined,
  work: () => T | Promise<T>,
): Promise<T> {
  const folder = join(home, "locks");
  const path = lockPath(home, key);
  const before = lines.get(path) ?? Promise.resolve();
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
  const line = before.then(() => finished);
  lines.set(path, line);
  try {
    await unlessAborted(before, signal);
    guarded("make the folder of locks", folder, () => mkdirSync(folder, { recursive: true }));
    using _handle = await acquire(path, { shared: false, wait: true, signal });
    return await work();
  } finally {
    finish();
    if (lines.get(path) === line) lines.delete(path);
  }
}

/** How {@link takeLock} takes a lock. */
export interface TakeLockOptions {
  /** Others who share it may hold it too, and nobody else. */
  readonly shared?: boolean;
  /** Wait until it can be had. */
  readonly wait: boolean;
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Takes a lock, alone or with others who share it, until it is disposed. Its keys are others than those of
 * {@link withLock}: nobody stands in line here. The kernel releases it when the process ends, however it ends.
 *
 * @returns undefined if it cannot be had at once, and is not to be waited for.
 * @throws The reason of `signal`; {@link LayerwrightError} `STORE_UNWRITABLE`.
 */
export async function takeLock(
  home: string,
  key: string,
  { shared = false, wait, signal }: TakeLockOptions,
): Promise<Disposable | undefined> {
  const folder = join(home, "locks");
  guarded("make the folder of locks", folder, () => mkdirSync(folder, { recursive: true }));
  return await acquire(lockPath(home, key), { shared, wait, signal });
}

function lockPath(home: string, key: string): string {
  const name = createHash("sha256").update(key).digest("hex").slice(0, 40);
  return join(home, "locks", `${name}.lock`);
}

async function unlessAborted(event: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return await event;
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    await Promise.race([event, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/**
 * A transaction on an empty database is a POSIX lock on its file, on every system SQLite knows: one that reads is a
 * shared lock, an exclusive one is one for its holder alone.
 */
async function acquire(
  path: string,
  options: Required<TakeLockOptions>,
): Promise<Disposable | undefined> {
  const { shared, signal } = options;
  let handle: DatabaseSync;
  try {
    handle = new DatabaseSync(path, { timeout: 0 });
  } catch (error) {
    throw databaseError("take a lock", path, error);
  }
  held.add(handle);
  const release = (): void => {
    held.delete(handle);
    handle.close();
  };
  try {
    for (
      let wait = FIRST_WAIT_MS;
      !tryLock(handle, path, shared);
      wait = Math.min(wait * 1.5, LONGEST_WAIT_MS)
    ) {
      if (!options.wait) {
        release();
        return undefined;
      }
      await unlessAborted(sleep(wait), signal);
    }
    return { [Symbol.dispose]: release };
  } catch (error) {
    release();
    throw error;
  }
}

function tryLock(handle: DatabaseSync, path: string, shared: boolean): boolean {
  try {
    // Without the exclusive form a transaction locks when it first reads, and keeps the lock until it ends.
    if (shared) beginShared(handle);
    else handle.exec("BEGIN EXCLUSIVE");
    return true;
  } catch (cause) {
    const error = databaseError("take a lock", path, cause);
    if (error instanceof LayerwrightError && error.code === "STORE_LOCKED") return false;
    throw error;
  }
}

function beginShared(handle: DatabaseSync): void {
  handle.exec("BEGIN");
  try {
    handle.prepare("SELECT count(*) FROM sqlite_master").get();
  } catch (error) {
    handle.exec("ROLLBACK");
    throw error;
  }
}
