import { dockerArchiveExporter } from "../../core/transfer/docker_archive.ts";
import { localDirectoryExporter } from "../../core/transfer/local_directory.ts";
import { ociArchiveExporter } from "../../core/transfer/oci_archive.ts";
import { rootfsTarExporter } from "../../core/transfer/rootfs_tar.ts";
import { exporterContract } from "./exporter_contract.ts";

for (
  const exporter of [
    ociArchiveExporter,
    dockerArchiveExporter,
    rootfsTarExporter,
    localDirectoryExporter,
  ]
) exporterContract(exporter);
