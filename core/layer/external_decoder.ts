/**
 * Decompression by a program of the system, for formats that no runtime reads.
 *
 * @module
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import type { ByteSource } from "./byte_source.ts";
import { damagedStream, unsupportedStream } from "./compression_error.ts";

/** A program that decompresses with `-dc`, and the package that has it. */
const DECODERS = {
  bzip2: { program: "bzip2", packageName: "bzip2" },
  xz: { program: "xz", packageName: "xz-utils" },
} as const;

const PIECE_BYTES = 64 * 1024;
/** As much of the program's complaints as an error message needs. */
const STDERR_LIMIT = 1000;

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/**
 * Sends all of `source` through the program for its format.
 *
 * @throws {LayerwrightError} `COMPRESSION_UNSUPPORTED` if the program is not on the PATH; `COMPRESSION_INVALID`
 * with its own words if it refuses the stream.
 */
export async function* decodedByProgram(
  format: keyof typeof DECODERS,
  source: ByteSource,
): AsyncGenerator<Uint8Array> {
  const { program, packageName } = DECODERS[format];
  // Looked up here: the runtimes tell of a missing program in different ways, some only after its output has ended.
  const path = onPath(program);
  if (path === undefined) {
    throw unsupportedStream(
      format,
      `no program "${program}" is on the PATH`,
      `install the package "${packageName}"`,
    );
  }
  const child = spawn(path, ["-dc"], {
    stdio: ["pipe", "pipe", "pipe"],
    // A hostile xz header asks for 4 GiB of dictionary; bzip2 ignores the variable.
    env: { PATH: process.env.PATH, LC_ALL: "C", XZ_DEFAULTS: "--memlimit-decompress=1GiB" },
  });
  const ending = endingOf(child);
  const complaints = textOf(child.stderr);
  let sourceFailure: { readonly error: unknown } | undefined;
  feed(child, source).catch((error: unknown) => {
    sourceFailure = { error };
    child.kill("SIGKILL");
  });
  try {
    for await (const piece of child.stdout) yield piece as Uint8Array;
    const status = await ending;
    if (sourceFailure !== undefined) throw sourceFailure.error;
    if (status !== 0) throw damagedStream(format, complaints() || `"${program}" stopped`);
  } finally {
    child.kill("SIGKILL");
  }
}

function onPath(program: string): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.map((folder) => join(folder, program)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return statSync(path).isFile();
    } catch {
      return false;
    }
  });
}

/** The exit status, null after a signal. */
function endingOf(child: Child): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
}

function textOf(stream: Readable): () => string {
  let text = "";
  stream.on("data", (piece: Uint8Array) => {
    if (text.length < STDERR_LIMIT) text += Buffer.from(piece).toString("latin1");
  });
  return () => text.trim();
}

async function feed(child: Child, source: ByteSource): Promise<void> {
  let isOpen = true;
  const closed = new Promise<void>((resolve) => {
    child.on("close", () => {
      isOpen = false;
      resolve();
    });
  });
  // A program that stops early breaks the pipe: its exit status says why.
  child.stdin.on("error", () => undefined);
  while (isOpen) {
    const piece = await source.next(PIECE_BYTES);
    if (piece === undefined) break;
    await Promise.race([closed, new Promise((resolve) => child.stdin.write(piece, resolve))]);
  }
  child.stdin.end();
}
