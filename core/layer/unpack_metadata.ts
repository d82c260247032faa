/**
 * Owners, modes, times, extended attributes and devices: set on a path that is known not to be a link's other end.
 *
 * @module
 */
import { chmodSync, lchownSync, lutimesSync } from "node:fs";
import { LayerwrightError, systemErrorCode } from "../errors.ts";
import { host } from "../host/mod.ts";
import type { FileEntry } from "./file_entry.ts";
import { isOverlayXattr } from "./normalize.ts";
import type { SkippedItem, UnpackOptions } from "./unpack_options.ts";

const FILE_TYPE_BITS = { fifo: 0o010000, "character-device": 0o020000, "block-device": 0o060000 };
const NANOSECONDS = 1_000_000_000n;

/** {@link FileEntry.mtimeSeconds} as {@link setTimes} takes it. */
export function mtimeNsOf(entry: FileEntry): bigint {
  return BigInt(entry.mtimeSeconds) * NANOSECONDS;
}

/** Sets access and modification time, of a link itself too. */
export function setTimes(path: string, mtimeNs: bigint): void {
  const calls = host.systemCalls();
  const seconds = Number(mtimeNs) / Number(NANOSECONDS);
  // node:fs takes times as floats, exact for whole seconds, and takes those before 1970 for "now".
  const isExact = mtimeNs >= 0n && mtimeNs % NANOSECONDS === 0n;
  if (calls !== undefined && !isExact) calls.setTimes(path, mtimeNs);
  else lutimesSync(path, seconds, seconds);
}

/** Sets all metadata of a new file. */
export function setFileMetadata(
  path: string,
  entry: FileEntry,
  options: UnpackOptions,
  skipped: SkippedItem[],
): void {
  setOwnerAndXattrs(path, entry, options, skipped);
  // After chown(2), which clears setuid and setgid. Links have no mode of their own, and chmod would follow one.
  if (entry.type !== "symlink") chmodSync(path, entry.mode);
  setTimes(path, mtimeNsOf(entry));
}

/** Sets what does not stand in the way of further changes inside a directory. */
export function setOwnerAndXattrs(
  path: string,
  entry: FileEntry,
  options: UnpackOptions,
  skipped: SkippedItem[],
): void {
  if (options.chown) lchownSync(path, entry.uid, entry.gid);
  for (const [name, value] of Object.entries(entry.xattrs ?? {})) {
    // A layer could plant redirects and opaque marks by these.
    if (isOverlayXattr(name)) continue;
    // After chown(2), which clears security.capability; before chmod(2), which may take away the right to write.
    const why = refusalOf(() => setXattr(path, name, value));
    if (why === undefined) continue;
    if (options.xattrs !== "skip") {
      throw new LayerwrightError(
        "HOST_UNSUPPORTED",
        `Cannot unpack ${JSON.stringify(entry.path)}: setting its extended attribute ${
          JSON.stringify(name)
        } gives ${why}`,
        { hint: "unpack as root on a file system with extended attributes, or skip them" },
      );
    }
    skipped.push({ path: entry.path, what: name, why });
  }
}

function setXattr(path: string, name: string, value: Uint8Array): void {
  const calls = host.systemCalls();
  if (calls === undefined || !name.isWellFormed()) throw unsupported();
  calls.setXattr(path, name, value);
}

/**
 * Makes a device or FIFO.
 *
 * @returns whether it is there now; false only if the caller lets devices be skipped.
 */
export function makeSpecialFile(
  path: string,
  entry: FileEntry,
  options: UnpackOptions,
  skipped: SkippedItem[],
): boolean {
  const why = refusalOf(() => makeNode(path, entry));
  if (why === undefined) return true;
  if (entry.type === "fifo" || options.devices !== "skip") {
    throw new LayerwrightError(
      "HOST_UNSUPPORTED",
      `Cannot unpack ${JSON.stringify(entry.path)}: making a ${entry.type} gives ${why}`,
      { hint: "unpack as root outside of a user namespace, or skip devices" },
    );
  }
  skipped.push({ path: entry.path, what: "device", why });
  return false;
}

function makeNode(path: string, { type, devMajor = 0, devMinor = 0 }: FileEntry): void {
  const bits = type === "fifo" || type === "character-device" || type === "block-device"
    ? FILE_TYPE_BITS[type]
    : 0;
  const calls = host.systemCalls();
  if (calls === undefined) throw unsupported();
  calls.mknod(path, bits | 0o600, devMajor, devMinor);
}

/** The kernel's answer where it will not, undefined where it did; anything else is thrown on. */
function refusalOf(act: () => void): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "EPERM" || code === "ENOTSUP") return code;
    throw error;
  }
}

function unsupported(): Error {
  return Object.assign(new Error("no such system call from here"), { code: "ENOTSUP" });
}
