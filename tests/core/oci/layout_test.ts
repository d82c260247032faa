import assert from "node:assert/strict";
import { test } from "node:test";
import { type Digest, sha256 } from "../../../core/oci/digest.ts";
import { parseImageIndex } from "../../../core/oci/image_index.ts";
import {
  blobPath,
  checkLayout,
  LAYOUT_BYTES,
  serializeLayoutIndex,
} from "../../../core/oci/layout.ts";
import { bytesOf } from "../../support/temp_store.ts";

test("checkLayout() takes what we write and later minor versions", () => {
  checkLayout(LAYOUT_BYTES);
  checkLayout(bytesOf('{"imageLayoutVersion":"1.7.0","more":true}'));
});

for (
  const text of ["", "{}", '{"imageLayoutVersion":1}', '{"imageLayoutVersion":"2.0.0"}', "null"]
) {
  test(`checkLayout() rejects ${JSON.stringify(text)}`, () => {
    assert.throws(() => checkLayout(bytesOf(text)), { code: "LAYOUT_INVALID" });
  });
}

test("serializeLayoutIndex() is read back by parseImageIndex()", () => {
  const manifest = {
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    digest: sha256("m"),
    size: 1,
  };
  assert.deepEqual(parseImageIndex(serializeLayoutIndex([manifest])).manifests, [manifest]);
});

test("blobPath() puts blobs where the specification says", () => {
  const hex = "a".repeat(64);
  assert.equal(blobPath(`sha256:${hex}` as Digest), `blobs/sha256/${hex}`);
});
