import assert from "node:assert/strict";
import { test } from "node:test";
import {
  digestAlgorithm,
  digestHex,
  isDigest,
  parseDigest,
  sha256,
} from "../../../core/oci/digest.ts";

const HEX = "0123456789abcdef".repeat(4);

test("parseDigest() takes sha256 and sha512", () => {
  for (const text of [`sha256:${HEX}`, `sha512:${HEX}${HEX}`]) {
    const digest = parseDigest(text);
    assert.equal(digest, text);
    assert.equal(`${digestAlgorithm(digest)}:${digestHex(digest)}`, text);
  }
});

for (
  const [what, text] of [
    ["nothing", ""],
    ["hex without an algorithm", HEX],
    ["upper case", `sha256:${HEX.toUpperCase()}`],
    ["an algorithm in upper case", `SHA256:${HEX}`],
    ["a short one", `sha256:${HEX.slice(1)}`],
    ["a long one", `sha256:${HEX}0`],
    ["sha512 of the length of sha256", `sha512:${HEX}`],
    ["an unknown algorithm", `sha384:${HEX}`],
    ["a path", `sha256:../../${HEX.slice(6)}`],
    ["a line break at its end", `sha256:${HEX.slice(1)}\n`],
    ["two colons", `sha256::${HEX.slice(1)}`],
  ] as const
) {
  test(`parseDigest() rejects ${what}`, () => {
    assert.equal(isDigest(text), false);
    assert.throws(() => parseDigest(text), { code: "DIGEST_INVALID" });
  });
}

test("sha256() hashes text as UTF-8", () => {
  assert.equal(sha256("é"), sha256(Uint8Array.of(0xc3, 0xa9)));
  assert.equal(
    sha256(""),
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  );
});
