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
  const path = join(folder, `${createHash("sha256").update(key).digest("hex").slice(0, 40)}.lock`);
  const before = lines.get(path) ?? Promise.resolve();
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
  const line = before.then(() => finished);
  lines.set(path, line);
  try {
    await unlessAborted(before, signal);
    guarded("make the folder of locks", folder, () => mkdirSync(folder, { recursive: true }));
    using _handle = await acquire(path, signal);
    return await work();
  } finally {
    finish();
    if (lines.get(path) === line) lines.delete(path);
  }
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

/** An exclusive transaction on an empty database is a POSIX lock on its file, on every system SQLite knows. */
async function acquire(path: string, signal: AbortSignal | undefined): Promise<Disposable> {
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
      !tryLock(handle, path);
      wait = Math.min(wait * 1.5, LONGEST_WAIT_MS)
    ) {
      await unlessAborted(sleep(wait), signal);
    }
    return { [Symbol.dispose]: release };
  } catch (error) {
    release();
    throw error;
  }
}

function tryLock(handle: DatabaseSync, path: string): boolean {
  try {
    handle.exec("BEGIN EXCLUSIVE");
    return true;
  } catch (cause) {
    const error = databaseError("take a lock", path, cause);
    if (error instanceof LayerwrightError && error.code === "STORE_LOCKED") return false;
    throw error;
  }
}
