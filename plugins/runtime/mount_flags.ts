/**
 * Flags of mount(2) and umount2(2): Linux numbers, the same on every architecture.
 *
 * @module
 */

/** A flag and its number, by the word mount(8) and the runtime-spec use for it. */
export const MOUNT_FLAGS: Readonly<Record<string, number>> = {
  ro: 1,
  nosuid: 2,
  nodev: 4,
  noexec: 8,
  bind: 4096,
  rbind: 4096 | 16384,
  strictatime: 1 << 24,
};

export const MS_RDONLY = 1;
export const MS_NOSUID = 2;
export const MS_NODEV = 4;
export const MS_NOEXEC = 8;
export const MS_REMOUNT = 32;
export const MS_BIND = 4096;
export const MS_MOVE = 8192;
export const MS_REC = 16384;

export const MNT_DETACH = 2;
