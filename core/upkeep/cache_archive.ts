/**
 * A cache mount as a tar, read with suspicion.
 *
 * @module
 */
import { copyFileSync, statSync } from "node:fs";
import { LayerwrightError, systemErrorCode } from "../errors.ts";
import { ContentReader } from "../layer/file_content.ts";
import type { FileEntry } from "../layer/file_entry.ts";
import { refuseReservedName } from "../layer/whiteout.ts";
import { indexTar } from "../layer/tar_reader.ts";
import type { Digest } from "../oci/digest.ts";
import { type CacheMountAbout, parseAbout } from "../store/cache_mount_scope.ts";
import { hashFile } from "../store/durability.ts";

/** What is in an archive of a cache: its directory under this name, and what it is beside it. */
export const ARCHIVED_FILES = "files";
export const ARCHIVED_ABOUT = "cache.json";
const ABOUT_LIMIT_BYTES = 64 * 1024;

/**
 * Copies a file.
 *
 * @returns the digest of the copy, and its bytes.
 * @throws {LayerwrightError} `FILE_MISSING`, `STORE_FULL`.
 */
export function copyHashed(
  from: string,
  to: string,
): { readonly digest: Digest; readonly sizeBytes: number } {
  try {
    copyFileSync(from, to);
  } catch (cause) {
    const code = systemErrorCode(cause);
    throw new LayerwrightError(
      code === "ENOSPC" ? "STORE_FULL" : "FILE_MISSING",
      `Cannot import ${JSON.stringify(from)}: ${code === "ENOENT" ? "no such file" : code}`,
      { cause },
    );
  }
  return { digest: hashFile(to, "sha256"), sizeBytes: statSync(to).size };
}

/**
 * What a copy of a file holds, if it is an archive that an export made.
 *
 * @param path The file, for messages.
 * @param copy The copy that is read.
 * @throws {LayerwrightError} `TAR_INVALID` for any other one.
 */
export function checkArchive(path: string, copy: string): CacheMountAbout {
  const refuse = (why: string, cause?: unknown): never => {
    throw new LayerwrightError(
      "TAR_INVALID",
      `Cannot import ${JSON.stringify(path)}: ${why}`,
      { cause, hint: 'give a file that "layerwright cache export" wrote' },
    );
  };
  let entries: readonly FileEntry[];
  try {
    entries = indexTar(copy);
  } catch (cause) {
    return refuse("it is no tar, or a damaged one", cause);
  }
  let about: CacheMountAbout | undefined;
  let hasFiles = false;
  for (const entry of entries) {
    refuseReservedName(entry.path);
    if (entry.path === ARCHIVED_ABOUT) {
      if (entry.type !== "file" || entry.sizeBytes > ABOUT_LIMIT_BYTES) {
        return refuse(`its "${ARCHIVED_ABOUT}" is no small file`);
      }
      try {
        about = parseAbout(textOf(entry));
      } catch (cause) {
        return refuse(`its "${ARCHIVED_ABOUT}" does not say what cache it is`, cause);
      }
    } else if (entry.path === ARCHIVED_FILES) {
      if (entry.type !== "directory") return refuse(`its "${ARCHIVED_FILES}" is no directory`);
      hasFiles = true;
    } else if (!entry.path.startsWith(`${ARCHIVED_FILES}/`)) {
      return refuse(`it has ${JSON.stringify(entry.path)} in it`);
    }
  }
  if (about === undefined) return refuse(`it has no "${ARCHIVED_ABOUT}"`);
  return hasFiles ? about : refuse(`it has no "${ARCHIVED_FILES}"`);
}

function textOf(entry: FileEntry): string {
  using reader = new ContentReader();
  const pieces: Uint8Array[] = [];
  // Copied: the reader may use its buffer again.
  reader.read(entry, (piece) => pieces.push(piece.slice()));
  return Buffer.concat(pieces).toString("utf8");
}
