/**
 * Overlay mounts of unpacked layers.
 *
 * @see Linux, Documentation/filesystems/overlayfs.rst
 * @module
 */
import { chmodSync, mkdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { LayerwrightError } from "../../core/errors.ts";
import { MNT_DETACH, MS_NODEV, MS_RDONLY } from "./mount_flags.ts";
import type { OverlayLinks } from "./overlay_links.ts";
import { systemCalls } from "./system_calls.ts";

/** The kernel's OVL_MAX_STACK. */
export const MAX_LOWERS = 500;

/** What is stacked, and where it shows. */
export interface OverlayRequest {
  /** A directory of this mount's own for what overlayfs writes beside `upper`, on the same file system. */
  readonly directory: string;
  /** Unpacked layers, topmost first. */
  readonly lowers: readonly string[];
  /** A directory beneath all lowers. */
  readonly base?: string;
  /** Where writes go; absent for a read-only mount. */
  readonly upper?: string;
  /** The mount is made in a user namespace. */
  readonly userNamespace: boolean;
  /** The names of the session. */
  readonly links: OverlayLinks;
  /** Device nodes in it can be opened. */
  readonly devices?: boolean;
}

/**
 * Mounts an overlay.
 *
 * @returns the mount point.
 * @throws {LayerwrightError} `RUN_UNSUPPORTED` for more layers than the kernel stacks; `RUN_WORKER_FAILED`.
 */
export function mountOverlay(request: OverlayRequest): string {
  const { links, upper } = request;
  // The same directory twice is refused by the kernel; the lower one cannot show through anyway.
  const lowers = [...new Set(request.lowers)];
  lowers.push(request.base ?? links.emptyDirectory(0));
  // With one lower and no upper there is nothing to overlay, and the kernel refuses: make it two.
  if (upper === undefined && lowers.length === 1) lowers.push(links.emptyDirectory(1));
  if (lowers.length > MAX_LOWERS) {
    throw new LayerwrightError(
      "RUN_UNSUPPORTED",
      `Cannot stack ${lowers.length - 1} layers: the kernel takes ${MAX_LOWERS - 1} at most`,
      { hint: "squash some of the steps before this one" },
    );
  }
  const options = [`lowerdir=${lowers.map((lower) => links.nameOf(lower)).join(":")}`];
  // Without userxattr the mount succeeds in a user namespace, but removing a lower directory gives EIO.
  // Renames must not leave redirects behind: a layer cannot express them.
  options.push(
    ...request.userNamespace
      ? ["userxattr"]
      : ["redirect_dir=nofollow", "metacopy=off", "index=off", "xino=off"],
  );
  // No device node in a layer or made by a step may open a device: no cgroup forbids it here.
  const flags = (request.devices === true ? 0 : MS_NODEV) | (upper === undefined ? MS_RDONLY : 0);
  if (upper === undefined) return mountHere(links, flags, options);
  const work = join(request.directory, "work");
  mkdirSync(work, { recursive: true });
  return links.withPassingNames([upper, work], ([upperName, workName]) => {
    // volatile: a step's writes are thrown away after a crash, so they need not be synced at each unmount.
    const writing = [`upperdir=${upperName}`, `workdir=${workName}`, "volatile"];
    return mountHere(links, flags, [...options, ...writing]);
  });
}

function mountHere(links: OverlayLinks, flags: number, options: readonly string[]): string {
  const root = links.newMountPoint();
  process.chdir(links.directory);
  try {
    systemCalls().mount("overlay", root, "overlay", flags, options.join(","));
    return root;
  } catch (cause) {
    throw new LayerwrightError(
      "RUN_WORKER_FAILED",
      `Cannot mount an overlay at ${root}: ${(cause as Error).message}`,
      { cause, hint: "the kernel log says why; the store must not lie on an overlay itself" },
    );
  } finally {
    process.chdir("/");
  }
}

/** Makes an empty directory for the writes of a step. The root has its mode and time, whatever the umask and clock. */
export function makeUpper(directory: string): string {
  mkdirSync(directory);
  chmodSync(directory, 0o755);
  systemCalls().setTimes(directory, 0n);
  return directory;
}

/** Unmounts an overlay, and removes its mount point. */
export function unmount(path: string): void {
  systemCalls().unmount(path, MNT_DETACH);
  rmdirSync(path);
}
