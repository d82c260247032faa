/**
 * What the two runtimes do differently, behind one seam. Only files in this folder name `Bun` or `Deno`.
 *
 * @module
 */

import type { FileStatus } from "./file_status.ts";

/** The runtimes this project runs on. `node` is enough for the parts that need neither FFI nor SQLite. */
export type RuntimeName = "bun" | "deno" | "node";

/** Linux system calls that `node:fs` lacks. Each throws an `Error` with `code` (`EPERM`…) and `syscall`. */
export interface SystemCalls {
  /** mount(2). `data` over 4,000 bytes is refused: the kernel would cut it silently. */
  mount(source: string, target: string, type: string, flags: number, data: string): void;
  /** umount2(2). */
  unmount(target: string, flags: number): void;
  /** mknod(2); `mode` includes the file type bits. */
  mknod(path: string, mode: number, major: number, minor: number): void;
  /** llistxattr(2) and lgetxattr(2): all extended attributes, never following a link. Empty where unsupported. */
  listXattrs(path: string): Record<string, Uint8Array>;
  /** lsetxattr(2). */
  setXattr(path: string, name: string, value: Uint8Array): void;
  /** utimensat(2) with AT_SYMLINK_NOFOLLOW: sets access and modification time, nanoseconds kept. */
  setTimes(path: string, mtimeNs: bigint): void;
  /** syncfs(2) of the file system that holds `path`. */
  syncFileSystem(path: string): void;
  /**
   * close_range(2) with CLOSE_RANGE_CLOEXEC: no program started from now on gets the files open now, but for the
   * first three. Does nothing where the C library lacks the call.
   */
  closeFilesOnExec(): void;
}

/** How a C function takes and gives values: a pointer to bytes, an address to hand on as it is, an integer. */
export type ForeignType = "buffer" | "pointer" | "i32" | "u32" | "u64";

/** A function of a C library. */
export interface ForeignFunction {
  readonly args: readonly ForeignType[];
  readonly result: ForeignType | "void";
}

/** One runtime, seen from core and plugins. */
export interface Host {
  readonly runtime: RuntimeName;
  readonly version: string;
  /**
   * The system calls through FFI; else those that this process was given; else undefined. There is no FFI on other
   * systems than Linux, without permission, and with `LAYERWRIGHT_FFI=off`.
   */
  systemCalls(): SystemCalls | undefined;
  /** Gives this process what to use where there is no FFI. */
  useSystemCalls(calls: SystemCalls): void;
  /**
   * Functions of another C library, by the name its file has where the loader looks. Undefined where there is no FFI, no
   * such library, or no such function in it. Arguments are what their type says: bytes, numbers, bigints for `u64`.
   */
  bindLibrary<Name extends string>(
    library: string,
    functions: Readonly<Record<Name, ForeignFunction>>,
  ): Readonly<Record<Name, (...args: unknown[]) => unknown>> | undefined;
  /**
   * Reads a pipe until nobody can write to it any more, and closes it. Many may be read at a time, each as it comes,
   * whatever the runtime has threads for.
   */
  readPipe(fd: number): AsyncIterable<Uint8Array>;
  /** What tells the status of files, made once: through FFI where there is one, else through `node:fs`. */
  fileStatus(): FileStatus;
  /** The bytes of a file; undefined if it cannot be read, whatever the reason. Loads nothing that is slow to load. */
  readFile(path: string): Uint8Array | undefined;
  /** Sets the times of a file to now, if it is there and may be touched. Loads nothing that is slow to load. */
  touch(path: string): void;
  /** argv that runs a TypeScript module of ours in a new process of this runtime, with all permissions. */
  selfCommand(modulePath: string): string[];
}
