/**
 * What the operating system and SQLite say, in the store's own codes.
 *
 * @module
 */
import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { LayerwrightError, systemErrorCode } from "../errors.ts";

/**
 * Turns a file system error into one that says what was attempted and what to do.
 *
 * @param action `store blob sha256:…`: what follows "Cannot".
 * @returns The error to throw; `error` itself when it is not one of the store's.
 */
function storeError(action: string, path: string, error: unknown): unknown {
  if (error instanceof LayerwrightError) return error;
  switch (systemErrorCode(error)) {
    case "ENOSPC":
    case "EDQUOT":
      return full(action, path, error);
    case "EACCES":
    case "EPERM":
      return unwritable(action, path, "permission denied", "change its owner or mode", error);
    case "EROFS":
      return unwritable(action, path, "the file system is read-only", "remount it", error);
    case "ENOTDIR":
    case "EEXIST":
      return unwritable(action, path, "a file is where a folder should be", "move it away", error);
    case "EXDEV":
      return unwritable(action, path, "it is on another file system", "use one file system", error);
    default:
      return error;
  }
}

/**
 * Turns an error of SQLite into one of the store's.
 *
 * Deno's `node:sqlite` gives result codes for some calls only; the texts are SQLite's own and the same everywhere.
 */
export function databaseError(action: string, path: string, error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { message } = error;
  if (/database or disk is full/.test(message)) return full(action, path, error);
  if (/database is locked|database table is locked|database schema is locked/.test(message)) {
    return new LayerwrightError(
      "STORE_LOCKED",
      `Cannot ${action}: "${path}" is locked by another process`,
      {
        hint: "wait for the other process, or end it",
        cause: error,
      },
    );
  }
  if (/file is not a database|disk image is malformed|malformed database schema/.test(message)) {
    return corruptDatabase(action, path, message, error);
  }
  if (/disk I\/O error/.test(message)) {
    // SQLite's answer when it cannot make its shared memory file, for lack of space as for any other reason.
    if (isFull(dirname(path))) return full(action, path, error);
    return unwritable(action, path, message, "check the disk and its file system", error);
  }
  if (/readonly database|unable to open database/.test(message)) {
    return unwritable(action, path, message, "change its owner or mode", error);
  }
  return error;
}

/** The error for a database that cannot be read. Blobs and `index.json` beside it are untouched by that. */
export function corruptDatabase(
  action: string,
  path: string,
  state: string,
  cause?: unknown,
): LayerwrightError {
  return new LayerwrightError("STORE_CORRUPT", `Cannot ${action}: "${path}" is damaged: ${state}`, {
    hint:
      `move "${path}" away, and its -wal and -shm files; a new one takes the tags over from index.json`,
    cause,
  });
}

/** Whether there is no room even for the little that SQLite asks for at a time. */
function isFull(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize < 64 * 1024;
  } catch {
    return false;
  }
}

function full(action: string, path: string, cause: unknown): LayerwrightError {
  return new LayerwrightError("STORE_FULL", `Cannot ${action}: no space left for "${path}"`, {
    hint: "free disk space, remove images and prune, or set LAYERWRIGHT_HOME to a larger disk",
    cause,
  });
}

function unwritable(
  action: string,
  path: string,
  state: string,
  mend: string,
  cause: unknown,
): LayerwrightError {
  return new LayerwrightError(
    "STORE_UNWRITABLE",
    `Cannot ${action}: cannot write "${path}": ${state}`,
    {
      hint: `${mend}, or set LAYERWRIGHT_HOME to a folder that you can write`,
      cause,
    },
  );
}

/** Runs file system calls; what they throw becomes the store's own errors. */
export function guarded<T>(action: string, path: string, calls: () => T): T {
  try {
    return calls();
  } catch (error) {
    throw storeError(action, path, error);
  }
}
