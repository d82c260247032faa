/**
 * Whether a file system tells the truth about when its files changed.
 *
 * @module
 */
import { statfsSync } from "node:fs";

// f_type of statfs(2), from linux/magic.h and the file systems' own sources. Each sets a file's ctime from this
// machine's clock at every change, keeps it to a second or better, and lets no program choose it.
const HONEST: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // xfs
  0x9123683e, // btrfs
  0x01021994, // tmpfs
  0x858458f6, // ramfs
  0x794c7630, // overlayfs
  0xf2f52010, // f2fs
  0x2fc12fc1, // zfs
  0xca451a4e, // bcachefs
  0x73717368, // squashfs
  0xe0f5e1e2, // erofs
]);

/**
 * Whether a later change of a file always shows in its ctime. It need not on a network (another machine's clock), in
 * FAT (no ctime), or in FUSE (whatever the program behind it says, inode numbers too). An unknown file system counts
 * as one of these.
 *
 * @param file Anything on the file system.
 */
export function keepsChangeTimes(file: string): boolean {
  // Elsewhere f_type means something else; the local file systems of macOS and Windows are of the honest kind.
  if (process.platform !== "linux") return true;
  try {
    return HONEST.has(statfsSync(file).type >>> 0);
  } catch {
    return false;
  }
}
