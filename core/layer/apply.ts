/**
 * Unpacks layers and archives into directories.
 *
 * @see OCI image-spec v1.1, layer.md, "Applying Changesets"; kernel, Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories"
 * @module
 */
import { ContentReader } from "./file_content.ts";
import type { FileEntry } from "./file_entry.ts";
import { baseName, parentPath } from "./link_resolver.ts";
import { impliedParents, markHidden } from "./overlay_form.ts";
import { readTar } from "./tar_reader.ts";
import { unpackError } from "./unpack_error.ts";
import type { ApplyLayerOptions, UnpackOptions, UnpackResult } from "./unpack_options.ts";
import { UnpackRoot } from "./unpack_root.ts";
import { parseWhiteout, refuseReservedName, type Whiteout } from "./whiteout.ts";

export type {
  ApplyLayerOptions,
  SkippedItem,
  UnpackOptions,
  UnpackResult,
} from "./unpack_options.ts";

/**
 * Unpacks one layer. Whiteouts act on the layers below theirs only, wherever they stand in the archive.
 *
 * No entry gets out of `root`: links among its parents are followed inside the root, the last name never is. Modes,
 * owners, times and xattrs become exactly what the entries say, whatever the umask; directories that are only passed
 * through keep their times.
 *
 * @param entries in the order of the archive, content given.
 * @param root an existing directory that nothing else writes to meanwhile.
 * @throws {LayerwrightError} `LAYER_INVALID` for an entry below a file or a hard link to nothing; `LAYER_LIMIT` over a
 * limit; `HOST_UNSUPPORTED` for what the kernel refuses; `STORE_FULL`, `STORE_UNWRITABLE` for the disk.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { mkdtempSync, readFileSync, rmSync } from "node:fs";
 * import { tmpdir } from "node:os";
 * import { join } from "node:path";
 * import { applyLayer } from "./apply.ts";
 * const root = mkdtempSync(join(tmpdir(), "lw-"));
 * const bytes = new TextEncoder().encode("hello");
 * applyLayer([{
 *   path: "a/b", type: "file", mode: 0o644, uid: 0, gid: 0, sizeBytes: 5, mtimeSeconds: 0,
 *   content: { kind: "bytes", bytes },
 * }], root, { form: "plain", chown: false });
 * assert.equal(readFileSync(join(root, "a/b"), "utf8"), "hello");
 * rmSync(root, { recursive: true });
 * ```
 */
export function applyLayer(
  entries: Iterable<FileEntry>,
  root: string,
  options: ApplyLayerOptions,
): UnpackResult {
  const own: FileEntry[] = [];
  const whiteouts: Whiteout[] = [];
  for (const entry of entries) {
    const whiteout = parseWhiteout(entry.path);
    if (whiteout === undefined) own.push(entry);
    else whiteouts.push(whiteout);
  }
  const isOverlay = options.form === "overlay";
  const unpack = new UnpackRoot(
    root,
    options,
    isOverlay ? impliedParents(options.lower, whiteouts) : undefined,
  );
  try {
    if (!isOverlay) { for (const whiteout of whiteouts) removeHidden(unpack, whiteout); }
    placeAll(unpack, own);
    if (isOverlay) { for (const whiteout of whiteouts) markHidden(unpack, whiteout, options); }
    return unpack.finish();
  } catch (error) {
    throw unpackError(error, root);
  }
}

/**
 * Unpacks an archive as it arrives, confined as by {@link applyLayer}. Members have no meaning beyond themselves:
 * whiteouts are refused, since no layer could hold them as files. An entry for the root itself is passed over.
 *
 * @param source an uncompressed tar.
 * @throws {LayerwrightError} as {@link applyLayer} and `readTar`; `LAYER_NAME_RESERVED` for names starting with `.wh.`.
 */
export async function extractTar(
  source: AsyncIterable<Uint8Array>,
  root: string,
  options: UnpackOptions,
): Promise<UnpackResult> {
  const unpack = new UnpackRoot(root, options);
  try {
    for await (const member of readTar(source)) {
      const { entry } = member;
      if (entry.path === "") continue;
      refuseReservedName(entry.path);
      using file = unpack.place(entry);
      if (file === undefined) continue;
      for await (const piece of member.body()) file.write(piece);
      file.complete();
    }
    return unpack.finish();
  } catch (error) {
    throw unpackError(error, root);
  }
}

function placeAll(unpack: UnpackRoot, entries: readonly FileEntry[]): void {
  using contents = new ContentReader();
  for (const entry of entries) {
    using file = unpack.place(entry);
    if (file === undefined) continue;
    contents.read(entry, (piece) => file.write(piece));
    file.complete();
  }
}

function removeHidden(unpack: UnpackRoot, whiteout: Whiteout): void {
  if (whiteout.kind === "ignored") return;
  if (whiteout.kind === "opaque") {
    const directory = unpack.findDirectory(whiteout.directory);
    if (directory !== undefined) unpack.clear(directory);
    return;
  }
  const parent = unpack.findDirectory(parentPath(whiteout.path));
  if (parent !== undefined) unpack.remove(parent, baseName(whiteout.path));
}
