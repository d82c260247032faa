import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { LayerwrightError } from "../../../core/errors.ts";
import type { Descriptor } from "../../../core/oci/descriptor.ts";
import { type DiffID, type Digest, sha256 } from "../../../core/oci/digest.ts";
import { type ImageConfig, serializeImageConfig } from "../../../core/oci/image_config.ts";
import { type ImageIndex, serializeImageIndex } from "../../../core/oci/image_index.ts";
import { type Manifest, serializeManifest } from "../../../core/oci/manifest.ts";
import {
  OCI_EMPTY,
  OCI_IMAGE_CONFIG,
  OCI_IMAGE_INDEX,
  OCI_IMAGE_MANIFEST,
  OCI_LAYER,
  OCI_LAYER_GZIP,
} from "../../../core/oci/media_type.ts";
import { type BlobReader, validateImage } from "../../../core/oci/validate_image.ts";
import { MemoryBlobStore } from "../../../core/store/memory_blob_store.ts";
import { bytesOf, withTempFolder } from "../../support/temp_store.ts";

const store = new MemoryBlobStore();
const TAR_A = new Uint8Array(2048).fill(1);
const TAR_B = new Uint8Array(1024).fill(2);

async function* gunzipped(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source) pieces.push(piece);
  try {
    yield new Uint8Array(gunzipSync(Buffer.concat(pieces)));
  } catch (cause) {
    throw new LayerwrightError("COMPRESSION_INVALID", "Cannot unpack: not gzip", { cause });
  }
}

const reader = (blobs: MemoryBlobStore): BlobReader => ({
  size: (digest) => blobs.size(digest),
  open: (digest) => blobs.openRead(digest),
});

async function violations(descriptor: Descriptor): Promise<string[]> {
  const found = await validateImage(reader(store), descriptor, { decompressed: gunzipped });
  return found.map(({ path, message }) => `${path}: ${message}`);
}

async function put(mediaType: string, bytes: Uint8Array): Promise<Descriptor> {
  return { mediaType, ...await store.put([bytes]) };
}

/** Stores bytes under a digest that is not theirs, as a bad disk would. */
async function putUnder(
  damaged: MemoryBlobStore,
  digest: Digest,
  bytes: Uint8Array,
): Promise<void> {
  await withTempFolder(async (folder) => {
    const path = join(folder, "blob");
    writeFileSync(path, bytes);
    await damaged.putFile(path, digest);
  });
}

const config = (change: Partial<ImageConfig> = {}): ImageConfig => ({
  architecture: "amd64",
  os: "linux",
  rootfs: { type: "layers", diff_ids: [sha256<DiffID>(TAR_A), sha256<DiffID>(TAR_B)] },
  history: [{ created_by: "a" }, { created_by: "env", empty_layer: true }, { created_by: "b" }],
  ...change,
});

async function image(
  change: Partial<ImageConfig> = {},
  changeManifest: (manifest: Manifest) => Manifest = (manifest) => manifest,
): Promise<Descriptor> {
  return await put(
    OCI_IMAGE_MANIFEST,
    serializeManifest(changeManifest({
      schemaVersion: 2,
      mediaType: OCI_IMAGE_MANIFEST,
      config: await put(OCI_IMAGE_CONFIG, serializeImageConfig(config(change))),
      layers: [
        await put(OCI_LAYER_GZIP, new Uint8Array(gzipSync(TAR_A))),
        await put(OCI_LAYER, TAR_B),
      ],
    })),
  );
}

test("validateImage() finds nothing wrong with a valid image", async () => {
  assert.deepEqual(await violations(await image()), []);
});

test("validateImage() finds nothing wrong with an image without history or layers", async () => {
  const { history: _, ...rest } = config();
  const bare = await put(OCI_IMAGE_CONFIG, serializeImageConfig(rest));
  assert.deepEqual(
    await violations(await image({}, (manifest) => ({ ...manifest, config: bare }))),
    [],
  );
  const empty = { history: [], rootfs: { type: "layers" as const, diff_ids: [] } };
  assert.deepEqual(
    await violations(await image(empty, (manifest) => ({ ...manifest, layers: [] }))),
    [],
  );
});

test("validateImage() lists every violation of an image at once", async () => {
  const wrong = sha256<DiffID>("another tar");
  const missing = sha256("never stored");
  const broken = await put(OCI_LAYER_GZIP, bytesOf("not gzip"));
  const target = await image(
    { rootfs: { type: "layers", diff_ids: [wrong, wrong, wrong, wrong, wrong] } },
    (manifest) => ({
      ...manifest,
      layers: [
        ...manifest.layers,
        broken,
        { mediaType: OCI_LAYER, digest: missing, size: 5 },
        { mediaType: "application/x-unheard-of", digest: sha256(TAR_B), size: 3 },
        { mediaType: OCI_LAYER, digest: sha256(TAR_B), size: TAR_B.length, data: "AAAA" },
      ],
    }),
  );
  assert.deepEqual(await violations(target), [
    "config: lists 5 diff_ids for the 6 layers of the manifest",
    "config: its history names 2 layers, the manifest has 6",
    `layers[0]: unpacks to ${sha256(TAR_A)}, the config says ${wrong}`,
    `layers[1]: unpacks to ${sha256(TAR_B)}, the config says ${wrong}`,
    "layers[2]: Cannot unpack: not gzip",
    "layers[3]: its blob is missing",
    'layers[4]: unknown media type "application/x-unheard-of"',
    "layers[4]: has 1024 bytes, its descriptor says 3",
    'layers[5]: its inline "data" is not the content',
  ]);
});

