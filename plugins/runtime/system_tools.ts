/**
 * {@link SystemCalls} through programs that every distribution has: mount(8), mknod(1), getfattr(1) and the like. A
 * hundred times slower than FFI, and as good where there is none.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { lstatSync } from "node:fs";
import type { SystemCalls } from "../../core/host/mod.ts";
import { MNT_DETACH, MOUNT_FLAGS, MS_BIND, MS_MOVE, MS_REC, MS_REMOUNT } from "./mount_flags.ts";

/** The programs, and the Debian packages they are in. */
export const SYSTEM_TOOLS: Readonly<Record<string, string>> = {
  mount: "mount",
  umount: "mount",
  mknod: "coreutils",
  touch: "coreutils",
  sync: "coreutils",
  getfattr: "attr",
  setfattr: "attr",
};

/** What mount(2) cuts options to without a word, less some room: the same limit as through FFI. */
const MOUNT_DATA_LIMIT = 4000;

const FILE_TYPES: ReadonlyMap<number, string> = new Map([
  [0o010000, "p"],
  [0o020000, "c"],
  [0o060000, "b"],
]);

/** What the C library says in the C locale, and the name of the number. */
const MESSAGES: readonly (readonly [string, string])[] = [
  ["Operation not permitted", "EPERM"],
  ["must be superuser", "EPERM"],
  ["permission denied", "EACCES"],
  ["Permission denied", "EACCES"],
  ["No such file or directory", "ENOENT"],
  ["does not exist", "ENOENT"],
  ["Not a directory", "ENOTDIR"],
  ["File exists", "EEXIST"],
  ["No space left on device", "ENOSPC"],
  ["Read-only file system", "EROFS"],
  ["Operation not supported", "ENOTSUP"],
  ["target is busy", "EBUSY"],
  ["Too many levels of symbolic links", "ELOOP"],
  ["File name too long", "ENAMETOOLONG"],
];

/** Calls through programs on PATH; the first call that needs a missing one fails with its name. */
export function systemCallsByTools(): SystemCalls {
  return {
    mount(source, target, type, flags, data): void {
      if (data.length > MOUNT_DATA_LIMIT) {
        const message = `mount options of ${data.length} bytes: over ${MOUNT_DATA_LIMIT}`;
        throw Object.assign(new Error(message), { code: "E2BIG", syscall: "mount" });
      }
      const isBind = (flags & MS_BIND) !== 0;
      const isRemount = (flags & MS_REMOUNT) !== 0;
      const words = Object.entries(MOUNT_FLAGS)
        .filter(([word, flag]) => !word.endsWith("bind") && (flags & flag) !== 0)
        .map(([word]) => word);
      const bind = isBind ? [(flags & MS_REC) === 0 ? "bind" : "rbind"] : [];
      const remount = isRemount ? ["remount"] : [];
      const options = [...remount, ...bind, ...words, ...data === "" ? [] : [data]];
      const args = (flags & MS_MOVE) !== 0
        ? ["--move", source, target]
        : isRemount
        ? ["-o", options.join(","), target]
        : [
          ...isBind ? [] : ["-t", type],
          ...options.length === 0 ? [] : ["-o", options.join(",")],
          ...[source === "" ? "none" : source, target],
        ];
      // Neither helpers for some types of file systems nor a list of mounts: the system call and no more.
      call("mount", target, "mount", ["-i", "-n", "--no-canonicalize", ...args]);
    },
    unmount(target, flags): void {
      const lazy = (flags & MNT_DETACH) !== 0 ? ["-l"] : [];
      call("umount2", target, "umount", ["-i", "-n", ...lazy, "--", target]);
    },
    mknod(path, mode, major, minor): void {
      const type = FILE_TYPES.get(mode & 0o170000) ?? "";
      const numbers = type === "p" ? [] : [String(major), String(minor)];
      const bits = (mode & 0o7777 & ~process.umask()).toString(8);
      call("mknod", path, "mknod", ["-m", bits, "--", path, type, ...numbers]);
    },
    listXattrs(path): Record<string, Uint8Array> {
      const flags = ["-h", "-d", "-m", "-", "-e", "hex", "--absolute-names", "--", path];
      const found: Record<string, Uint8Array> = {};
      for (const line of call("llistxattr", path, "getfattr", flags).split("\n")) {
        const [, name, hex = ""] = /^([^#=]+)(?:=0x([0-9a-f]*))?$/.exec(line) ?? [];
        if (name !== undefined) found[unescaped(name)] = new Uint8Array(Buffer.from(hex, "hex"));
      }
      return found;
    },
    setXattr(path, name, value): void {
      const hex = value.length === 0 ? [] : ["-v", `0x${Buffer.from(value).toString("hex")}`];
      call("lsetxattr", path, "setfattr", ["-h", "-n", name, ...hex, "--", path]);
    },
    setTimes(path, mtimeNs): void {
      // touch(1) would make a file that is not there.
      lstatSync(path);
      const [sign, ns] = mtimeNs < 0n ? ["-", -mtimeNs] : ["", mtimeNs];
      const text = `${sign}${ns / 1_000_000_000n}.${String(ns % 1_000_000_000n).padStart(9, "0")}`;
      call("utimensat", path, "touch", ["-h", "-d", `@${text}`, "--", path]);
    },
    closeFilesOnExec(): void {
      // No program does that for another process.
    },
    syncFileSystem(path): void {
      call("syncfs", path, "sync", ["-f", "--", path]);
    },
  };
}

/** Runs a program as one system call. @returns What it printed. */
function call(syscall: string, path: string, program: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C" },
  });
  if (error === undefined && status === 0) return stdout;
  const text = error?.message ?? stderr.trim();
  const code = MESSAGES.find(([message]) => text.includes(message))?.[1] ?? "EINVAL";
  throw Object.assign(new Error(`${code}: ${syscall} '${path}': ${text}`), { code, syscall, path });
}

/** getfattr(1) writes unusual bytes of names as three octal digits. */
function unescaped(name: string): string {
  return name.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8)));
}
