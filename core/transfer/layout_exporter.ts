/**
 * Writes an image layout to an archive or into a folder: what `type=oci` and `type=docker` have in common.
 *
 * @module
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { writeFully } from "../layer/full_io.ts";
import { LayerwrightError } from "../errors.ts";
import { ContentReader } from "../layer/file_content.ts";
import type { FileEntry } from "../layer/file_entry.ts";
import { writeTar } from "../layer/tar_writer.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { parseImageIndex } from "../oci/image_index.ts";
import { checkLayout, INDEX_FILE, LAYOUT_FILE, REF_NAME_ANNOTATION } from "../oci/layout.ts";
import {
  booleanAttribute,
  checkAttributes,
  checkNotCancelled,
  reportingFailure,
  writeArchive,
} from "./export_output.ts";
import type { ExportableImage, ExportOptions } from "./exporter.ts";
import { indexEntries, layoutEntries } from "./image_layout.ts";
import { fillDirectory } from "./output_directory.ts";

/** How a layout is written. */
export interface LayoutExportOptions extends ExportOptions {
  /** The exporter's name, for errors. */
  readonly type: string;
  /** Add what `docker load` reads. */
  readonly docker: boolean;
}

/** Writes one image as a layout; see the exporters for what the options mean. */
export function exportLayout(image: ExportableImage, options: LayoutExportOptions): Promise<void> {
  return Promise.resolve().then(() => {
    const { attributes, dest, docker, epochSeconds, type } = options;
    checkAttributes(type, attributes, ["tar"]);
    const tar = attributes.tar === undefined ? undefined : booleanAttribute("tar", attributes.tar);
    if (tar === false && dest === "-") {
      throw new LayerwrightError(
        "OPTION_INVALID",
        `Cannot export as type=${type},tar=false to "-"`,
        {
          hint: "name a folder with dest",
        },
      );
    }
    if (tar ?? !reportingFailure(dest, () => isFolder(dest))) {
      const entries = layoutEntries(image, { docker, epochSeconds });
      writeArchive(options, (write) => writeTar(entries, write));
      return;
    }
    checkNotCancelled(options);
    reportingFailure(dest, () => {
      const others = otherImages(dest, image);
      const entries = layoutEntries(image, { docker, epochSeconds, others });
      fillDirectory(dest.replace(/(?<=.)\/+$/, ""), (directory) => {
        writeFiles(entries, directory);
        checkNotCancelled(options);
      }, INDEX_FILE);
    });
  });
}

function isFolder(dest: string): boolean {
  return dest.endsWith("/") || statSync(dest, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** What the index of an existing layout lists, without what this image's names take over. */
function otherImages(dest: string, image: ExportableImage): Descriptor[] {
  if (!existsSync(dest) || readdirSync(dest).length === 0) return [];
  if (!existsSync(join(dest, LAYOUT_FILE))) {
    throw new LayerwrightError(
      "EXPORT_FAILED",
      `Cannot export to ${
        JSON.stringify(dest)
      }: the folder holds other things than an image layout`,
      { hint: "choose a new folder" },
    );
  }
  checkLayout(readFileSync(join(dest, LAYOUT_FILE)));
  const taken = new Set(indexEntries(image, 0).map(entryName));
  return parseImageIndex(readFileSync(join(dest, INDEX_FILE))).manifests
    .filter((descriptor) => !taken.has(entryName(descriptor)));
}

/** What two entries of an index must not share: readers would not know which one is meant. */
function entryName({ annotations, digest }: Descriptor): string {
  return annotations?.["io.containerd.image.name"] ?? annotations?.[REF_NAME_ANNOTATION] ?? digest;
}

function writeFiles(entries: readonly FileEntry[], directory: string): void {
  using contents = new ContentReader();
  for (const entry of entries) {
    const path = join(directory, entry.path);
    if (entry.type === "directory") {
      mkdirSync(path);
      continue;
    }
    const fd = openSync(path, "wx", 0o666);
    try {
      contents.read(entry, (piece) => {
        writeFully(fd, piece);
      });
    } finally {
      closeSync(fd);
    }
  }
}
