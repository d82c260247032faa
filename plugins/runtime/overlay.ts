/**
 * Overlay mounts of unpacked layers.
 *
 * @see Linux, Documentation/filesystems/overlayfs.rst
 * @module
 */
import { chmodSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { LayerwrightError } from "../../core/errors.ts";
import { MNT_DETACH, MS_NODEV, MS_RDONLY } from "./mount_flags.ts";
import { systemCalls } from "./system_calls.ts";

/** The kernel's OVL_MAX_STACK. */
export const MAX_LOWERS = 500;

/** What is stacked, and where it shows. */
export interface OverlayRequest {
  /** A directory of this mount's own that does not exist yet. */
  readonly directory: string;
  /** Unpacked layers, topmost first. */
  readonly lowers: readonly string[];
  /** A directory beneath all lowers. */
  readonly base?: string;
  /** Where writes go; absent for a read-only mount. */
  readonly upper?: string;
  /** The mount is made in a user namespace. */
  readonly userNamespace: boolean;
}

/**
 * Mounts an overlay at `<directory>/root`.
 *
 * @returns the mount point.
 * @throws {LayerwrightError} `RUN_UNSUPPORTED` for more layers than the kernel stacks; `RUN_WORKER_FAILED`.
 */
export function mountOverlay(request: OverlayRequest): string {
  const root = join(request.directory, "root");
  const links = join(request.directory, "l");
  const empty = join(request.directory, "empty");
  mkdirSync(root, { recursive: true, mode: 0o755 });
  for (const directory of [links, empty]) mkdirSync(directory, { mode: 0o755 });
  // The same directory twice is refused by the kernel; the lower one cannot show through anyway.
  const lowers = [...new Set(request.lowers)];
  lowers.push(request.base ?? empty);
  // With one lower and no upper there is nothing to overlay, and the kernel refuses: make it two.
  if (request.upper === undefined && lowers.length === 1) {
    mkdirSync(`${empty}-too`);
    lowers.push(`${empty}-too`);
  }
  if (lowers.length > MAX_LOWERS) {
    throw new LayerwrightError(
      "RUN_UNSUPPORTED",
      `Cannot stack ${lowers.length - 1} layers: the kernel takes ${MAX_LOWERS - 1} at most`,
      { hint: "squash some of the steps before this one" },
    );
  }
  // mount(2) cuts its options at 4,096 bytes without a word. Short links keep 500 layers far below that,
  // wherever they are, and no character of a path can be taken for a separator.
  lowers.forEach((lower, index) => symlinkSync(lower, join(links, String(index))));
  const options = [`lowerdir=${lowers.map((_, index) => index).join(":")}`];
  if (request.upper !== undefined) {
    const work = join(request.directory, "work");
    mkdirSync(work);
    symlinkSync(request.upper, join(links, "u"));
    symlinkSync(work, join(links, "w"));
    // volatile: a step's writes are thrown away after a crash, so they need not be synced at each unmount.
    options.push("upperdir=u", "workdir=w", "volatile");
  }
  // Without userxattr the mount succeeds in a user namespace, but removing a lower directory gives EIO.
  // Renames must not leave redirects behind: a layer cannot express them.
  options.push(
    ...request.userNamespace
      ? ["userxattr"]
      : ["redirect_dir=nofollow", "metacopy=off", "index=off", "xino=off"],
  );
  // No device node in a layer or made by a step may open a device: no cgroup forbids it here.
  const flags = MS_NODEV | (request.upper === undefined ? MS_RDONLY : 0);
  process.chdir(links);
  try {
    systemCalls().mount("overlay", root, "overlay", flags, options.join(","));
  } catch (cause) {
    throw new LayerwrightError(
      "RUN_WORKER_FAILED",
      `Cannot mount ${lowers.length} directories as an overlay: ${(cause as Error).message}`,
      { cause, hint: "the kernel log says why; the store must not lie on an overlay itself" },
    );
  } finally {
    process.chdir("/");
  }
  return root;
}

/** Makes an empty directory for the writes of a step. The root has its mode and time, whatever the umask and clock. */
export function makeUpper(directory: string): string {
  mkdirSync(directory);
  chmodSync(directory, 0o755);
  systemCalls().setTimes(directory, 0n);
  return directory;
}

/** Unmounts what is mounted on a path. */
export function unmount(path: string): void {
  systemCalls().unmount(path, MNT_DETACH);
}