test("validateImage() recomputes the digest of every blob", async () => {
  const target = await image();
  const damaged = new MemoryBlobStore();
  for await (const digest of store.list()) {
    const bytes = await store.readBytes(digest, 1 << 20);
    // Same size, other content; a name it should not have.
    const changed = bytes.map((byte, i) => i === bytes.length - 1 ? byte ^ 1 : byte);
    await putUnder(damaged, digest, digest === target.digest ? bytes : changed);
  }
  const found = await validateImage(reader(damaged), target, { decompressed: gunzipped });
  assert.deepEqual(found.map(({ path }) => path), ["config", "layers[0]", "layers[1]"]);
  for (const { message } of found) assert.match(message, /^its bytes have the digest sha256:/);
});

test("validateImage() follows an index, nested too, and compares platforms", async () => {
  const child = await image();
  const index = (manifests: Descriptor[]): Uint8Array =>
    serializeImageIndex(
      { schemaVersion: 2, mediaType: OCI_IMAGE_INDEX, manifests } satisfies ImageIndex,
    );
  const inner = await put(
    OCI_IMAGE_INDEX,
    index([
      { ...child, platform: { os: "linux", architecture: "amd64" } },
      { ...child, platform: { os: "linux", architecture: "arm64" } },
    ]),
  );
  const outer = await put(OCI_IMAGE_INDEX, index([inner, { ...child, size: child.size + 1 }]));
  assert.deepEqual(await violations(outer), [
    "manifests[0].manifests[1].config: is for linux/amd64, but the index offers it as linux/arm64",
    `manifests[1]: has ${child.size} bytes, its descriptor says ${child.size + 1}`,
  ]);
});

test("validateImage() reports documents that cannot be parsed, with all their faults", async () => {
  const bad = await put(OCI_IMAGE_MANIFEST, bytesOf('{"schemaVersion":1,"layers":{}}'));
  const found = await violations(bad);
  assert.ok(found.length >= 3, found.join("\n"));
  for (const line of found) assert.match(line, /^manifest: /);
});

test("validateImage() reports a document whose type is not what it is offered as", async () => {
  const target = await image();
  assert.deepEqual(await violations({ ...target, mediaType: "text/plain" }), [
    'manifest: unknown media type "text/plain"',
  ]);
  const other = { ...target, mediaType: "application/vnd.docker.distribution.manifest.v2+json" };
  assert.deepEqual(await violations(other), [
    `manifest: calls itself ${OCI_IMAGE_MANIFEST}, its descriptor says ${other.mediaType}`,
  ]);
});

test("validateImage() takes an artifact whose config is no image config", async () => {
  const artifact = await put(
    OCI_IMAGE_MANIFEST,
    serializeManifest({
      schemaVersion: 2,
      mediaType: OCI_IMAGE_MANIFEST,
      artifactType: "application/vnd.example.sbom",
      config: await put(OCI_EMPTY, bytesOf("{}")),
      layers: [await put("text/plain", bytesOf("hello"))],
    }),
  );
  assert.deepEqual(await violations(artifact), []);
});

test("validateImage() takes a foreign layer that is not here", async () => {
  const foreign = {
    mediaType: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    digest: sha256("elsewhere"),
    size: 7,
    urls: ["https://example.com/layer"],
  };
  const target = await image(
    {},
    (manifest) => ({ ...manifest, layers: [manifest.layers[0] ?? foreign, foreign] }),
  );
  assert.deepEqual(await violations(target), []);
});

test("validateImage() hashes what follows the last compressed byte", async () => {
  const stored = new Uint8Array([...gzipSync(TAR_A), 1, 2, 3]);
  const layer = await put(OCI_LAYER_GZIP, stored);
  const target = await image(
    {},
    (manifest) => ({ ...manifest, layers: [layer, ...manifest.layers.slice(1)] }),
  );
  const damaged = new MemoryBlobStore();
  for await (const digest of store.list()) {
    const bytes = await store.readBytes(digest, 1 << 20);
    await putUnder(damaged, digest, digest === layer.digest ? bytes.with(-1, 4) : bytes);
  }
  // Reads the first piece only, as an unpacker does that knows where its stream ends.
  async function* first(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const _ of source) {
      yield await Promise.resolve(TAR_A);
      break;
    }
  }
  const found = await validateImage(reader(damaged), target, { decompressed: first });
  assert.deepEqual(found.map(({ path }) => path), ["layers[0]"]);
  assert.match(found[0]?.message ?? "", /^its bytes have the digest/);
});
