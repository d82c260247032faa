/**
 * lstat(2) of many files: statx(2) through FFI into one buffer, or `node:fs` with the same results.
 *
 * `node:fs` makes an object and a dozen values for every file; on Deno it cuts times (ctime to the second), too.
 *
 * @see statx(2)
 * @module
 */
import type { BigIntStats } from "node:fs";
import { errnoCode } from "./errno.ts";
import {
  CTIME,
  DEV,
  GID,
  INO,
  joinDevice,
  MODE,
  MTIME,
  NLINK,
  RDEV,
  SIZE,
  splitDevice,
  UID,
} from "./statx_layout.ts";

/** statx(2) as an FFI gives it; addresses are numbers, since the memory of an ArrayBuffer does not move. */
export interface StatxBinding {
  statx(dirfd: number, path: number, flags: number, mask: number, buffer: number): number;
  llistxattr(path: number, list: number, size: number): number | bigint;
  /** errno of this thread; only meaningful straight after a call that returned -1. */
  errno(): number;
  addressOf(bytes: Uint8Array): number;
}

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
const STATX_BASIC_STATS = 0x7ff;
const ENOENT = 2;
const ENOTDIR = 20;
const ENAMETOOLONG = 36;
const ENOTSUP = 95;
// PATH_MAX, and three bytes for one that UTF-16 counts as one.
const PATH_BYTES = 3 * 4096;

const encoder = new TextEncoder();

/** The status of the file last looked at. One object serves all files, so read it before the next look. */
export class FileStatus {
  /** struct statx of the last file, as 32-bit words. */
  readonly words: Uint32Array;
  readonly #quads: BigInt64Array;
  readonly #binding: StatxBinding | undefined;
  readonly #buffer: number = 0;
  readonly #path: Uint8Array;
  readonly #pathAddress: number = 0;
  #device = 0n;
  #deviceWords = [0, 0];

  /** @param binding Absent: `node:fs` is used. */
  constructor(binding?: StatxBinding) {
    // Longer than struct statx: what is small may lie where a garbage collector moves it.
    const bytes = new ArrayBuffer(4096);
    this.words = new Uint32Array(bytes);
    this.#quads = new BigInt64Array(bytes);
    this.#path = new Uint8Array(PATH_BYTES);
    this.#binding = binding;
    if (binding === undefined) return;
    this.#buffer = binding.addressOf(new Uint8Array(bytes));
    this.#pathAddress = binding.addressOf(this.#path);
  }

  /** Whether this looks through FFI. */
  get isNative(): boolean {
    return this.#binding !== undefined;
  }

