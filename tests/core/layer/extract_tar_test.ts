import assert from "node:assert/strict";
import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { extractTar } from "../../../core/layer/apply.ts";
import { END, joined, rawHeader, rawMember } from "../../support/raw_tar.ts";
import { namesIn, sandbox } from "../../support/sandbox.ts";

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += 1000) yield bytes.subarray(i, i + 1000);
}

test("extractTar() unpacks an archive, sparse files too, and passes over its root entry", async () => {
  using box = sandbox();
  const before = lstatSync(box.root).mode;
  const octal = (value: number): string => `${value.toString(8).padStart(11, "0")}\0`;
  const sparse: [number, string][] = [[386, octal(3) + octal(2)], [483, octal(6)]];
  const archive = joined(
    rawHeader({ name: "./", type: "5", mode: 0o777 }),
    rawMember({ name: "./d/a" }, "x".repeat(3000)),
    rawMember({ name: "s", type: "S", magic: "gnu", patches: sparse }, "ab"),
    END,
  );
  const result = await extractTar(inPieces(archive), box.root, { chown: false });
  assert.deepEqual(result, { entryCount: 2, sizeBytes: 3006, skipped: [] });
  assert.equal(readFileSync(join(box.root, "d/a"), "utf8"), "x".repeat(3000));
  assert.equal(readFileSync(join(box.root, "s"), "latin1"), "\0\0\0ab\0");
  assert.equal(lstatSync(box.root).mode, before);
});

const archives: [what: string, archive: Uint8Array, code: string][] = [
  ["a name with ..", joined(rawMember({ name: "../outside/new" }, "x"), END), "LAYER_ESCAPES_ROOT"],
  ["a whiteout", joined(rawMember({ name: ".wh.a" }), END), "LAYER_NAME_RESERVED"],
  [
    "content that is cut off",
    rawMember({ name: "a" }, "x".repeat(600)).subarray(0, 700),
    "TAR_INVALID",
  ],
  [
    "a hard link to nothing",
    joined(rawHeader({ name: "a", type: "1", link: "/etc/passwd" }), END),
    "LAYER_INVALID",
  ],
];
for (const [what, archive, code] of archives) {
  test(`extractTar() refuses ${what}`, async () => {
    using box = sandbox();
    await assert.rejects(extractTar(inPieces(archive), box.root, { chown: false }), { code });
    box.assertUntouched();
  });
}

test("extractTar() refuses more bytes than allowed before it writes them", async () => {
  using box = sandbox();
  const records = rawMember({ name: "a", size: 1 << 30 }).subarray(0, 512);
  await assert.rejects(extractTar(inPieces(records), box.root, { chown: false, maxBytes: 1000 }), {
    code: "LAYER_LIMIT",
  });
  assert.deepEqual(namesIn(box.root), []);
});
