/**
 * `type=local`: the files of an image in a folder.
 *
 * @module
 */
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { applyLayer, type SkippedItem } from "../layer/apply.ts";
import type { FileEntry } from "../layer/file_entry.ts";
import { LayerwrightError } from "../errors.ts";
import { checkAttributes, checkNotCancelled, reportingFailure } from "./export_output.ts";
import type { Exporter, ExportOptions } from "./exporter.ts";
import { fillDirectory } from "./output_directory.ts";
import { imageTree } from "./rootfs_tar.ts";

/**
 * Writes what a container of the image would see. Modes and times are kept; owners only as root, for whom else all
 * files become their own. Devices and attributes that the kernel refuses are left out, with a note each.
 *
 * A folder that exists keeps its other files, and its own mode where the image has the same folder.
 */
export const localDirectoryExporter: Exporter = {
  type: "local",
  layers: "uncompressed",
  export: (image, options) =>
    Promise.resolve().then(() => {
      const { attributes, dest } = options;
      checkAttributes("local", attributes, []);
      checkNotCancelled(options);
      if (dest === "-") {
        throw new LayerwrightError("OPTION_INVALID", 'Cannot export as type=local to "-"', {
          hint: "name a folder with dest, or use type=tar",
        });
      }
      reportingFailure(dest, () => writeTree(imageTree(image).entries, options));
    }),
};

function writeTree(entries: readonly FileEntry[], options: ExportOptions): void {
  const isRoot = process.geteuid?.() === 0;
  let skipped: readonly SkippedItem[] = [];
  const closed = isRoot ? [] : entries.filter(isClosed);
  const dest = options.dest.replace(/(?<=.)\/+$/, "");
  const kept = fillDirectory(dest, (directory) => {
    // Without root, what is in a folder that its owner may not write to could be neither moved nor removed again.
    const opened = isRoot ? entries : entries.map((entry) => {
      return isClosed(entry) ? { ...entry, mode: entry.mode | 0o700 } : entry;
    });
    ({ skipped } = applyLayer(opened, directory, {
      form: "plain",
      chown: isRoot,
      devices: "skip",
      xattrs: "skip",
    }));
    checkNotCancelled(options);
  });
  for (const { path, mode } of closed.toReversed()) {
    if (!kept.has(path)) chmodSync(join(dest, path), mode);
  }
  for (const { path, what, why } of skipped) {
    options.note?.(
      `left out of ${JSON.stringify(dest)}: ${what} of ${JSON.stringify(path)} (${why})`,
    );
  }
}

/** A directory that its owner cannot read, enter or write to. */
function isClosed({ type, mode }: FileEntry): boolean {
  return type === "directory" && (mode & 0o700) !== 0o700;
}
