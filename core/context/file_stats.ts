/**
 * What lstat(2) says of a file, as a {@link FileEntry}.
 *
 * @module
 */
import type { BigIntStats } from "node:fs";
import { host } from "../host/mod.ts";
import type { FileContent, FileEntry, FileType } from "../layer/file_entry.ts";

/**
 * The entry of a file, but for a link's target.
 *
 * @param path Path of the entry.
 * @param file Where the file is.
 */
export function entryOf(path: string, file: string, type: FileType, stats: BigIntStats): FileEntry {
  const xattrs = type === "file" || type === "directory" ? readXattrs(file) : undefined;
  return {
    path,
    type,
    mode: Number(stats.mode & 0o7777n),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    sizeBytes: type === "file" ? Number(stats.size) : 0,
    mtimeSeconds: wholeSeconds(stats.mtimeNs),
    ...(type === "character-device" || type === "block-device" ? deviceOf(stats.rdev) : {}),
    ...(xattrs === undefined ? {} : { xattrs }),
    ...(type === "file" ? { content: contentOf(file, stats) } : {}),
  };
}

/** Device and inode: the same for all names of one file. */
export function inodeOf(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}`;
}

function contentOf(path: string, stats: BigIntStats): FileContent {
  return {
    kind: "path",
    path,
    identity: {
      dev: stats.dev,
      ino: stats.ino,
      sizeBytes: Number(stats.size),
      mtimeNs: stats.mtimeNs,
      ctimeNs: stats.ctimeNs,
    },
  };
}

/** Those that mean the same on another machine: the rest (labels, ACLs by number) is this machine's own. */
function readXattrs(file: string): Readonly<Record<string, Uint8Array>> | undefined {
  const found = host.systemCalls()?.listXattrs(file) ?? {};
  const names = Object.keys(found)
    .filter((name) => name.startsWith("user.") || name === "security.capability").sort();
  if (names.length === 0) return undefined;
  return Object.fromEntries(names.map((name) => [name, found[name] ?? new Uint8Array()]));
}

/** glibc's gnu_dev_major and gnu_dev_minor: the numbers are split over the 64-bit dev_t. */
function deviceOf(rdev: bigint): { readonly devMajor: number; readonly devMinor: number } {
  return {
    devMajor: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n)),
    devMinor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n)),
  };
}

function wholeSeconds(mtimeNs: bigint): number {
  const seconds = mtimeNs / 1_000_000_000n;
  // BigInt division cuts towards zero; a time before 1970 belongs to the second below.
  return Number(mtimeNs < 0n && seconds * 1_000_000_000n !== mtimeNs ? seconds - 1n : seconds);
}
