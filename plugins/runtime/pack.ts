/**
 * A directory as a tar, written where its owners are known.
 *
 * @module
 */
import { mkdirSync } from "node:fs";
import { posix } from "node:path";
import { LayerwrightError } from "../../core/errors.ts";
import { type FileEntry, writeLayer } from "../../core/layer/mod.ts";
import type { PackRequest, PackResult } from "../../core/mod.ts";
import { readDiskEntry } from "./disk_entry.ts";
import { removeTree } from "./remove_tree.ts";
import { Stubs } from "./stub_layer.ts";
import { scanUpper } from "./upper_layer.ts";
import type { WorkerContext } from "./worker_context.ts";

/** Times are content: caches are full of files that programs compare by them. */
const ANY_TIME_SECONDS = 253_402_300_799;

/**
 * Packs a directory: as what a step would have changed that made it from nothing.
 *
 * @throws {LayerwrightError} `FILE_MISSING`; `LAYER_NAME_RESERVED`, `LAYER_INVALID` for names that no layer can have.
 */
export function packDirectory(
  { options }: Pick<WorkerContext, "options">,
  name: string,
  request: PackRequest,
): PackResult {
  const below = `${options.workDirectory}/${name}`;
  mkdirSync(below);
  try {
    const { directory } = request;
    const top = readDiskEntry(posix.dirname(directory), posix.basename(directory));
    if (top === undefined) {
      throw new LayerwrightError("FILE_MISSING", `Cannot pack "${directory}": no such directory`);
    }
    const { entries, notes } = scanUpper({
      upper: directory,
      below,
      stubs: new Stubs([]),
      epochSeconds: ANY_TIME_SECONDS,
    });
    const renamed = (path: string): string => `${request.name}/${path}`;
    const all = [
      ...request.texts.map(textEntry),
      { ...top.entry, path: request.name },
      ...entries.map((entry) => ({
        ...entry,
        path: renamed(entry.path),
        ...entry.type === "hardlink" ? { linkTarget: renamed(entry.linkTarget ?? "") } : {},
      })),
    ];
    const layer = writeLayer(all, request.tarPath, { epochSeconds: ANY_TIME_SECONDS });
    return { layer, notes };
  } finally {
    removeTree(below);
  }
}

function textEntry({ name, text }: PackRequest["texts"][number]): FileEntry {
  const bytes = new TextEncoder().encode(text);
  return {
    path: name,
    type: "file",
    mode: 0o644,
    uid: 0,
    gid: 0,
    sizeBytes: bytes.length,
    mtimeSeconds: 0,
    content: { kind: "bytes", bytes },
  };
}
