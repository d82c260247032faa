/**
 * An image as the files of an OCI image layout, with or without the manifest that `docker load` reads.
 *
 * @see OCI image-spec v1.1, image-layout.md
 * @module
 */
import { comparePaths } from "../layer/path_order.ts";
import type { FileContent, FileEntry } from "../layer/file_entry.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { sha256 } from "../oci/digest.ts";
import {
  blobPath,
  INDEX_FILE,
  LAYOUT_BYTES,
  LAYOUT_FILE,
  REF_NAME_ANNOTATION,
  serializeLayoutIndex,
} from "../oci/layout.ts";
import { familiarReference, formatReference, parseReference } from "../oci/reference.ts";
import type { ExportableImage } from "./exporter.ts";

/** The file that `docker save` writes and `docker load` reads. */
const DOCKER_MANIFEST_FILE = "manifest.json";

/** What a layout says besides the image. */
export interface LayoutOptions {
  /** Set as the time of the files, and as the time the index entry was made. */
  readonly epochSeconds: number;
  /** Add {@link DOCKER_MANIFEST_FILE}. */
  readonly docker: boolean;
  /** Entries of an index that is replaced, to be kept. */
  readonly others?: readonly Descriptor[];
}

/**
 * The files of a layout, sorted by path, folders before what they hold. Layers are blobs as the manifest names
 * them, so that what is loaded has the digests of what was built.
 */
export function layoutEntries(image: ExportableImage, options: LayoutOptions): FileEntry[] {
  const files = new Map<string, { sizeBytes: number; content: FileContent }>();
  const addBytes = (path: string, bytes: Uint8Array): void => {
    files.set(path, { sizeBytes: bytes.length, content: { kind: "bytes", bytes } });
  };
  for (const { descriptor, blobPath: path } of image.layers) {
    files.set(blobPath(descriptor.digest), {
      sizeBytes: descriptor.size,
      content: { kind: "path", path },
    });
  }
  const configPath = blobPath(sha256(image.configBytes));
  addBytes(configPath, image.configBytes);
  addBytes(blobPath(image.manifest.digest), image.manifestBytes);
  addBytes(LAYOUT_FILE, LAYOUT_BYTES);
  addBytes(
    INDEX_FILE,
    serializeLayoutIndex([...options.others ?? [], ...indexEntries(image, options.epochSeconds)]),
  );
  if (options.docker) {
    addBytes(
      DOCKER_MANIFEST_FILE,
      new TextEncoder().encode(JSON.stringify([{
        Config: configPath,
        RepoTags: image.tags.map((tag) => familiarReference(parseReference(tag))),
        Layers: image.layers.map(({ descriptor }) => blobPath(descriptor.digest)),
      }])),
    );
  }

  const owned = { uid: 0, gid: 0, mtimeSeconds: options.epochSeconds };
  const entries = new Map<string, FileEntry>();
  for (const [path, file] of files) {
    entries.set(path, { path, type: "file", mode: 0o644, ...owned, ...file });
    for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) {
      const folder = path.slice(0, at);
      entries.set(folder, { path: folder, type: "directory", mode: 0o755, ...owned, sizeBytes: 0 });
    }
  }
  return [...entries.values()].sort((a, b) => comparePaths(a.path, b.path));
}

/**
 * The index's entries for an image: one for each tag, one without a name when there is none. As BuildKit writes
 * them: the full name for containerd, the tag alone for tools that go by the OCI annotation.
 */
export function indexEntries(image: ExportableImage, epochSeconds: number): Descriptor[] {
  const { annotations: own, ...manifest } = image.manifest;
  const { architecture, os, variant } = image.config;
  const platform = { architecture, os, ...(variant === undefined ? {} : { variant }) };
  const created = new Date(epochSeconds * 1000).toISOString().replace(".000Z", "Z");
  const entry = (names: Readonly<Record<string, string>>): Descriptor => ({
    ...manifest,
    platform: manifest.platform ?? platform,
    annotations: { ...own, ...names, "org.opencontainers.image.created": created },
  });
  if (image.tags.length === 0) return [entry({})];
  return image.tags.map((text) => {
    const reference = parseReference(text);
    return entry({
      "io.containerd.image.name": formatReference(reference),
      [REF_NAME_ANNOTATION]: reference.tag ?? reference.digest ?? "",
    });
  });
}
