/**
 * Whiteouts: how a layer says that something of a lower layer is gone.
 *
 * @see OCI image-spec v1.1, layer.md, "Whiteouts"
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import type { FileEntry } from "./file_entry.ts";

/** A file named this plus `x` removes `x` of the lower layers. */
export const WHITEOUT_PREFIX = ".wh.";
/** A file of this name removes everything the lower layers have in its directory. */
const OPAQUE_WHITEOUT = ".wh..wh..opq";
/** Names that AUFS kept for its own books; old images hold some, and they mean nothing elsewhere. */
const AUFS_PREFIX = ".wh..wh.";

/** What a whiteout's name says. */
export type Whiteout =
  /** `path` and all below it is gone. */
  | { readonly kind: "whiteout"; readonly path: string }
  /** All in `directory` is gone; `""` is the root. */
  | { readonly kind: "opaque"; readonly directory: string }
  /** Left behind by AUFS: to be passed over. */
  | { readonly kind: "ignored" };

/**
 * The entry that removes `path` of the lower layers.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { whiteoutEntry } from "./whiteout.ts";
 * assert.equal(whiteoutEntry("etc/motd").path, "etc/.wh.motd");
 * ```
 */
export function whiteoutEntry(path: string): FileEntry {
  refuseReservedName(path);
  const slash = path.lastIndexOf("/") + 1;
  return {
    path: path.slice(0, slash) + WHITEOUT_PREFIX + path.slice(slash),
    type: "file",
    mode: 0,
    uid: 0,
    gid: 0,
    sizeBytes: 0,
    mtimeSeconds: 0,
  };
}

/**
 * Reads a whiteout's name.
 *
 * @returns undefined for a path that is no whiteout.
 * @throws {LayerwrightError} `LAYER_ESCAPES_ROOT` for a whiteout of `..`; `LAYER_INVALID` for one of `.` or of nothing;
 * `LAYER_NAME_RESERVED` for an entry below a whiteout.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseWhiteout } from "./whiteout.ts";
 * assert.deepEqual(parseWhiteout("a/.wh.b"), { kind: "whiteout", path: "a/b" });
 * assert.deepEqual(parseWhiteout("a/.wh..wh..opq"), { kind: "opaque", directory: "a" });
 * assert.equal(parseWhiteout("a/b.wh."), undefined);
 * ```
 */
export function parseWhiteout(path: string): Whiteout | undefined {
  // Nearly no path holds the prefix at all.
  if (!path.includes(WHITEOUT_PREFIX)) return undefined;
  const names = path.split("/");
  const name = names.pop() ?? "";
  if (names.some((parent) => parent.startsWith(AUFS_PREFIX))) return { kind: "ignored" };
  if (names.some((parent) => parent.startsWith(WHITEOUT_PREFIX))) refuseName(path);
  if (!name.startsWith(WHITEOUT_PREFIX)) return undefined;
  const directory = names.join("/");
  if (name === OPAQUE_WHITEOUT) return { kind: "opaque", directory };
  if (name.startsWith(AUFS_PREFIX)) return { kind: "ignored" };
  const hidden = name.slice(WHITEOUT_PREFIX.length);
  if (hidden === "..") {
    throw new LayerwrightError(
      "LAYER_ESCAPES_ROOT",
      `Cannot use whiteout ${JSON.stringify(path)}: it would remove the parent of its directory`,
    );
  }
  if (hidden === "" || hidden === ".") {
    throw new LayerwrightError(
      "LAYER_INVALID",
      `Cannot use whiteout ${JSON.stringify(path)}: it names no file`,
    );
  }
  return { kind: "whiteout", path: directory === "" ? hidden : `${directory}/${hidden}` };
}

/**
 * Refuses a path of a real file that a reader of the layer would take for a whiteout.
 *
 * @throws {LayerwrightError} `LAYER_NAME_RESERVED` if any of its names starts with `.wh.`.
 */
export function refuseReservedName(path: string): void {
  if (path.startsWith(WHITEOUT_PREFIX) || path.includes(`/${WHITEOUT_PREFIX}`)) refuseName(path);
}

/**
 * Refuses an entry that has a whiteout's name without being one as {@link whiteoutEntry} makes it.
 *
 * @throws {LayerwrightError} `LAYER_NAME_RESERVED`
 */
export function refuseFalseWhiteout(entry: FileEntry): void {
  if (!entry.path.includes(WHITEOUT_PREFIX)) return;
  const slash = entry.path.lastIndexOf("/") + 1;
  refuseReservedName(entry.path.slice(0, Math.max(slash - 1, 0)));
  const isMarker = entry.type === "file" && entry.sizeBytes === 0 && entry.mode === 0 &&
    parseWhiteout(entry.path) !== undefined;
  if (!isMarker) refuseReservedName(entry.path.slice(slash));
}

function refuseName(path: string): never {
  throw new LayerwrightError(
    "LAYER_NAME_RESERVED",
    `Cannot put ${
      JSON.stringify(path)
    } into a layer: names that start with "${WHITEOUT_PREFIX}" mean removed files`,
    { hint: "rename it, or leave it out of the image" },
  );
}
