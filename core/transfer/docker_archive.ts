/**
 * `type=docker`: an image as `docker save` writes it.
 *
 * Since Docker 25 that is an OCI image layout with a `manifest.json` beside its index, so one archive serves
 * `docker load` of every version, `podman load`, and all readers of OCI layouts.
 *
 * @module
 */
import type { Exporter } from "./exporter.ts";
import { exportLayout } from "./layout_exporter.ts";

/** Writes an archive for `docker load`; takes the options of `type=oci`. */
export const dockerArchiveExporter: Exporter = {
  type: "docker",
  export: (image, options) => exportLayout(image, { ...options, type: "docker", docker: true }),
};
