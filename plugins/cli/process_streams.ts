/**
 * Standard output and standard error of this process.
 *
 * @module
 */
import { fstatSync, readFileSync, writeSync } from "node:fs";
import { LayerwrightError, systemErrorCode } from "../../core/errors.ts";
import type { InputSource, ResultSink } from "./command.ts";
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
    return mayBeTerminal(1) && process.stdout.isTTY === true;
  },
};

/** Whether somebody can type into standard input. */
export function standardInputIsTty(): boolean {
  return mayBeTerminal(0);
}

let isReading = false;

/** Whether a read of standard input is under way, of which nobody wants the answer: Deno does not end before it has one. */
export function isInputAwaited(): boolean {
  return isReading;
}

/** What is typed, or sent. */
export const standardInput: InputSource = {
  async *read(signal): AsyncGenerator<Uint8Array, void, void> {
    const { stdin } = process;
    const stop = (): void => void stdin.destroy();
    signal?.addEventListener("abort", stop, { once: true });
    try {
      if (signal?.aborted === true) return;
      isReading = true;
      yield* stdin;
      isReading = false;
    } catch (error) {
      // A stream that is destroyed while somebody reads it complains.
      if (signal?.aborted !== true) throw error;
    } finally {
      signal?.removeEventListener("abort", stop);
    }
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
  columns: () => mayBeTerminal(2) ? process.stderr.columns : undefined,
  rows: () => mayBeTerminal(2) ? process.stderr.rows : undefined,
  get isTty(): boolean {
    return mayBeTerminal(2) && process.stderr.isTTY === true;
  },
};

/** /dev/null and its like. */
const LINUX_MEMORY_DEVICES = 1;

/** False for files and pipes, without the stream objects of the process: on Bun those take 5 ms to make. */
function mayBeTerminal(fd: number): boolean {
  try {
    const status = fstatSync(fd);
    return status.isCharacterDevice() &&
      !(process.platform === "linux" && status.rdev >> 8 === LINUX_MEMORY_DEVICES);
  } catch {
    // Closed.
    return false;
  }
}

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
