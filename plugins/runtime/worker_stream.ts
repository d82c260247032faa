/**
 * The worker's end of its conversation with a session.
 *
 * @module
 */
import { connect } from "node:net";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";

/** Both directions, in lines. */
export interface WorkerStream {
  readonly lines: AsyncIterator<string>;
  /** @returns when there is room for more, if there is none now. */
  send(line: string): Promise<void> | undefined;
}

/**
 * Opens the conversation: over stdin and stdout or, where those belong to the user, over a socket.
 *
 * @param socketPath Of a socket that the session listens on.
 */
export function openWorkerStream(socketPath: string | undefined): WorkerStream {
  if (socketPath === undefined) return streamOver(process.stdin, process.stdout);
  const socket = connect(socketPath);
  // The session is gone: its end is that of the lines.
  socket.on("error", () => process.exit(0));
  return streamOver(socket, socket);
}

function streamOver(input: Readable, output: Writable): WorkerStream {
  let drained: Promise<void> | undefined;
  return {
    lines: createInterface({ input })[Symbol.asyncIterator](),
    send(line): Promise<void> | undefined {
      if (output.write(`${line}\n`)) return undefined;
      // One for all who wait: a step may write faster than anybody reads, and nobody has the memory for it.
      drained ??= new Promise((resolve) => {
        output.once("drain", () => {
          drained = undefined;
          resolve();
        });
      });
      return drained;
    },
  };
}
