/**
 * A finished image, made of entries, for tests of what happens to images afterwards.
 *
 * @module
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { gzipEncoder } from "../../core/layer/compress.ts";
import type { FileEntry } from "../../core/layer/file_entry.ts";
import { writeLayer } from "../../core/layer/write_layer.ts";
import { sha256 } from "../../core/oci/digest.ts";
import {
  type ContainerConfig,
  type ImageConfig,
  serializeImageConfig,
} from "../../core/oci/image_config.ts";
import { serializeManifest } from "../../core/oci/manifest.ts";
import type { ExportableImage, ExportableLayer } from "../../core/transfer/exporter.ts";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const CONFIG = "application/vnd.oci.image.config.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";
/** 2020-01-01T00:00:00Z: far from both the epoch and now, so that a wrong time shows. */
export const EPOCH_SECONDS = 1_577_836_800;

/** What an image is made of besides its layers. */
export interface ImageFixture {
  readonly tags?: readonly string[];
  readonly config?: ContainerConfig;
}

/** Writes the layers' tars and blobs into `directory`, and describes the image. */
export function exportableImage(
  directory: string,
  layers: readonly (readonly FileEntry[])[],
  fixture: ImageFixture = {},
): ExportableImage {
  const written = layers.map((entries, index) =>
    layerIn(join(directory, `layer-${index}`), entries)
  );
  const created = new Date(EPOCH_SECONDS * 1000).toISOString();
  const config: ImageConfig = {
    created,
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    os: "linux",
    config: fixture.config ?? {},
    rootfs: { type: "layers", diff_ids: written.map(({ diffId }) => diffId) },
    history: written.map(() => ({ created, created_by: "test" })),
  };
  const configBytes = serializeImageConfig(config);
  const describe = (mediaType: string, bytes: Uint8Array): ExportableImage["manifest"] => {
    return { mediaType, digest: sha256(bytes), size: bytes.length };
  };
  const manifestBytes = serializeManifest({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: describe(CONFIG, configBytes),
    layers: written.map(({ descriptor }) => descriptor),
  });
  const manifest = describe(MANIFEST, manifestBytes);
  return {
    manifest,
    manifestBytes,
    configBytes,
    config,
    layers: written,
    tags: fixture.tags ?? [],
  };
}

function layerIn(path: string, entries: readonly FileEntry[]): ExportableLayer {
  const [tarPath, blobPath] = [`${path}.tar`, `${path}.tar.gz`];
  const { diffId, chunkLengths } = writeLayer(entries, tarPath, { epochSeconds: EPOCH_SECONDS });
  const fd = openSync(blobPath, "wx");
  try {
    const { digest, sizeBytes } = gzipEncoder().encode({ path: tarPath, chunkLengths }, (bytes) => {
      writeSync(fd, bytes);
    });
    return { descriptor: { mediaType: LAYER, digest, size: sizeBytes }, diffId, tarPath, blobPath };
  } finally {
    closeSync(fd);
  }
}

/** A file with text, or another entry, owned by root. */
export function entry(path: string, of: string | Partial<FileEntry> = {}): FileEntry {
  const owned = { path, uid: 0, gid: 0, mtimeSeconds: EPOCH_SECONDS };
  if (typeof of !== "string") {
    return { ...owned, type: "directory", mode: 0o755, sizeBytes: 0, ...of };
  }
  const bytes = new TextEncoder().encode(of);
  return {
    ...owned,
    type: "file",
    mode: 0o644,
    sizeBytes: bytes.length,
    content: { kind: "bytes", bytes },
  };
}
