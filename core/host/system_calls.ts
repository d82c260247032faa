/**
 * {@link SystemCalls} over a handful of libc symbols, whichever FFI bound them.
 *
 * @module
 */
import { errnoCode } from "./errno.ts";
import type { SystemCalls } from "./host.ts";

/** The libc functions as an FFI gives them: pointers are byte buffers, results are C ints. */
export interface LibcSymbols {
  mount(
    source: Uint8Array,
    target: Uint8Array,
    type: Uint8Array,
    flags: number,
    data: Uint8Array,
  ): number;
  umount2(target: Uint8Array, flags: number): number;
  mknod(path: Uint8Array, mode: number, dev: bigint): number;
  llistxattr(path: Uint8Array, list: Uint8Array, size: bigint): number | bigint;
  lgetxattr(path: Uint8Array, name: Uint8Array, value: Uint8Array, size: bigint): number | bigint;
  lsetxattr(
    path: Uint8Array,
    name: Uint8Array,
    value: Uint8Array,
    size: bigint,
    flags: number,
  ): number;
  utimensat(dirfd: number, path: Uint8Array, times: Uint8Array, flags: number): number;
  syncfs(fd: number): number;
  /** Absent before glibc 2.34. */
  close_range?(first: number, last: number, flags: number): number;
  /** errno of this thread; only meaningful straight after a call that returned -1. */
  errno(): number;
}

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const MOUNT_DATA_LIMIT = 4000;
const CLOSE_RANGE_CLOEXEC = 4;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A C string. A NUL inside would silently shorten it, so it is refused. */
function cString(text: string): Uint8Array {
  if (text.includes("\0")) {
    throw Object.assign(new Error(`NUL byte in ${JSON.stringify(text)}`), { code: "EINVAL" });
  }
  return encoder.encode(text + "\0");
}

/** Wraps raw symbols into calls that throw. */
export function systemCallsOf(libc: LibcSymbols): SystemCalls {
  function fail(syscall: string, path: string): never {
    const code = errnoCode(libc.errno());
    throw Object.assign(new Error(`${code}: ${syscall} '${path}'`), { code, syscall, path });
  }
  const list = new Uint8Array(65536);
  const value = new Uint8Array(65536);
  return {
    mount(source, target, type, flags, data): void {
      if (data.length > MOUNT_DATA_LIMIT) {
        throw Object.assign(
          new Error(`mount options of ${data.length} bytes: over ${MOUNT_DATA_LIMIT}`),
          {
            code: "E2BIG",
            syscall: "mount",
          },
        );
      }
      if (libc.mount(cString(source), cString(target), cString(type), flags, cString(data)) !== 0) {
        fail("mount", target);
      }
    },
    unmount(target, flags): void {
      if (libc.umount2(cString(target), flags) !== 0) fail("umount2", target);
    },
    mknod(path, mode, major, minor): void {
      // glibc's gnu_dev_makedev: the numbers are split over the 64-bit dev_t.
      const [a, b] = [BigInt(major), BigInt(minor)];
      const dev = (b & 0xffn) | ((a & 0xfffn) << 8n) | ((b & ~0xffn) << 12n) |
        ((a & ~0xfffn) << 32n);
      if (libc.mknod(cString(path), mode, dev) !== 0) fail("mknod", path);
    },
    listXattrs(path): Record<string, Uint8Array> {
      const found: Record<string, Uint8Array> = {};
      const p = cString(path);
      const size = Number(libc.llistxattr(p, list, BigInt(list.length)));
      if (size < 0) {
        if (libc.errno() === 95) return found;
        fail("llistxattr", path);
      }
      if (size === 0) return found;
      for (const name of decoder.decode(list.subarray(0, size - 1)).split("\0")) {
        const length = Number(libc.lgetxattr(p, cString(name), value, BigInt(value.length)));
        if (length < 0) {
          // Removed since it was listed, or one that the file system shows but does not give.
          if (libc.errno() === 61 || libc.errno() === 95) continue;
          fail("lgetxattr", path);
        }
        found[name] = value.slice(0, length);
      }
      return found;
    },
    setXattr(path, name, bytes): void {
      // An empty buffer has no address under either FFI: pass one byte and the size 0.
      const buffer = bytes.length === 0 ? new Uint8Array(1) : bytes;
      if (libc.lsetxattr(cString(path), cString(name), buffer, BigInt(bytes.length), 0) !== 0) {
        fail("lsetxattr", path);
      }
    },
    setTimes(path, mtimeNs): void {
      const times = new BigInt64Array(4);
      let seconds = mtimeNs / 1_000_000_000n;
      let nanoseconds = mtimeNs % 1_000_000_000n;
      if (nanoseconds < 0n) {
        nanoseconds += 1_000_000_000n;
        seconds -= 1n;
      }
      times.set([seconds, nanoseconds, seconds, nanoseconds]);
      if (
        libc.utimensat(
          AT_FDCWD,
          cString(path),
          new Uint8Array(times.buffer),
          AT_SYMLINK_NOFOLLOW,
        ) !== 0
      ) {
        fail("utimensat", path);
      }
    },
    closeFilesOnExec(): void {
      libc.close_range?.(3, 0xffff_ffff, CLOSE_RANGE_CLOEXEC);
    },
    syncFileSystem(path): void {
      withOpenFile(path, (fd) => {
        if (libc.syncfs(fd) !== 0) fail("syncfs", path);
      });
    },
  };
}

function withOpenFile(path: string, use: (fd: number) => void): void {
  // Loaded here: whoever only names the host needs no files.
  const { closeSync, openSync } = process.getBuiltinModule("node:fs");
  const fd = openSync(path, "r");
  try {
    use(fd);
  } finally {
    closeSync(fd);
  }
}
