/**
 * A layer as the lower directory of an overlay mount.
 *
 * @see kernel, Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories"
 * @module
 */
import { lstatSync } from "node:fs";
import { LayerwrightError } from "../errors.ts";
import { host } from "../host/mod.ts";
import { baseName, parentPath } from "./link_resolver.ts";
import type { Tree } from "./tree.ts";
import type { ApplyLayerOptions } from "./unpack_options.ts";
import type { ImpliedParent, UnpackRoot } from "./unpack_root.ts";
import type { Whiteout } from "./whiteout.ts";

const CHARACTER_DEVICE = 0o020000;
const YES = new TextEncoder().encode("y");

/** Says by whiteout device or opaque mark what a whiteout says by its name. */
export function markHidden(
  unpack: UnpackRoot,
  whiteout: Whiteout,
  { userXattr = false }: ApplyLayerOptions,
): void {
  if (whiteout.kind === "ignored") return;
  const calls = host.systemCalls();
  if (calls === undefined) {
    throw new LayerwrightError(
      "HOST_UNSUPPORTED",
      "Cannot unpack a layer for an overlay mount: this runtime cannot make whiteout devices",
    );
  }
  const markOpaque = (path: string): void =>
    calls.setXattr(path, `${userXattr ? "user" : "trusted"}.overlay.opaque`, YES);
  if (whiteout.kind === "opaque") {
    return markOpaque(unpack.directory(whiteout.directory).path);
  }
  const path = unpack.directory(parentPath(whiteout.path)).pathOf(baseName(whiteout.path));
  const own = lstatSync(path, { throwIfNoEntry: false });
  if (own === undefined) calls.mknod(path, CHARACTER_DEVICE, 0, 0);
  // The layer has a directory of this name itself: only what is below must not shine through it.
  else if (own.isDirectory()) markOpaque(path);
}

/**
 * Parents as the layers below have them. Made anew, they would hide the modes and owners below, and a directory in
 * place of a link (`/bin` to `/usr/bin`) all that is behind the link.
 */
export function impliedParents(
  lower: Tree | undefined,
  whiteouts: readonly Whiteout[],
): ImpliedParent | undefined {
  if (lower === undefined) return undefined;
  const gone = new Set<string>();
  const emptied = new Set<string>();
  for (const whiteout of whiteouts) {
    if (whiteout.kind === "whiteout") gone.add(whiteout.path);
    else if (whiteout.kind === "opaque") emptied.add(whiteout.directory);
  }
  return (path) => {
    const entry = lower.get(path);
    if (entry?.type !== "directory" && entry?.type !== "symlink") return undefined;
    for (let at = path; at !== ""; at = parentPath(at)) {
      if (gone.has(at) || emptied.has(parentPath(at))) return undefined;
    }
    return entry;
  };
}
