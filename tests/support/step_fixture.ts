/**
 * A small root file system and a session to run steps in it.
 *
 * @module
 */
import {
  chmodSync,
  copyFileSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { ExecSession, Executor, RunRequest, RunResult } from "../../core/execute/executor.ts";
import type { FileEntry } from "../../core/layer/file_entry.ts";
import { indexTar } from "../../core/layer/tar_reader.ts";
import { programPath } from "./program_path.ts";
import { temporaryDirectory } from "./temporary_directory.ts";

const BUSYBOX = programPath("busybox");
const APPLETS =
  "cat chgrp chmod chown cp dd df env false find grep head hostname id kill ln ls mkdir mkfifo mknod mount mv nproc od printf readlink rm rmdir sed sh sha256sum sleep sort stat touch true umount wc";

/** Why no root file system can be made here; undefined when one can. */
export const noBusybox: string | undefined = BUSYBOX === undefined
  ? "needs busybox (static)"
  : undefined;

/** How a step ended, with all it printed. */
export interface FinishedStep {
  readonly result: RunResult;
  readonly stdout: string;
  readonly stderr: string;
  /** What its layer holds; empty without one. */
  readonly entries: readonly FileEntry[];
  /** Its layer, if it has one. */
  readonly layerPath: string;
  /** Its changes as an overlay lower directory. */
  readonly upper: string;
}

/** What of a step a test may want otherwise. */
export type StepOptions = Partial<RunRequest> & {
  readonly signal?: AbortSignal;
  readonly onOutput?: (text: string) => void;
};

/** One session with a busybox root. `await using` closes it. */
export interface StepFixture extends AsyncDisposable {
  readonly session: ExecSession;
  /** For files of the test, on the file system of the session. */
  readonly directory: string;
  /** The session's own folder. */
  readonly workDirectory: string;
  /** The unpacked root. */
  readonly lower: string;
  /** A new path in `directory`. */
  path(): string;
  /** Runs a script in the shell, or an argument vector. */
  run(command: string | readonly string[], options?: StepOptions): Promise<FinishedStep>;
}

/** Opens a session of an executor. */
export async function openStepFixture(
  executor: Executor,
  signal?: AbortSignal,
): Promise<StepFixture> {
  const temporary = temporaryDirectory();
  const directory = temporary.path;
  const lower = join(directory, "lower");
  makeRoot(lower);
  const workDirectory = join(directory, "session");
  const session = await executor.open({
    workDirectory,
    ...signal === undefined ? {} : { signal },
  }).catch((error) => {
    temporary[Symbol.dispose]();
    throw error;
  });
  let count = 0;
  const path = (): string => join(directory, `file-${++count}`);
  return {
    session,
    directory,
    workDirectory,
    lower,
    path,
    async run(command, { signal, onOutput, ...request } = {}): Promise<FinishedStep> {
      const [layerPath, upper] = [path(), path()];
      const texts = { stdout: "", stderr: "" };
      const decoder = new TextDecoder();
      const result = await session.run(
        {
          lowers: [lower],
          args: typeof command === "string" ? ["sh", "-ec", command] : command,
          environment: ["PATH=/bin"],
          workingDirectory: "/",
          user: "",
          hostname: "buildkitsandbox",
          network: "default",
          security: "sandbox",
          mounts: [],
          epochSeconds: 0,
          layerPath,
          upperDirectory: upper,
          ...request,
        },
        {
          write(stream, bytes): void {
            texts[stream] += decoder.decode(bytes);
            onOutput?.(texts.stdout + texts.stderr);
          },
        },
        signal,
      );
      const entries = result.layer === undefined ? [] : indexTar(layerPath);
      return { result, ...texts, entries, layerPath, upper };
    },
    async [Symbol.asyncDispose](): Promise<void> {
      // Snapshots may hold files of ids that only the session maps.
      await session.remove([directory]).catch(() => {});
      await session[Symbol.asyncDispose]();
      temporary[Symbol.dispose]();
    },
  };
}

function makeRoot(root: string): void {
  for (const name of ["", "bin", "etc", "root", "tmp", "dir", "dir/inner"]) {
    mkdirSync(join(root, name));
    chmodSync(join(root, name), 0o755);
  }
  chmodSync(join(root, "tmp"), 0o1777);
  copyFileSync(BUSYBOX ?? "", join(root, "bin/busybox"));
  for (const name of APPLETS.split(" ")) symlinkSync("busybox", join(root, "bin", name));
  const files: Readonly<Record<string, string>> = {
    "etc/passwd": "root:x:0:0::/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\n",
    "etc/group": "root:x:0:\nada:x:1000:\nwheel:x:10:root,ada\nvideo:x:44:ada\n",
    "dir/a": "a\n",
    "dir/b": "b\n",
    "dir/inner/c": "c\n",
  };
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(root, name), text);
    chmodSync(join(root, name), 0o644);
  }
  // As an unpacked layer of ours has it: whole seconds, clamped.
  for (const name of readdirSync(root, { recursive: true })) {
    lutimesSync(join(root, String(name)), 0, 0);
  }
}

/** `mode path` of each entry, `-> target` for links: what most tests compare. */
export function summaryOf(entries: readonly FileEntry[]): string[] {
  return entries.map(({ type, mode, path, linkTarget }) =>
    type === "symlink" || type === "hardlink"
      ? `${type} ${path} -> ${linkTarget}`
      : `${type} ${mode.toString(8)} ${path}`
  );
}
