/**
 * What lstat(2) says of a file, as a {@link FileEntry}.
 *
 * @module
 */
import { type FileStatus, host } from "../host/mod.ts";
import type { FileEntry, FileType } from "../layer/file_entry.ts";

const TYPE_BITS = 0o170000;
const TYPES: ReadonlyMap<number, FileType> = new Map([
  [0o100000, "file"],
  [0o040000, "directory"],
  [0o120000, "symlink"],
  [0o010000, "fifo"],
  [0o020000, "character-device"],
  [0o060000, "block-device"],
]);

/** The type of the file looked at; undefined for what no layer can hold (a socket). */
export function typeOf(status: FileStatus): FileType | undefined {
  return TYPES.get(status.mode & TYPE_BITS);
}

/**
 * The entry of the file looked at, but for a link's target.
 *
 * @param path Path of the entry.
 * @param file Where the file is.
 */
export function entryOf(
  path: string,
  file: string,
  { type, status }: { readonly type: FileType; readonly status: FileStatus },
): FileEntry {
  const { sizeBytes, uid, gid, mtimeSeconds } = status;
  const mode = status.mode & 0o7777;
  const plain = { path, type, mode, uid, gid, sizeBytes: 0, mtimeSeconds };
  if (type === "file") {
    const { dev, ino, mtimeNs, ctimeNs } = status;
    const identity = { dev, ino, sizeBytes, mtimeNs, ctimeNs };
    const entry = { ...plain, sizeBytes, content: { kind: "path", path: file, identity } as const };
    const xattrs = readXattrs(file, status);
    return xattrs === undefined ? entry : { ...entry, xattrs };
  }
  if (type === "directory") {
    const xattrs = readXattrs(file, status);
    return xattrs === undefined ? plain : { ...plain, xattrs };
  }
  if (type === "character-device" || type === "block-device") {
    return { ...plain, devMajor: status.rdevMajor, devMinor: status.rdevMinor };
  }
  return plain;
}

/** Device and inode of the file looked at: the same for all its names. */
export function inodeOf(status: FileStatus): string {
  return `${status.dev}:${status.ino}`;
}

/** Those that mean the same on another machine: the rest (labels, ACLs by number) is this machine's own. */
function readXattrs(
  file: string,
  status: FileStatus,
): Readonly<Record<string, Uint8Array>> | undefined {
  if (!status.mayHaveXattrs()) return undefined;
  const found = host.systemCalls()?.listXattrs(file) ?? {};
  const names = Object.keys(found)
    .filter((name) => name.startsWith("user.") || name === "security.capability").sort();
  if (names.length === 0) return undefined;
  return Object.fromEntries(names.map((name) => [name, found[name] ?? new Uint8Array()]));
}
