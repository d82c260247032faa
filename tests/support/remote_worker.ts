/**
 * A worker of `layerwright worker` at the other end of a pipe, with a store of its own: as far away as it gets without
 * a second machine.
 *
 * @module
 */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type {
  ExecSession,
  Executor,
  ResolvedMount,
  RunResult,
} from "../../core/execute/executor.ts";
import { host } from "../../core/host/mod.ts";
import type { FileEntry } from "../../core/layer/file_entry.ts";
import { writeLayer } from "../../core/layer/write_layer.ts";
import { executorLadder, remoteExecutor } from "../../plugins/runtime/mod.ts";
import { type ExecutorSurroundings, surroundingsOf } from "./executor_surroundings.ts";
import { temporaryDirectory } from "./temporary_directory.ts";

const MAIN = fileURLToPath(new URL("../../bin/main.ts", import.meta.url));
const ANY_TIME_SECONDS = 253_402_300_799;

const HERE = "needs a session on this machine";

/** Tests of the contract that look at files and control groups of the session themselves. */
export const REMOTE_EXCEPTIONS: Readonly<Record<string, string>> = {
  "run() keeps the xattrs of a file it changes": HERE,
  "unpack() leaves overlayfs's own attributes of a layer out": HERE,
  "run() shows sockets with the mode and owner asked for": HERE,
  "run() refuses sockets of owners that it does not have": HERE,
  "pack() writes a directory with its owners, modes, links and times": HERE,
  "pack() leaves no half a tar of what it cannot write": HERE,
  "run() leaves no group of a step that is aborted": HERE,
  "run() refuses more layers than can be stacked": HERE,
  "run() ends daemons with the step, and has what they wrote": HERE,
  "run() survives a step that removes all there is": HERE,
};

/** argv that runs a worker with its store in a folder, for steps with all privileges too. */
export function workerCommand(home: string, executor?: string): string[] {
  return [...strictWorkerCommand(home, executor), "--allow", "security.insecure"];
}

/** argv that runs a worker as it is without options. */
export function strictWorkerCommand(home: string, executor?: string): string[] {
  return [
    ...["env", "-u", "LAYERWRIGHT_REMOTE", `LAYERWRIGHT_HOME=${home}`],
    `LAYERWRIGHT_EXECUTOR=${executor ?? ""}`,
    ...[...host.selfCommand(MAIN), "worker"],
  ];
}

/** The executor of this machine that a worker here takes, and its snapshot variant. */
async function executorHere(): Promise<{ executor: Executor; variant: string } | undefined> {
  for (const executor of executorLadder()) {
    const { usable, snapshotVariant: variant = "" } = await executor.probe();
    if (usable) return { executor, variant };
  }
  return undefined;
}

/** Those of the executor at the other end. */
export async function remoteSurroundings(): Promise<ExecutorSurroundings> {
  const [first] = executorLadder();
  const here = (await executorHere())?.executor ?? first;
  if (here === undefined) throw new Error("there is no executor");
  return await surroundingsOf(here);
}

/**
 * An executor over a pipe for tests that make roots and caches as directories of this machine: roots are sent as the
 * layers they are, and the caches of the other end are links to those of this one.
 */
export function nearbyRemote(
  command: (home: string) => readonly string[],
): Executor {
  return {
    name: "remote",
    probe: async () => {
      using home = temporaryDirectory();
      return await remoteExecutor({ command: command(join(home.path, "home")) }).probe();
    },
    async open(options): Promise<ExecSession> {
      const temporary = temporaryDirectory();
      const home = join(temporary.path, "home");
      const { variant = "" } = await executorHere() ?? {};
      const caches = join(home, "cache-mounts", `remote-${variant}`);
      mkdirSync(caches, { recursive: true });
      const executor = remoteExecutor({ command: command(home) });
      const session = await executor.open(options);
      return carrying(session, { caches, temporary });
    },
  };
}

function carrying(
  session: ExecSession,
  { caches, temporary }: {
    readonly caches: string;
    readonly temporary: Disposable & { readonly path: string };
  },
): ExecSession {
  const sent = new Map<string, Promise<void>>();
  let count = 0;
  const send = (directory: string): Promise<void> => {
    let sending = sent.get(directory);
    if (sending === undefined) {
      sending = (async () => {
        const tarPath = join(temporary.path, `root-${++count}.tar`);
        writeLayer(entriesOf(directory), tarPath, { epochSeconds: ANY_TIME_SECONDS });
        await session.unpack({ tarPath, lowers: [], directory });
        rmSync(tarPath);
      })();
      sent.set(directory, sending);
    }
    return sending;
  };
  const carry = async (lowers: readonly string[]): Promise<void> => {
    for (const lower of lowers) if (existsSync(lower)) await send(lower);
  };
  const link = (mount: ResolvedMount): void => {
    if (mount.type !== "directory") return;
    const path = join(caches, mount.path.slice(mount.path.lastIndexOf("/") + 1));
    if (!existsSync(path)) symlinkSync(mount.path, path);
  };
  return {
    async unpack(request): Promise<void> {
      await carry(request.lowers);
      sent.set(request.directory, Promise.resolve());
      await session.unpack(request);
    },
    async run(request, output, signal): Promise<RunResult> {
      await carry(request.lowers);
      for (const mount of request.mounts) {
        if (mount.type === "layers") await carry(mount.lowers);
        link(mount);
      }
      return await session.run(request, output, signal);
    },
    remove: (directories) => session.remove(directories),
    async [Symbol.asyncDispose](): Promise<void> {
      await session[Symbol.asyncDispose]();
      const left = existsSync(join(temporary.path, "home/tmp"))
        ? readdirSync(join(temporary.path, "home/tmp"))
        : [];
      temporary[Symbol.dispose]();
      if (left.length > 0) throw new Error(`the worker left ${left.join(", ")}`);
    },
  };
}

function entriesOf(root: string): FileEntry[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" }).map((path): FileEntry => {
    const file = join(root, path);
    const stats = lstatSync(file);
    const type = stats.isDirectory() ? "directory" : stats.isSymbolicLink() ? "symlink" : "file";
    return {
      ...{ path, type, mode: stats.mode & 0o7777, uid: 0, gid: 0 },
      sizeBytes: type === "file" ? stats.size : 0,
      mtimeSeconds: Math.floor(stats.mtimeMs / 1000),
      ...type === "symlink" ? { linkTarget: readlinkSync(file) } : {},
      ...type === "file" ? { content: { kind: "path", path: file } } : {},
    };
  });
}
