/**
 * `type=oci`: an image as an OCI image layout, in a tar archive or in a folder.
 *
 * @see OCI image-spec v1.1, image-layout.md
 * @module
 */
import type { Exporter } from "./exporter.ts";
import { exportLayout } from "./layout_exporter.ts";

/**
 * Writes an archive that `skopeo`, `podman`, `buildah`, `ctr` and `umoci` read, the same bytes for the same image.
 * With `tar=false`, or when `dest` is a folder or ends with `/`, it writes the layout as a folder; images
 * that are in that layout already stay in it.
 */
export const ociArchiveExporter: Exporter = {
  type: "oci",
  export: (image, options) => exportLayout(image, { ...options, type: "oci", docker: false }),
};
