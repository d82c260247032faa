/**
 * To and from the streams of `@std/tar`, by their shape: the package itself is never imported.
 * It knows plain ustar with files and directories only, so it cannot carry a layer; it can carry most of a context.
 *
 * @see https://jsr.io/@std/tar, 0.1.10
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import { checkEntry } from "./entry_rules.ts";
import type { FileEntry, FileType } from "./file_entry.ts";
import { normalizeMemberPath } from "./member_name.ts";
import { BLOCK_SIZE, FLAGGED_TYPES, headerSizeBytes } from "./tar_header.ts";
import type { TarMember } from "./tar_reader.ts";

/** An entry and its bytes: a member of `readTar()` is one. */
export type EntryWithBody = Pick<TarMember, "entry" | "body">;

/** What `TarStream` takes. */
export type StdTarInput =
  | {
    readonly type: "file";
    readonly path: string;
    readonly size: number;
    readonly readable: ReadableStream<Uint8Array>;
    readonly options: StdTarOptions;
  }
  | { readonly type: "directory"; readonly path: string; readonly options: StdTarOptions };

/** Metadata of a {@link StdTarInput}; not readonly, since `TarStream` fills it in. */
export interface StdTarOptions {
  mode: number;
  uid: number;
  gid: number;
  mtime: number;
}

/** What `UntarStream` gives. */
export interface StdTarEntry {
  readonly path: string;
  readonly header: {
    readonly mode: number;
    readonly uid: number;
    readonly gid: number;
    readonly size: number;
    readonly mtime: number;
    readonly typeflag: string;
    readonly linkname: string;
    readonly devmajor?: string;
    readonly devminor?: string;
  };
  readonly readable?: ReadableStream<Uint8Array>;
}

/** `TarStream` writes owners in six digits. */
const MAX_STD_ID = 0o777777;

/**
 * Turns what `UntarStream` reads into entries; those for the root itself are left out.
 *
 * @throws {LayerwrightError} `TAR_UNSUPPORTED` for PAX and GNU headers, which `UntarStream` hands on as files;
 * `LAYER_ESCAPES_ROOT` and `LAYER_INVALID` for paths and fields no entry may have.
 */
export async function* fromStdTar(
  stream: AsyncIterable<StdTarEntry>,
): AsyncGenerator<EntryWithBody> {
  for await (const { path: rawPath, header, readable } of stream) {
    const type = FLAGGED_TYPES.get(header.typeflag);
    if (type === undefined) {
      await readable?.cancel();
      throw unsupported(rawPath, `the header type ${JSON.stringify(header.typeflag)}`);
    }
    const path = normalizeMemberPath(rawPath);
    if (path === "") continue;
    const entry = entryOf(path, type, header);
    checkEntry(entry);
    yield { entry, body: () => readable ?? new ReadableStream({ start: (c) => c.close() }) };
    // UntarStream waits until the content is read or cancelled; reading cancels nothing twice.
    if (readable !== undefined && !readable.locked) await readable.cancel();
  }
}

function entryOf(path: string, type: FileType, header: StdTarEntry["header"]): FileEntry {
  const isDevice = type === "character-device" || type === "block-device";
  const target = type === "hardlink" ? normalizeMemberPath(header.linkname) : header.linkname;
  return {
    path,
    type,
    mode: header.mode & 0o7777,
    uid: header.uid,
    gid: header.gid,
    sizeBytes: type === "file" ? header.size : 0,
    mtimeSeconds: header.mtime,
    ...(type === "hardlink" || type === "symlink" ? { linkTarget: target } : {}),
    ...(isDevice
      ? {
        devMajor: parseInt(header.devmajor ?? "", 8),
        devMinor: parseInt(header.devminor ?? "", 8),
      }
      : {}),
  };
}

/**
 * Turns entries into what `TarStream` writes.
 *
 * @throws {LayerwrightError} `TAR_UNSUPPORTED` for anything but files and directories, and for what needs PAX (long or
 * non-ASCII names, xattrs, large numbers) or an owner over 262,143.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { toStdTar } from "./std_tar.ts";
 * async function* members() {
 *   const entry = { path: "a", type: "fifo", mode: 0, uid: 0, gid: 0, sizeBytes: 0, mtimeSeconds: 0 } as const;
 *   yield { entry, body: async function* () {} };
 * }
 * await assert.rejects(toStdTar(members()).next(), { code: "TAR_UNSUPPORTED" });
 * ```
 */
export async function* toStdTar(
  members: AsyncIterable<EntryWithBody> | Iterable<EntryWithBody>,
): AsyncGenerator<StdTarInput> {
  for await (const { entry, body } of members) {
    checkEntry(entry);
    const { path, type, sizeBytes, mode, uid, gid, mtimeSeconds } = entry;
    if (type !== "file" && type !== "directory") throw unsupported(path, `a ${type}`);
    if (headerSizeBytes(entry) !== BLOCK_SIZE) throw unsupported(path, "what plain ustar cannot");
    if (Math.max(uid, gid) > MAX_STD_ID) throw unsupported(path, `an owner over ${MAX_STD_ID}`);
    const options = { mode, uid, gid, mtime: mtimeSeconds };
    yield type === "directory"
      ? { type, path: `${path}/`, options }
      : { type, path, size: sizeBytes, readable: streamOf(body()), options };
  }
}

function streamOf(pieces: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = pieces[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller): Promise<void> {
      const next = await iterator.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
    async cancel(): Promise<void> {
      await iterator.return?.();
    },
  });
}

function unsupported(path: string, what: string): LayerwrightError {
  return new LayerwrightError(
    "TAR_UNSUPPORTED",
    `Cannot use @std/tar for ${JSON.stringify(path)}: it cannot say ${what}`,
    { hint: "use readTar() and writeTar()" },
  );
}
