/**
 * Short ways to write a layer's entries down.
 *
 * @module
 */
import type { FileEntry } from "../../core/layer/file_entry.ts";

/** What all have in common. */
export const META = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 1_000_000_000 } as const;
/** A regular file with its text. */
export const file = (path: string, text = "", change: Partial<FileEntry> = {}): FileEntry => {
  const bytes = new TextEncoder().encode(text);
  return {
    ...META,
    path,
    type: "file",
    sizeBytes: bytes.length,
    content: { kind: "bytes", bytes },
    ...change,
  };
};
/** Any other type, mode 0755. */
export const other = (
  path: string,
  type: FileEntry["type"],
  change: Partial<FileEntry> = {},
): FileEntry => ({
  ...META,
  path,
  type,
  mode: 0o755,
  sizeBytes: 0,
  ...change,
});
/** A directory. */
export const directory = (path: string, mode = 0o755): FileEntry =>
  other(path, "directory", { mode });
/** A symbolic link. */
export const symlink = (path: string, linkTarget: string): FileEntry =>
  other(path, "symlink", { linkTarget });
/** A hard link. */
export const link = (path: string, linkTarget: string): FileEntry =>
  other(path, "hardlink", { linkTarget });
/** The marker that empties a directory of the lower layers. */
export const opaque = (path: string): FileEntry =>
  file(`${path === "" ? "" : `${path}/`}.wh..wh..opq`);
