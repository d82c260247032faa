/** A small change of a large tree leaves most of its blob as it was. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { appendFileSync, chmodSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { compressChunk } from "../../core/layer/compress.ts";
import { DEFLATE_END, GZIP_HEADER } from "../../core/layer/gzip.ts";
import { parseManifest } from "../../core/oci/manifest.ts";
import { parseImageConfig } from "../../core/oci/image_config.ts";
import { image } from "../../mod.ts";
import { randomNumbers, sampleBytes } from "../support/sample_bytes.ts";
import { type TempEngine, tempEngine } from "../support/temp_engine.ts";

const SEED = 20_266;
const FILES = 3000;
const TRAILER_BYTES = 8;
const recipe = image().from("scratch").copy(".", "/app/");

/** Sizes as in a folder of packages: most are small, a few are not. */
function manyFiles(): Record<string, Uint8Array> {
  const random = randomNumbers(SEED);
  return Object.fromEntries(Array.from({ length: FILES }, (_, index) => {
    const size = random() % 100 === 0 ? 100_000 + random() % 200_000 : random() % 8000;
    const path = `package-${random() % 150}/lib/${index}.js`;
    return [path, sampleBytes("text", size, index + 1)];
  }));
}

/** The chunks of the only layer, each by a digest, as they stand in its blob one behind the other. */
async function chunksOf(
  lw: TempEngine,
): Promise<{ readonly imageId: string; readonly chunks: readonly string[] }> {
  const { imageId, encoded } = await lw.build(recipe, {
    compression: "gzip",
  });
  using store = await lw.engine.openStore();
  const { rootfs } = parseImageConfig(await store.blobs.readBytes(imageId, 1 << 20));
  const [diffId] = rootfs.diff_ids;
  const manifest = encoded?.digest;
  if (diffId === undefined || manifest === undefined) throw new Error("no layer, or no manifest");
  const [layer] = parseManifest(await store.blobs.readBytes(manifest, 1 << 20)).layers;
  const { path = "", chunkLengths = [] } = store.layers.get(diffId) ?? {};
  const tar = readFileSync(path);
  const blob = await store.blobs.readBytes(layer?.digest ?? diffId, 1 << 28);
  assert.ok(gunzipSync(blob).equals(tar));
  let [read, written] = [0, GZIP_HEADER.length];
  const chunks = chunkLengths.map((length) => {
    const compressed = compressChunk(tar.subarray(read, read + length), 2);
    const found = blob.subarray(written, written + compressed.length);
    assert.ok(Buffer.from(compressed).equals(found), `the chunk at ${read} stands elsewhere`);
    [read, written] = [read + length, written + compressed.length];
    return createHash("sha256").update(found).digest("hex");
  });
  assert.equal(blob.length, written + DEFLATE_END.length + TRAILER_BYTES);
  return { imageId, chunks };
}

test(`one edit of one file among ${FILES} changes at most 3 chunks of the blob (seed ${SEED})`, {
  timeout: 120_000,
}, async () => {
  const files = manyFiles();
  const paths = Object.keys(files);
  const random = randomNumbers(SEED + 1);
  const pick = (): string => paths.splice(random() % paths.length, 1)[0] ?? "";
  const edits: readonly (readonly [string, (file: string) => void])[] = [
    ["rewritten", (file) => writeFileSync(file, sampleBytes("random", 5000))],
    ["grown by a byte", (file) => appendFileSync(file, "x")],
    ["grown by much", (file) => appendFileSync(file, sampleBytes("text", 200_000, 7))],
    ["emptied", (file) => writeFileSync(file, "")],
    ["made executable", (file) => chmodSync(file, 0o755)],
    ["removed", (file) => rmSync(file)],
    ["added", (file) => writeFileSync(`${file}.new`, "new")],
  ];
  using lw = tempEngine(files);
  let before = (await chunksOf(lw)).chunks;
  assert.ok(before.length > 20, `${before.length} chunks: too few to tell`);
  for (const [what, change] of edits) {
    change(join(lw.context, pick()));
    const { imageId, chunks: after } = await chunksOf(lw);
    using fresh = tempEngine();
    const clean = await fresh.build(recipe, { contextDirectory: lw.context });
    assert.equal(
      imageId,
      clean.imageId,
      `a file ${what}: the store's old chunks made another layer`,
    );
    const old = new Set(before);
    const changed = after.filter((chunk) => !old.has(chunk)).length;
    assert.ok(changed > 0 && changed <= 3, `a file ${what}: ${changed} of ${after.length} chunks`);
    before = after;
  }
});
