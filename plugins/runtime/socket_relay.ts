/**
 * Sockets of the machine for steps: each is a socket of the worker's own, whose connections are passed on.
 *
 * The socket itself would not do. Whoever connects needs write permission on it, which a user of a step has not, and an
 * agent turns away everybody but root and its own user. Its mode and owner cannot be changed, since they are the
 * machine's. What the worker makes is its own: it has the mode and owner asked for, and the agent sees the worker's user
 * at the other end, who is the one that runs the build.
 *
 * @module
 */
import { chmodSync, chownSync, closeSync, mkdirSync, openSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { LayerwrightError } from "../../core/errors.ts";
import type { ResolvedMount } from "../../core/mod.ts";
import type { WorkerContext } from "./worker_context.ts";

/** The mounts of a step with the relays in the place of the sockets; ends them. */
export interface RelayedMounts extends AsyncDisposable {
  readonly mounts: readonly ResolvedMount[];
}

/**
 * Starts a relay for each socket of a step.
 *
 * @param scratch The step's directory in memory.
 * @throws {LayerwrightError} `RUN_UNSUPPORTED` for owners that do not exist here; `RUN_WORKER_FAILED`.
 */
export async function relaySockets(
  context: Pick<WorkerContext, "checkMapped">,
  mounts: readonly ResolvedMount[],
  scratch: string,
): Promise<RelayedMounts> {
  await using undo = new AsyncDisposableStack();
  const relayed: ResolvedMount[] = [];
  for (const [index, mount] of mounts.entries()) {
    if (mount.type !== "socket") {
      relayed.push(mount);
      continue;
    }
    context.checkMapped(mount.uid, mount.gid);
    const directory = `${scratch}/socket-${index}`;
    mkdirSync(directory, { mode: 0o700 });
    undo.use(await startRelay(mount.path, directory));
    const path = `${directory}/${NAME}`;
    chownSync(path, mount.uid, mount.gid);
    chmodSync(path, mount.mode);
    relayed.push({ ...mount, path });
  }
  const running = undo.move();
  return { mounts: relayed, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

const NAME = "s";

async function startRelay(target: string, directory: string): Promise<AsyncDisposable> {
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(target);
    for (const [socket, other] of [[near, far], [far, near]] as const) {
      open.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        open.delete(socket);
        other.destroySoon();
      });
      socket.pipe(other);
    }
  });
  // A path in the store may be longer than the 107 bytes that the name of a socket can have.
  const fd = openSync(directory, "r");
  try {
    await new Promise<void>((resolve, reject) => {
      server.on("error", reject);
      server.listen(`/proc/self/fd/${fd}/${NAME}`, resolve);
    });
  } catch (cause) {
    closeSync(fd);
    throw new LayerwrightError(
      "RUN_WORKER_FAILED",
      `Cannot make a socket for the step: ${(cause as Error).message}`,
      { cause },
    );
  }
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of open) socket.destroy();
      await closed;
      // Not before: the runtime may remove the socket by its name.
      closeSync(fd);
    },
  };
}
