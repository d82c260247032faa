/**
 * From the fields and PAX records of a member to its {@link FileEntry}.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import type { FileEntry, FileType } from "./file_entry.ts";
import { normalizeMemberPath } from "./member_name.ts";
import { decodePath } from "./path_order.ts";
import { type TarBlock, TarFieldError } from "./tar_fields.ts";
import { FLAGGED_TYPES } from "./tar_header.ts";
import { decimal } from "./tar_sparse.ts";

/** What was found out about a member before its entry is made. */
export interface MemberFacts {
  /** Normalised. */
  readonly path: string;
  readonly rawPath: string;
  readonly rawLink: string;
  readonly sizeBytes: number;
  /** Start of an error's message: which member. */
  readonly action: string;
}

const TYPES: ReadonlyMap<string, FileType> = new Map([
  ...FLAGGED_TYPES,
  ["\0", "file"],
  // A contiguous file, which no system of today knows.
  ["7", "file"],
  ["S", "file"],
]);
const MAX_ID = 0xffff_fffe;

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Types whose size field says nothing about the archive, whatever it holds. */
export function hasNoContent(typeFlag: string): boolean {
  return typeFlag >= "1" && typeFlag <= "6";
}

/**
 * Makes the entry of a member; PAX records stand above the header's fields.
 *
 * @throws {TarFieldError} for a value out of range or missing.
 * @throws {LayerwrightError} `TAR_UNSUPPORTED` for an unknown type, `LAYER_ESCAPES_ROOT` for a hard link out of the root.
 */
export function entryOf(
  block: TarBlock,
  records: ReadonlyMap<string, Uint8Array>,
  facts: MemberFacts,
): FileEntry {
  const type = typeOf(block, facts);
  if (facts.rawPath === "") throw new TarFieldError("its name is empty");
  if (facts.path === "" && type !== "directory") {
    throw new TarFieldError(`it names the root, which is a directory, as a ${type}`);
  }
  const entry: Writable<FileEntry> = {
    path: facts.path,
    type,
    mode: block.mode,
    uid: idOf(records.get("uid"), block.uid, "uid"),
    gid: idOf(records.get("gid"), block.gid, "gid"),
    sizeBytes: type === "file" ? facts.sizeBytes : 0,
    mtimeSeconds: secondsOf(records.get("mtime"), block.mtimeSeconds),
  };
  if (type === "symlink" || type === "hardlink") entry.linkTarget = linkTargetOf(type, facts);
  if (type === "character-device" || type === "block-device") {
    entry.devMajor = block.devMajor;
    entry.devMinor = block.devMinor;
  }
  const xattrs = xattrsOf(records);
  if (xattrs !== undefined) entry.xattrs = xattrs;
  return entry;
}

function typeOf(block: TarBlock, { rawPath, action }: MemberFacts): FileType {
  const type = TYPES.get(block.typeFlag);
  if (type === undefined) {
    throw new LayerwrightError(
      "TAR_UNSUPPORTED",
      `${action}: its type ${JSON.stringify(block.typeFlag)} is not one of a file tree`,
    );
  }
  // V7 knew no directories: a trailing slash made one.
  return block.typeFlag === "\0" && rawPath.endsWith("/") ? "directory" : type;
}

function linkTargetOf(type: FileType, { rawLink, action }: MemberFacts): string {
  if (rawLink.includes("\0")) throw new TarFieldError("its link target holds a NUL byte");
  const target = type === "hardlink" ? normalizeMemberPath(rawLink, action) : rawLink;
  if (target === "") throw new TarFieldError("its link target is empty");
  return target;
}

function idOf(record: Uint8Array | undefined, field: number, what: string): number {
  const id = record === undefined ? field : decimal(decodePath(record));
  if (id > MAX_ID) throw new TarFieldError(`its ${what} ${id} is over ${MAX_ID}`);
  return id;
}

/** PAX times are decimal fractions; whole seconds are kept, rounded down also before 1970. */
function secondsOf(record: Uint8Array | undefined, field: number): number {
  if (record === undefined) return field;
  const text = decodePath(record);
  const match = /^(-?)([0-9]{1,16})(?:\.([0-9]*))?$/.exec(text);
  const whole = Number(match?.[2] ?? NaN);
  if (!Number.isSafeInteger(whole)) {
    throw new TarFieldError(`its mtime ${JSON.stringify(text)} is no time`);
  }
  if (match?.[1] !== "-") return whole;
  const below = /[1-9]/.test(match[3] ?? "") ? 1 : 0;
  // `0 -` also turns "-0" into 0.
  return 0 - whole - below;
}

function xattrsOf(
  records: ReadonlyMap<string, Uint8Array>,
): Record<string, Uint8Array> | undefined {
  if (records.size === 0) return undefined;
  const found = new Map<string, Uint8Array>();
  for (const [key, value] of records) {
    if (key.startsWith("LIBARCHIVE.xattr.")) {
      const name = percentDecoded(key.slice("LIBARCHIVE.xattr.".length));
      // bsdtar writes both forms; the plain one needs no decoding, so it is the one kept.
      if (!found.has(name)) found.set(name, base64Decoded(value));
    }
  }
  for (const [key, value] of records) {
    if (key.startsWith("SCHILY.xattr.")) found.set(key.slice("SCHILY.xattr.".length), value);
  }
  if (found.size === 0) return undefined;
  for (const name of found.keys()) {
    if (name === "" || name.includes("\0")) {
      throw new TarFieldError(`its extended attribute ${JSON.stringify(name)} has no usable name`);
    }
  }
  // fromEntries defines own properties: assigning "__proto__" would set the prototype instead.
  return Object.fromEntries(found);
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new TarFieldError(`its extended attribute ${JSON.stringify(text)} has no usable name`);
  }
}

function base64Decoded(value: Uint8Array): Uint8Array {
  const text = decodePath(value);
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    throw new TarFieldError("an extended attribute is not base64");
  }
  return new Uint8Array(Buffer.from(text, "base64"));
}