  /**
   * Looks at a path as lstat(2) does, or with `follow` as stat(2).
   *
   * @returns False if nothing is there (`ENOENT`, `ENOTDIR`).
   * @throws {Error} With `code` (`EACCES`…), for all else that goes wrong.
   * @example
   * ```ts
   * import assert from "node:assert/strict";
   * import { host } from "./mod.ts";
   * const status = host.fileStatus();
   * assert.ok(status.look(import.meta.dirname ?? ".") && (status.mode & 0o170000) === 0o040000);
   * assert.ok(!status.look("/no/such/file"));
   * ```
   */
  look(path: string, follow = false): boolean {
    if (this.#binding === undefined) return this.#lookByNode(path, follow);
    if (path.includes("\0")) throw failure("EINVAL", path);
    const { read, written } = encoder.encodeInto(path, this.#path);
    if (read < path.length || written === this.#path.length) {
      throw failure(errnoCode(ENAMETOOLONG), path);
    }
    this.#path[written] = 0;
    return this.#statx(AT_FDCWD, this.#pathAddress, follow ? 0 : AT_SYMLINK_NOFOLLOW, path);
  }

  /**
   * Whether the file that {@link look} just found may have extended attributes, which most have not; true where this
   * cannot be told.
   */
  mayHaveXattrs(): boolean {
    const binding = this.#binding;
    if (binding === undefined) return true;
    const size = Number(binding.llistxattr(this.#pathAddress, 0, 0));
    return size > 0 || (size < 0 && binding.errno() !== ENOTSUP);
  }

  /** Looks at an open file. */
  lookAtOpen(fd: number): void {
    if (this.#binding === undefined) {
      this.#take(process.getBuiltinModule("node:fs").fstatSync(fd, { bigint: true }));
      return;
    }
    this.#path[0] = 0;
    this.#statx(fd, this.#pathAddress, AT_EMPTY_PATH, `file descriptor ${fd}`);
  }

  /**
   * Makes a function that looks at paths within `bytes`, each ended by a NUL, by where they begin: nothing is decoded
   * and nothing allocated. Results are those of {@link look}.
   */
  within(bytes: Uint8Array): (offset: number, follow: boolean) => boolean {
    const binding = this.#binding;
    const text = (offset: number): string =>
      new TextDecoder("utf-8", { ignoreBOM: true })
        .decode(bytes.subarray(offset, bytes.indexOf(0, offset)));
    if (binding === undefined) {
      return (offset, follow) => this.#lookByNode(text(offset), follow);
    }
    const start = binding.addressOf(bytes);
    const buffer = this.#buffer;
    return (offset, follow) => {
      const flags = follow ? 0 : AT_SYMLINK_NOFOLLOW;
      if (binding.statx(AT_FDCWD, start + offset, flags, STATX_BASIC_STATS, buffer) === 0) {
        return true;
      }
      return this.#isMissing(text(offset));
    };
  }

  /** Whether `row`, from `at`, holds the {@link STATUS_WORDS} of the file looked at, but for bits above those of a mode. */
  equals(row: Uint32Array, at: number): boolean {
    const { words } = this;
    // Written out, since this is most of what a build does that finds nothing changed.
    return words[CTIME + 2] === row[at + 10] && words[CTIME] === row[at + 8] &&
      words[INO] === row[at + 4] && words[SIZE] === row[at + 6] &&
      words[MTIME + 2] === row[at + 13] && words[MTIME] === row[at + 11] &&
      words[NLINK] === row[at] && words[UID] === row[at + 1] && words[GID] === row[at + 2] &&
      (words[MODE] ?? 0) === ((row[at + 3] ?? 0) & 0xffff) && words[INO + 1] === row[at + 5] &&
      words[SIZE + 1] === row[at + 7] && words[CTIME + 1] === row[at + 9] &&
      words[MTIME + 1] === row[at + 12] && words[DEV] === row[at + 14] &&
      words[DEV + 1] === row[at + 15];
  }

  /** As {@link equals}, of the words that a change of what is in a directory leaves as they are. */
  isSameFile(row: Uint32Array, at: number): boolean {
    const { words } = this;
    return words[UID] === row[at + 1] && words[GID] === row[at + 2] &&
      (words[MODE] ?? 0) === ((row[at + 3] ?? 0) & 0xffff) && words[INO] === row[at + 4] &&
      words[INO + 1] === row[at + 5] && words[DEV] === row[at + 14] &&
      words[DEV + 1] === row[at + 15];
  }

  /** File type and permission bits. */
  get mode(): number {
    return (this.words[MODE] ?? 0) & 0xffff;
  }

  get nlink(): number {
    return this.words[NLINK] ?? 0;
  }

  get uid(): number {
    return this.words[UID] ?? 0;
  }

  get gid(): number {
    return this.words[GID] ?? 0;
  }

  get sizeBytes(): number {
    return (this.words[SIZE] ?? 0) + (this.words[SIZE + 1] ?? 0) * 2 ** 32;
  }

  get ino(): bigint {
    return BigInt.asUintN(64, this.#quads[INO / 2] ?? 0n);
  }

  /** False where files have no number: a runtime or file system without inodes. */
  get hasInode(): boolean {
    return this.words[INO] !== 0 || this.words[INO + 1] !== 0;
  }

  /** As `st_dev`: major and minor number in one. */
  get dev(): bigint {
    const [major = 0, minor = 0] = [this.words[DEV], this.words[DEV + 1]];
    // Nearly all files that are looked at in a row are on one device.
    if (this.#deviceWords[0] !== major || this.#deviceWords[1] !== minor) {
      this.#device = joinDevice(major, minor);
      this.#deviceWords = [major, minor];
    }
    return this.#device;
  }

  /** Major and minor number of a device node. */
  get rdevMajor(): number {
    return this.words[RDEV] ?? 0;
  }

  get rdevMinor(): number {
    return this.words[RDEV + 1] ?? 0;
  }

  /** Whole seconds since the epoch, rounded down. */
  get mtimeSeconds(): number {
    return this.#secondsAt(MTIME);
  }

  /** As {@link mtimeSeconds}. */
  get ctimeSeconds(): number {
    return this.#secondsAt(CTIME);
  }

  get mtimeNs(): bigint {
    return (this.#quads[MTIME / 2] ?? 0n) * 1_000_000_000n + BigInt(this.words[MTIME + 2] ?? 0);
  }

  get ctimeNs(): bigint {
    return (this.#quads[CTIME / 2] ?? 0n) * 1_000_000_000n + BigInt(this.words[CTIME + 2] ?? 0);
  }

  #secondsAt(at: number): number {
    // Without a BigInt: this is asked of every file.
    return (this.words[at] ?? 0) + ((this.words[at + 1] ?? 0) | 0) * 2 ** 32;
  }

  #statx(dirfd: number, address: number, flags: number, path: string): boolean {
    const { statx } = this.#binding ?? {};
    if (statx?.(dirfd, address, flags, STATX_BASIC_STATS, this.#buffer) === 0) return true;
    return this.#isMissing(path);
  }

  #isMissing(path: string): false {
    const errno = this.#binding?.errno() ?? 0;
    if (errno === ENOENT || errno === ENOTDIR) return false;
    throw failure(errnoCode(errno), path);
  }

  #lookByNode(path: string, follow: boolean): boolean {
    // Loaded here, since it is slow to load on Deno, where it is hardly ever needed.
    const { lstatSync, statSync } = process.getBuiltinModule("node:fs");
    try {
      const stats = (follow ? statSync : lstatSync)(path, { bigint: true, throwIfNoEntry: false });
      if (stats === undefined) return false;
      this.#take(stats);
      return true;
    } catch (error) {
      if ((error as { code?: unknown }).code === "ENOTDIR") return false;
      throw error;
    }
  }

  #take(stats: BigIntStats): void {
    const { words } = this;
    words[MODE] = Number(stats.mode);
    words[NLINK] = Number(stats.nlink);
    words[UID] = Number(stats.uid);
    words[GID] = Number(stats.gid);
    this.#quads[INO / 2] = BigInt.asIntN(64, stats.ino);
    this.#quads[SIZE / 2] = stats.size;
    this.#takeTime(CTIME, stats.ctimeNs);
    this.#takeTime(MTIME, stats.mtimeNs);
    [words[RDEV], words[RDEV + 1]] = splitDevice(stats.rdev);
    [words[DEV], words[DEV + 1]] = splitDevice(stats.dev);
  }

  #takeTime(at: number, timeNs: bigint): void {
    // Bun gives nanoseconds before 1970 as a negative rest; the kernel counts them from the second below.
    const rest = ((timeNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
    this.#quads[at / 2] = (timeNs - rest) / 1_000_000_000n;
    this.words[at + 2] = Number(rest);
  }
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: statx '${path}'`), { code, syscall: "statx", path });
}
