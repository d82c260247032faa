/**
 * Where the benchmark keeps its files: memory, so that no disk and no history of a file system is measured. ext4 makes
 * files five times slower after many were deleted, which would flatter whoever makes none.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { freemem, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Set in the copy of the benchmark that has a mount namespace of its own. */
const INSIDE = "LAYERWRIGHT_BENCH_NAMESPACE";

/** `TMPFS_MAGIC` of statfs(2). */
const TMPFS_MAGIC = 0x01021994;

/** A folder that is gone when the benchmark is. */
export interface Scratch extends Disposable {
  readonly path: string;
  readonly inMemory: boolean;
}

/**
 * Starts this program again in a mount namespace of its own, where that can be had: what it mounts is unmounted
 * when it ends, however it ends.
 *
 * @returns the exit code of the copy; undefined in the copy itself, and where there can be none.
 */
export function runInNamespace(args: readonly string[]): number | undefined {
  if (process.env[INSIDE] !== undefined || process.getuid?.() !== 0) return undefined;
  const unshare = ["-m", "--propagation", "private"];
  if (spawnSync("unshare", [...unshare, "true"]).status !== 0) return undefined;
  const main = fileURLToPath(new URL("./main.ts", import.meta.url));
  const { status } = spawnSync(
    "unshare",
    [...unshare, process.execPath, "run", main, ...args],
    { stdio: "inherit", env: { ...process.env, [INSIDE]: "1" } },
  );
  return status ?? 1;
}

/** Makes the folder: where it was asked for, else on a tmpfs of our own, in /dev/shm, in the folder for temporary files. */
export function makeScratch(folder?: string): Scratch {
  if (folder === undefined && process.env[INSIDE] !== undefined) {
    const path = mkdtempSync(join(tmpdir(), "lw-bench-"));
    // rmdir after the mount is gone would need a parent; an empty folder is removed by who comes first.
    if (
      spawnSync("mount", ["-t", "tmpfs", "-o", "size=90%,mode=0755", "lw-bench", path]).status === 0
    ) {
      return {
        path,
        inMemory: true,
        [Symbol.dispose]: (): void => {
          spawnSync("umount", ["-R", "-l", path]);
          rmSync(path, { recursive: true, force: true });
        },
      };
    }
    rmSync(path, { recursive: true, force: true });
  }
  for (const parent of folder === undefined ? ["/dev/shm", tmpdir()] : [folder]) {
    try {
      const path = mkdtempSync(join(parent, "lw-bench-"));
      return {
        path,
        inMemory: statfsSync(path).type === TMPFS_MAGIC,
        [Symbol.dispose]: (): void => rmSync(path, { recursive: true, force: true }),
      };
    } catch {
      // Not there, or not ours to write to: the next one.
    }
  }
  throw new Error(
    `Cannot make a folder for the benchmark: "${folder ?? tmpdir()}" is not writable`,
  );
}

/** Bytes that a workload may still write to the folder without starving the machine. */
export function roomBytes(scratch: Scratch): number {
  const { bavail, bsize } = statfsSync(scratch.path);
  const disk = bavail * bsize;
  return scratch.inMemory ? Math.min(disk, availableMemoryBytes() * 0.8) : disk * 0.8;
}

function availableMemoryBytes(): number {
  try {
    const match = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8"));
    return Number(match?.[1]) * 1024 || freemem();
  } catch {
    return freemem();
  }
}

/** An empty folder of this name, whatever was there before. */
export function freshFolder(path: string): string {
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  return path;
}
