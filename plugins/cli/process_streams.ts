/**
 * Standard output and standard error of this process.
 *
 * @module
 */
import { readFileSync, writeSync } from "node:fs";
import process from "node:process";
import { LayerwrightError, systemErrorCode } from "../../core/mod.ts";
import type { ResultSink } from "./command.ts";
import type { TextSink } from "./reporters/text_sink.ts";

/** Where results go. A result that nobody could read is a failure: a full disk, a reader that is gone. */
export const standardOutput: ResultSink = {
  write(data): void {
    try {
      writeFully(1, data);
    } catch (error) {
      const code = systemErrorCode(error) ?? String(error);
      throw new LayerwrightError("EXPORT_FAILED", `Cannot write to standard output: ${code}`, {
        cause: error,
      });
    }
  },
  get isTty(): boolean {
    return process.stdout.isTTY === true;
  },
};

/** Where progress and errors go. That nobody reads them any more is no reason to stop a build. */
export const standardError: TextSink = {
  write(text): void {
    try {
      writeFully(2, text);
    } catch (error) {
      if (!["EPIPE", "EIO", "EBADF"].includes(systemErrorCode(error) ?? "")) throw error;
    }
  },
  columns: () => process.stderr.columns,
  rows: () => process.stderr.rows,
  get isTty(): boolean {
    return process.stderr.isTTY === true;
  },
};

/** Reads a source file for an excerpt; undefined where it cannot be read. */
export function readSourceFile(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/**
 * Writes all of it before it returns: an image of gigabytes must not pile up in memory because its reader is slow,
 * and what is written must not be lost when the process ends.
 */
function writeFully(fd: number, data: string | Uint8Array): void {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  for (let offset = 0; offset < bytes.length;) {
    try {
      offset += writeSync(fd, bytes, offset);
    } catch (error) {
      // A pipe that another process made non-blocking, and that is full.
      if (systemErrorCode(error) !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}
