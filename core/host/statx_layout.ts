/**
 * Where the fields of struct statx are, in 32-bit words, and how device numbers are put together.
 *
 * @see statx(2)
 * @module
 */

export const NLINK = 4;
export const UID = 5;
export const GID = 6;
export const MODE = 7;
export const INO = 8;
export const SIZE = 10;
export const CTIME = 24;
export const MTIME = 28;
export const RDEV = 32;
export const DEV = 34;

/**
 * The words of {@link FileStatus.words} that tell one state of a file from another: links, owner, group, mode, inode,
 * size, ctime and mtime to the nanosecond, device.
 */
export const STATUS_WORDS: readonly number[] = [
  NLINK,
  UID,
  GID,
  MODE,
  INO,
  INO + 1,
  SIZE,
  SIZE + 1,
  CTIME,
  CTIME + 1,
  CTIME + 2,
  MTIME,
  MTIME + 1,
  MTIME + 2,
  DEV,
  DEV + 1,
];

/** glibc's gnu_dev_makedev: the numbers are split over the 64-bit dev_t. */
export function joinDevice(major: number, minor: number): bigint {
  const [a, b] = [BigInt(major), BigInt(minor)];
  return (b & 0xffn) | ((a & 0xfffn) << 8n) | ((b & ~0xffn) << 12n) | ((a & ~0xfffn) << 32n);
}

/** glibc's gnu_dev_major and gnu_dev_minor. */
export function splitDevice(device: bigint): [number, number] {
  return [
    Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n)),
    Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n)),
  ];
}
