import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDescriptor } from "../../../core/oci/descriptor.ts";
import { sha256 } from "../../../core/oci/digest.ts";
import { parseImageIndex, serializeImageIndex } from "../../../core/oci/image_index.ts";
import { parseManifest, serializeManifest } from "../../../core/oci/manifest.ts";
import {
  DOCKER_IMAGE_CONFIG,
  DOCKER_LAYER_GZIP,
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  OCI_IMAGE_CONFIG,
  OCI_IMAGE_INDEX,
  OCI_IMAGE_MANIFEST,
  OCI_LAYER_GZIP,
} from "../../../core/oci/media_type.ts";
import { bytesOf } from "../../support/temp_store.ts";

const json = (value: unknown): Uint8Array => bytesOf(JSON.stringify(value));
const CONFIG = { mediaType: OCI_IMAGE_CONFIG, digest: sha256("c"), size: 1 };
const LAYER = { mediaType: OCI_LAYER_GZIP, digest: sha256("l"), size: 2 };
const MANIFEST = {
  schemaVersion: 2 as const,
  mediaType: OCI_IMAGE_MANIFEST,
  config: CONFIG,
  layers: [LAYER],
};

test("parseManifest() reads both families", () => {
  assert.deepEqual(parseManifest(json(MANIFEST)), MANIFEST);
  const docker = {
    schemaVersion: 2,
    mediaType: DOCKER_MANIFEST,
    config: { ...CONFIG, mediaType: DOCKER_IMAGE_CONFIG },
    layers: [{ ...LAYER, mediaType: DOCKER_LAYER_GZIP }],
  };
  assert.deepEqual(parseManifest(json(docker)), docker);
});

test("parseManifest() takes a manifest without mediaType, as umoci writes it", () => {
  const { mediaType: _, ...rest } = MANIFEST;
  assert.deepEqual(parseManifest(json(rest)), rest);
});

test("parseManifest() takes Go's nil for an empty list and an absent field", () => {
  const manifest = parseManifest(
    json({ ...MANIFEST, layers: null, annotations: null, subject: null }),
  );
  assert.deepEqual(manifest, { ...MANIFEST, layers: [] });
});

test("parseManifest() keeps unknown keys, subject, artifactType and annotations", () => {
  const manifest = {
    ...MANIFEST,
    artifactType: "application/vnd.example+json",
    subject: { ...LAYER, mediaType: OCI_IMAGE_MANIFEST },
    annotations: { constructor: "a", 10: "b" },
    "com.example.new": { deep: [1] },
    config: { ...CONFIG, data: "aGk=", "x-unknown": 1 },
  };
  assert.deepEqual(parseManifest(serializeManifest(parseManifest(json(manifest)))), manifest);
});

test("parseManifest() names everything that is wrong", () => {
  assert.throws(
    () =>
      parseManifest(
        json({ ...MANIFEST, config: { ...CONFIG, size: -1 }, layers: [{ ...LAYER, digest: "x" }] }),
      ),
    (error: Error & { code?: string; details?: readonly string[] }) => {
      assert.equal(error.code, "MANIFEST_INVALID");
      assert.match(error.message, /^Cannot read image manifest: config\.size: /);
      assert.match(error.details?.[0] ?? "", /^layers\.0\.digest: not a digest/);
      return true;
    },
  );
});

for (
  const [what, bytes] of [
    ["what is not JSON", bytesOf("{")],
    ["a byte order mark", bytesOf("\ufeff" + JSON.stringify(MANIFEST))],
    ["bytes that are not UTF-8", Uint8Array.of(0x22, 0xff, 0x22)],
    ["an array", json([])],
    ["schema 1", json({ schemaVersion: 1, name: "x", fsLayers: [] })],
    ["another media type", json({ ...MANIFEST, mediaType: OCI_IMAGE_INDEX })],
    ["a manifest that is an index too (CVE-2021-41190)", json({ ...MANIFEST, manifests: [] })],
    ["a size that is not whole", json({ ...MANIFEST, config: { ...CONFIG, size: 1.5 } })],
    [
      "a size that JavaScript cannot hold",
      json({ ...MANIFEST, config: { ...CONFIG, size: 2 ** 53 } }),
    ],
    [
      "a media type with parameters",
      json({ ...MANIFEST, config: { ...CONFIG, mediaType: "a/b; c" } }),
    ],
    ["annotations that are not text", json({ ...MANIFEST, annotations: { a: 1 } })],
    ["data that is not base64", json({ ...MANIFEST, config: { ...CONFIG, data: "?" } })],
    ["JSON nested without end", bytesOf(`{"a":${"[".repeat(200)}${"]".repeat(200)}}`)],
    ["JSON nested beyond the stack", bytesOf("[".repeat(1_000_000))],
    ["more than 4 MiB", new Uint8Array(4 * 1024 * 1024 + 1).fill(0x20)],
  ] as const
) {
  test(`parseManifest() rejects ${what}`, () => {
    assert.throws(() => parseManifest(bytes), { code: "MANIFEST_INVALID" });
  });
}

test("serializeManifest() prints keys in Go's order, whatever order they were set in", () => {
  const shuffled = {
    layers: [{ size: 2, digest: LAYER.digest, mediaType: LAYER.mediaType }],
    config: { size: 1, digest: CONFIG.digest, mediaType: CONFIG.mediaType },
    annotations: { b: "2", a: "1" },
    mediaType: OCI_IMAGE_MANIFEST,
    schemaVersion: 2 as const,
  };
  assert.equal(
    new TextDecoder().decode(serializeManifest(shuffled)),
    `{"schemaVersion":2,"mediaType":"${OCI_IMAGE_MANIFEST}",` +
      `"config":{"mediaType":"${CONFIG.mediaType}","digest":"${CONFIG.digest}","size":1},` +
      `"layers":[{"mediaType":"${LAYER.mediaType}","digest":"${LAYER.digest}","size":2}],` +
      `"annotations":{"a":"1","b":"2"}}`,
  );
});

test("parseImageIndex() reads both families, nested or empty", () => {
  for (const mediaType of [OCI_IMAGE_INDEX, DOCKER_MANIFEST_LIST]) {
    const index = {
      schemaVersion: 2 as const,
      mediaType,
      manifests: [
        {
          mediaType: OCI_IMAGE_MANIFEST,
          digest: sha256("m"),
          size: 3,
          platform: { architecture: "arm", os: "linux", variant: "v7" },
        },
        { mediaType: OCI_IMAGE_INDEX, digest: sha256("i"), size: 4 },
      ],
    };
    assert.deepEqual(parseImageIndex(serializeImageIndex(index)), index);
  }
  assert.deepEqual(parseImageIndex(json({ schemaVersion: 2, manifests: null })).manifests, []);
});

test("parseImageIndex() rejects an index that is a manifest too (CVE-2021-41190)", () => {
  for (const extra of [{ layers: [] }, { config: CONFIG }]) {
    assert.throws(() => parseImageIndex(json({ schemaVersion: 2, manifests: [], ...extra })), {
      code: "IMAGE_INDEX_INVALID",
    });
  }
});

test("parseDescriptor() reads one that stands alone", () => {
  assert.deepEqual(parseDescriptor(json(LAYER)), LAYER);
  assert.throws(() => parseDescriptor(json({ ...LAYER, mediaType: "" })), {
    code: "MANIFEST_INVALID",
  });
});
