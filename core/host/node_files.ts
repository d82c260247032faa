/**
 * Small work through modules of Node, loaded at the first use: on Deno `node:fs` takes as long as a start.
 *
 * @module
 */

/** As `Host.readFile`. */
export function readFileByNode(path: string): Uint8Array | undefined {
  try {
    return process.getBuiltinModule("node:fs").readFileSync(path);
  } catch {
    return undefined;
  }
}

/** As `Host.readPipe`, each pipe in a thread of its own as long as it is read. */
export async function* readPipeByNode(fd: number): AsyncIterable<Uint8Array> {
  // Closes the file itself.
  yield* process.getBuiltinModule("node:fs").createReadStream("", { fd });
}

/** Whether to ask for the C library at all. The variable is for machines on which FFI is there and fails. */
export function hasFfi(): boolean {
  try {
    return process.platform === "linux" && process.env["LAYERWRIGHT_FFI"] !== "off";
  } catch {
    // Deno without the permission to read the environment.
    return true;
  }
}

/** As `Host.touch`. */
export function touchByNode(path: string): void {
  try {
    const now = new Date();
    process.getBuiltinModule("node:fs").utimesSync(path, now, now);
  } catch {
    // Gone, or another user's: nobody waits for it.
  }
}
