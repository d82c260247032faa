/**
 * What of a copied file is in a cache key: its content by digest, and the metadata it will have.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { ContentReader } from "../layer/file_content.ts";
import type { FileEntry, FileIdentity, FileType } from "../layer/file_entry.ts";
import type { Digest } from "../oci/digest.ts";
import { changedMode, type ModeChange } from "./copy_mode.ts";

/** Remembers digests of files by where they are and what tells that they are unchanged: see `StatIndex`. */
export interface ContentDigestCache {
  get(file: string, identity: FileIdentity): Digest | undefined;
  set(file: string, identity: FileIdentity, digest: Digest): void;
}

/**
 * The sha256 digest of a file's content, read through the reader's buffer unless the cache knows it.
 *
 * @throws {LayerwrightError} `CONTEXT_FILE_CHANGED` if the file is not, or does not stay, what its identity says;
 * `CONTEXT_UNREADABLE` if it may not be read.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { ContentReader } from "../layer/file_content.ts";
 * import { sha256 } from "../oci/digest.ts";
 * import { contentDigest } from "./content_digest.ts";
 * using reader = new ContentReader();
 * const bytes = new TextEncoder().encode("hi");
 * const entry = { path: "a", type: "file", mode: 0o644, uid: 0, gid: 0, sizeBytes: 2, mtimeSeconds: 0,
 *   content: { kind: "bytes", bytes } } as const;
 * assert.equal(contentDigest(entry, reader), sha256(bytes));
 * ```
 */
export function contentDigest(
  entry: FileEntry,
  reader: ContentReader,
  cache?: ContentDigestCache,
): Digest {
  const { path = "", identity } = entry.content?.kind === "path" ? entry.content : {};
  const known = identity === undefined ? undefined : cache?.get(path, identity);
  if (known !== undefined) return known;
  const hash = createHash("sha256");
  reader.read(entry, (piece) => hash.update(piece));
  const digest = `sha256:${hash.digest("hex")}` as Digest;
  if (identity !== undefined) cache?.set(path, identity, digest);
  return digest;
}

/** An entry as it stands in the preimage of a cache key: plain, canonical, without times. */
export interface EntryDescription {
  readonly path: string;
  readonly type: FileType;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly size?: number;
  readonly content?: Digest;
  /** Target of a symbolic link; of a hard link, the path it is another name of. */
  readonly link?: string;
  /** Major and minor number. */
  readonly dev?: readonly [number, number];
  /** Values in hexadecimal. */
  readonly xattrs?: Readonly<Record<string, string>>;
}

/** What a copy makes of metadata, and how contents are read. */
export interface DescribeOptions {
  readonly mode: ModeChange;
  /** The owner that the copy gives; absent: the entry's own. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  readonly reader: ContentReader;
  readonly cache?: ContentDigestCache;
}

/**
 * Describes an entry by what it will be in the layer, so that a difference which does not survive the copy
 * (a umask, an owner, a time) makes no miss.
 *
 * @throws {LayerwrightError} as {@link contentDigest}.
 */
export function describeEntry(entry: FileEntry, options: DescribeOptions): EntryDescription {
  const { path, type } = entry;
  // A further name of a file has the metadata of the first.
  if (type === "hardlink") return { path, type, link: entry.linkTarget ?? "" };
  const { uid, gid } = options.owner ?? entry;
  return {
    path,
    type,
    mode: changedMode(entry, options.mode),
    uid,
    gid,
    ...(type === "file"
      ? { size: entry.sizeBytes, content: contentDigest(entry, options.reader, options.cache) }
      : {}),
    ...(type === "symlink" ? { link: entry.linkTarget ?? "" } : {}),
    ...(type === "character-device" || type === "block-device"
      ? { dev: [entry.devMajor ?? 0, entry.devMinor ?? 0] as const }
      : {}),
    ...(entry.xattrs === undefined || Object.keys(entry.xattrs).length === 0
      ? {}
      : { xattrs: hexValues(entry.xattrs) }),
  };
}

function hexValues(xattrs: Readonly<Record<string, Uint8Array>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(xattrs).map(([name, value]) => [name, value.toHex()]),
  );
}
