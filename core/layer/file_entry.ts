/**
 * One entry of a file tree, as plain data: what a tar header says, and where the content is.
 *
 * @module
 */

/** What an entry is. `hardlink` names another entry of the same layer; it has no metadata of its own. */
export type FileType =
  | "file"
  | "directory"
  | "symlink"
  | "hardlink"
  | "character-device"
  | "block-device"
  | "fifo";

/** Where the bytes of a regular file are; read only when a layer is written or a file extracted. */
export type FileContent =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** A file on disk. The reader checks that it stays what `identity` says while it is read. */
  | { readonly kind: "path"; readonly path: string; readonly identity?: FileIdentity }
  /** A range of a file on disk: a member of a stored, uncompressed layer. */
  | { readonly kind: "slice"; readonly path: string; readonly offset: number };

/** What tells that a file on disk was replaced or written while we read it. */
export interface FileIdentity {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly sizeBytes: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/**
 * One entry of a tree.
 *
 * `path` is relative to the root: `/` between names, none at either end, no `.` or `..`, never empty
 * (the root itself has no entry). Bytes that are not UTF-8 stand as lone surrogates U+DC80..U+DCFF
 * (one per byte), so that every name a tar can hold survives a round trip.
 */
export interface FileEntry {
  readonly path: string;
  readonly type: FileType;
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of content; 0 for all but files. */
  readonly sizeBytes: number;
  /** Whole seconds since the epoch, UTC. */
  readonly mtimeSeconds: number;
  /** Symlink: its target, verbatim. Hard link: `path` of the entry it is a name of. */
  readonly linkTarget?: string;
  /** Device numbers; character and block devices only. */
  readonly devMajor?: number;
  readonly devMinor?: number;
  /** Extended attributes by full name (`user.x`, `security.capability`), values as raw bytes. */
  readonly xattrs?: Readonly<Record<string, Uint8Array>>;
  /** Files only; absent means empty or not known here. */
  readonly content?: FileContent;
}
