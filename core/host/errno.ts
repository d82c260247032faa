/**
 * The names of error numbers.
 *
 * @module
 */

// Linux numbers, the same on x86-64 and arm64.
const ERRNO: Readonly<Record<number, string>> = {
  1: "EPERM",
  2: "ENOENT",
  5: "EIO",
  12: "ENOMEM",
  13: "EACCES",
  16: "EBUSY",
  17: "EEXIST",
  19: "ENODEV",
  20: "ENOTDIR",
  21: "EISDIR",
  22: "EINVAL",
  28: "ENOSPC",
  30: "EROFS",
  34: "ERANGE",
  36: "ENAMETOOLONG",
  40: "ELOOP",
  61: "ENODATA",
  95: "ENOTSUP",
  116: "ESTALE",
};

/** The name of an error number (`ENOENT`), or the number in words. */
export function errnoCode(number: number): string {
  return ERRNO[number] ?? `errno ${number}`;
}
