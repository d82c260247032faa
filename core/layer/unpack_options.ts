/**
 * What the two unpackers share with their callers.
 *
 * @module
 */
import type { Tree } from "./tree.ts";

/** How entries become files on disk. */
export interface UnpackOptions {
  /** Whether owners are set as the entries say: needs root, or a user namespace that maps them. */
  readonly chown: boolean;
  /** `skip` lists devices that the kernel refuses instead of failing (default `require`). */
  readonly devices?: "require" | "skip";
  /** `skip` lists extended attributes that the kernel or file system refuses instead of failing (default `require`). */
  readonly xattrs?: "require" | "skip";
  /** Refused above: 2,000,000 unless said otherwise. */
  readonly maxEntries?: number;
  /** Bytes of content refused above: without limit unless said otherwise. */
  readonly maxBytes?: number;
}

/** How a layer is unpacked. */
export interface ApplyLayerOptions extends UnpackOptions {
  /**
   * `plain`: onto the files of the layers below; whiteouts remove what they name.
   * `overlay`: into an empty directory that becomes a lower directory of an overlay mount; whiteouts become what
   * overlayfs takes for them (a character device 0:0, an opaque directory).
   */
  readonly form: "plain" | "overlay";
  /** `overlay` only: for mounts with the option `userxattr`, which is how an unprivileged user mounts. */
  readonly userXattr?: boolean;
  /**
   * `overlay` only: the tree of the layers below. Parents that the layer implies but does not list take their links,
   * modes and owners from it; without it they become plain directories (0755, 0:0), which hide what is below.
   */
  readonly lower?: Tree;
}

/** Something an entry asked for and did not get. */
export interface SkippedItem {
  readonly path: string;
  /** `device` or the name of the extended attribute. */
  readonly what: string;
  /** The kernel's answer: `EPERM`, `ENOTSUP`. */
  readonly why: string;
}

/** What was unpacked. */
export interface UnpackResult {
  readonly entryCount: number;
  /** Bytes of content written. */
  readonly sizeBytes: number;
  readonly skipped: readonly SkippedItem[];
}
