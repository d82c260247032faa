/**
 * An image that is on this machine, checked, with its layers brought into the store.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { closeSync, createReadStream, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { LayerwrightError } from "../errors.ts";
import type { OpPlatform, SourceOp } from "../graph/op.ts";
import { fixedChunks } from "../layer/chunk.ts";
import { decompressed } from "../layer/decompress.ts";
import { writeFully } from "../layer/full_io.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { type DiffID, digestAlgorithm, sha256 } from "../oci/digest.ts";
import { parseImageConfig } from "../oci/image_config.ts";
import { parseImageIndex } from "../oci/image_index.ts";
import { parseManifest } from "../oci/manifest.ts";
import { isIndexMediaType } from "../oci/media_type.ts";
import { formatPlatform, platformMatches } from "../oci/platform.ts";
import type { ResolvedImage, SourceContext } from "./source.ts";
import { isPlain } from "./stored_image.ts";
import { describeTar } from "./tar_chunks.ts";
import type { LayerRef } from "./vertex_result.ts";

/** Where the blobs of an image are. */
export interface BlobFiles {
  /** How it is called in messages. */
  readonly name: string;
  pathOf(descriptor: Descriptor): string | undefined;
}

/** Follows indexes to the manifest of the platform, and brings what the image needs into the store. */
export async function loadImage(
  files: BlobFiles,
  descriptor: Descriptor,
  op: SourceOp,
  context: SourceContext,
): Promise<ResolvedImage> {
  let current = descriptor;
  // An index may name indexes; deeper than this is no image anybody made.
  for (let depth = 0; isIndexMediaType(current.mediaType); depth++) {
    if (depth === 4) {
      throw new LayerwrightError(
        "IMAGE_INDEX_INVALID",
        `Cannot use ${files.name}: its indexes nest too deep`,
      );
    }
    current = choosePlatform(
      parseImageIndex(readBlob(files, current)).manifests,
      op.platform,
      files.name,
    );
  }
  const manifest = parseManifest(readBlob(files, current));
  const config = readBlob(files, manifest.config);
  const { rootfs: { diff_ids: diffIds } } = parseImageConfig(config);
  if (diffIds.length !== manifest.layers.length) {
    throw new LayerwrightError(
      "MANIFEST_INVALID",
      `Cannot use ${files.name}: its manifest has ${manifest.layers.length} layers, its config ${diffIds.length}`,
    );
  }
  const layers: LayerRef[] = [];
  for (const [index, blob] of manifest.layers.entries()) {
    const diffId = diffIds[index];
    if (diffId !== undefined) layers.push(await bringLayer(files, blob, diffId, context));
  }
  return { kind: "image", config, layers };
}

/** @throws {LayerwrightError} `SOURCE_MISSING` where none is for the platform. */
export function choosePlatform(
  manifests: readonly Descriptor[],
  platform: OpPlatform,
  name: string,
): Descriptor {
  const found = manifests.find((manifest) =>
    manifest.platform !== undefined && platformMatches(manifest.platform, platform)
  );
  if (found !== undefined) return found;
  const known = manifests.flatMap((manifest) =>
    manifest.platform === undefined ? [] : [formatPlatform(manifest.platform)]
  );
  throw new LayerwrightError(
    "SOURCE_MISSING",
    `Cannot use ${name}: it has no image for ${formatPlatform(platform)}`,
    {
      details: [`it has ${known.join(", ") || "no platforms"}`],
      hint: "build for one of its platforms",
    },
  );
}

/** A small blob, verified. */
function readBlob(files: BlobFiles, descriptor: Descriptor): Uint8Array {
  const bytes = readFileSync(openable(files, descriptor));
  const found = sha256(bytes);
  if (digestAlgorithm(descriptor.digest) === "sha256" && found !== descriptor.digest) {
    throw mismatch(files, descriptor, found);
  }
  return bytes;
}

function openable(files: BlobFiles, descriptor: Descriptor): string {
  const path = files.pathOf(descriptor);
  const size = sizeOf(path);
  if (path === undefined || size === undefined) {
    throw new LayerwrightError(
      "BLOB_MISSING",
      `Cannot use ${files.name}: it lacks blob ${descriptor.digest}`,
    );
  }
  if (size !== descriptor.size) throw mismatch(files, descriptor, `${size} bytes`);
  return path;
}

/** The bytes of a file; undefined where there is none. */
export function sizeOf(path: string | undefined): number | undefined {
  return path === undefined ? undefined : statSync(path, { throwIfNoEntry: false })?.size;
}

function mismatch(files: BlobFiles, descriptor: Descriptor, found: string): LayerwrightError {
  return new LayerwrightError(
    "BLOB_DIGEST_MISMATCH",
    `Cannot use ${files.name}: blob ${descriptor.digest} (${descriptor.size} bytes) is ${found}`,
    { hint: "copy the image again" },
  );
}

/** Makes a layer of another tool ours: its blob as it is, and its tar unpacked beside it. */
async function bringLayer(
  files: BlobFiles,
  blob: Descriptor,
  diffId: DiffID,
  { store, signal }: SourceContext,
): Promise<LayerRef> {
  if (isPlain({ diffId, descriptor: blob })) return await bringTar(files, blob, diffId, store);
  const layer = store.layers.get(diffId);
  // A short file is no file: an image must not come out otherwise because the store was damaged.
  const known = sizeOf(layer?.path) === layer?.sizeBytes ? layer : undefined;
  const isStored = sizeOf(store.blobs.path(blob.digest)) === blob.size;
  if (known !== undefined && isStored) return { diffId, sizeBytes: known.sizeBytes, blob };
  const path = openable(files, blob);
  if (!isStored) {
    await store.blobs.put(createReadStream(path), { digest: blob.digest, size: blob.size });
  }
  if (known !== undefined) return { diffId, sizeBytes: known.sizeBytes, blob };
  const tarPath = store.temp.newPath();
  const written = await spool(decompressed(createReadStream(path)), tarPath, signal);
  if (written.diffId !== diffId) {
    rmSync(tarPath, { force: true });
    throw new LayerwrightError(
      "LAYER_INVALID",
      `Cannot use ${files.name}: layer ${blob.digest} holds ${written.diffId}, its config says ${diffId}`,
    );
  }
  await store.layers.addFromTemp(tarPath, {
    ...written,
    chunkLengths: fixedChunks(written.sizeBytes),
  });
  return { diffId, sizeBytes: written.sizeBytes, blob };
}

/**
 * A layer that comes as its tar is as good as one that was made here: it is compressed like those when it leaves, so
 * that an image comes out the same whether or not its base was compressed in between.
 */
async function bringTar(
  files: BlobFiles,
  blob: Descriptor,
  diffId: DiffID,
  store: SourceContext["store"],
): Promise<LayerRef> {
  if (sizeOf(store.blobs.path(blob.digest)) !== blob.size) {
    const path = openable(files, blob);
    await store.blobs.put(createReadStream(path), { digest: blob.digest, size: blob.size });
  }
  describeTar(store, diffId);
  return { diffId, sizeBytes: blob.size };
}

async function spool(
  source: AsyncIterable<Uint8Array>,
  path: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly diffId: DiffID; readonly sizeBytes: number }> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  const fd = openSync(path, "wx", 0o600);
  try {
    for await (const bytes of source) {
      signal?.throwIfAborted();
      hash.update(bytes);
      writeFully(fd, bytes);
      sizeBytes += bytes.length;
    }
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
  return { diffId: `sha256:${hash.digest("hex")}` as DiffID, sizeBytes };
}
