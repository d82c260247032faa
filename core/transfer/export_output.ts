/**
 * What all exporters share: the options they take, where bytes go, and how failures are told.
 *
 * @module
 */
import { LayerwrightError, systemErrorCode } from "../errors.ts";
import { writeFileAtomically } from "./atomic_file.ts";
import type { ExportOptions } from "./exporter.ts";

/**
 * Refuses attributes that an exporter does not know, all at once.
 *
 * @throws {LayerwrightError} `OPTION_INVALID`.
 */
export function checkAttributes(
  type: string,
  attributes: Readonly<Record<string, string>>,
  known: readonly string[],
): void {
  const unknown = Object.keys(attributes).filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw new LayerwrightError(
    "OPTION_INVALID",
    `Cannot export as type=${type}: unknown ${unknown.map((name) => `"${name}"`).join(", ")}`,
    { hint: `it takes ${["dest", ...known].join(", ")}` },
  );
}

/** Reads an attribute that is `true` or `false`, in the spellings of Go's flags. */
export function booleanAttribute(name: string, value: string): boolean {
  if (/^(?:1|t|true)$/i.test(value)) return true;
  if (/^(?:0|f|false)$/i.test(value)) return false;
  throw new LayerwrightError(
    "OPTION_INVALID",
    `Cannot use ${name}=${JSON.stringify(value)}: neither true nor false`,
  );
}

/** Ends an export that nobody waits for any more. */
export function checkNotCancelled({ dest, signal }: ExportOptions): void {
  if (signal?.aborted !== true) return;
  throw new LayerwrightError(
    "BUILD_CANCELLED",
    `Cannot export to ${JSON.stringify(dest)}: cancelled`,
    {
      cause: signal.reason,
    },
  );
}

/**
 * Sends the bytes of one archive to the file or stream of the options.
 *
 * @throws {LayerwrightError} `EXPORT_FAILED`; `BUILD_CANCELLED`.
 */
export function writeArchive(
  options: ExportOptions,
  fill: (write: (bytes: Uint8Array) => void) => void,
): void {
  const { dest, write } = options;
  checkNotCancelled(options);
  reportingFailure(dest, () => {
    if (dest !== "-") {
      writeFileAtomically(dest, (sink) => {
        fill(sink);
        checkNotCancelled(options);
      });
    } else if (write === undefined) {
      throw new LayerwrightError(
        "EXPORT_FAILED",
        'Cannot export to "-": there is no stream to write to',
      );
    } else {
      // A stream may keep what it gets; the writers use their buffers again.
      fill((bytes) => write(bytes.slice()));
    }
  });
}

/** Runs a part of an export; what it throws becomes `EXPORT_FAILED` with the path and a way out. */
export function reportingFailure<T>(dest: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    const code = systemErrorCode(error);
    if (error instanceof LayerwrightError) {
      if (error.code === "EXPORT_FAILED" || error.code === "BUILD_CANCELLED") throw error;
      throw new LayerwrightError(
        "EXPORT_FAILED",
        `Cannot export to ${JSON.stringify(dest)}: ${error.message}`,
        {
          details: error.details,
          hint: error.hint,
          cause: error,
        },
      );
    }
    throw new LayerwrightError(
      "EXPORT_FAILED",
      `Cannot export to ${JSON.stringify(dest)}: ${
        error instanceof Error ? error.message : String(error)
      }`,
      { hint: code === undefined ? undefined : FIXES.get(code), cause: error },
    );
  }
}

const FIXES: ReadonlyMap<string, string> = new Map([
  ["EACCES", "check who may use that path, or choose another folder"],
  ["EPERM", "check who may use that path, or choose another folder"],
  ["EROFS", "choose a folder that is not on a read-only file system"],
  ["ENOSPC", "free some space, or choose another file system"],
  ["EDQUOT", "free some of your quota, or choose another file system"],
  ["EISDIR", "name a file in that folder"],
  ["ENOTDIR", "a part of the path is a file: choose another path"],
  ["EEXIST", "a part of the path is a file: choose another path"],
]);
