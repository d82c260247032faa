/**
 * `type=tar`: the files of an image as one tar archive, without layers and config.
 *
 * @module
 */
import { indexTar } from "../layer/tar_reader.ts";
import { writeTar } from "../layer/tar_writer.ts";
import { stackTrees, type Tree } from "../layer/tree.ts";
import { checkAttributes, reportingFailure, writeArchive } from "./export_output.ts";
import type { ExportableImage, Exporter } from "./exporter.ts";

/** Writes what a container of the image would see, with owners, times, links, devices and xattrs as in the layers. */
export const rootfsTarExporter: Exporter = {
  type: "tar",
  layers: "uncompressed",
  export: (image, options) =>
    Promise.resolve().then(() => {
      checkAttributes("tar", options.attributes, []);
      const { entries } = reportingFailure(options.dest, () => imageTree(image));
      writeArchive(options, (write) => writeTar(entries, write));
    }),
};

/** The merged root of an image; the content of its files stays where it is, in the layer tars. */
export function imageTree(image: ExportableImage): Tree {
  return stackTrees(image.layers.map(({ tarPath }) => indexTar(tarPath)));
}
