import assert from "node:assert/strict";
import { test } from "node:test";
import * as media from "../../../core/oci/media_type.ts";

test("media types of both families are told apart by what they are", () => {
  const kinds = (type: string): string =>
    [
      media.isManifestMediaType(type) && "manifest",
      media.isIndexMediaType(type) && "index",
      media.isImageConfigMediaType(type) && "config",
      media.isLayerMediaType(type) && `layer ${media.layerCompression(type)}`,
    ].filter(Boolean).join();
  assert.equal(kinds(media.OCI_IMAGE_MANIFEST), "manifest");
  assert.equal(kinds(media.DOCKER_MANIFEST), "manifest");
  assert.equal(kinds(media.OCI_IMAGE_INDEX), "index");
  assert.equal(kinds(media.DOCKER_MANIFEST_LIST), "index");
  assert.equal(kinds(media.OCI_IMAGE_CONFIG), "config");
  assert.equal(kinds(media.DOCKER_IMAGE_CONFIG), "config");
  assert.equal(kinds(media.OCI_LAYER), "layer none");
  assert.equal(kinds(media.OCI_LAYER_GZIP), "layer gzip");
  assert.equal(kinds(media.OCI_LAYER_ZSTD), "layer zstd");
  assert.equal(kinds(media.DOCKER_LAYER_GZIP), "layer gzip");
  assert.equal(kinds(media.OCI_EMPTY), "");
  assert.equal(kinds("text/plain"), "");
});

test("isForeignLayerMediaType() knows the layers that registries need not have", () => {
  for (
    const type of [
      "vnd.oci.image.layer.nondistributable.v1.tar+gzip",
      "vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    ]
  ) {
    assert.equal(media.isForeignLayerMediaType(`application/${type}`), true);
  }
  assert.equal(media.isForeignLayerMediaType(media.OCI_LAYER_GZIP), false);
});
