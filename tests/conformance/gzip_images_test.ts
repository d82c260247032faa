/** Image tools read our layers as every level of `gz-1` compresses them. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipEncoder } from "../../core/layer/compress.ts";
import type { DiffID } from "../../core/oci/digest.ts";
import { parseImageConfig } from "../../core/oci/image_config.ts";
import { serializeManifest } from "../../core/oci/manifest.ts";
import { OCI_IMAGE_CONFIG, OCI_IMAGE_MANIFEST, OCI_LAYER_GZIP } from "../../core/oci/media_type.ts";
import type { Store } from "../../core/store/store.ts";
import { image } from "../../mod.ts";
import { programPath } from "../support/program_path.ts";
import { sampleBytes } from "../support/sample_bytes.ts";
import { type TempEngine, tempEngine } from "../support/temp_engine.ts";

const LEVELS = [1, 2, 3] as const;
const FILES = {
  "large/mixed": sampleBytes("mixed", 2_500_000),
  "large/random": sampleBytes("random", 2_300_000),
  "large/zeros": sampleBytes("zeros", 3_000_000),
  "small/a": "a\n",
  "small/empty": "",
};
const digest = (bytes: Uint8Array): string =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** Layers of several chunks, of one, and of no entry, under a tag for each level. */
async function tagLevels(lw: TempEngine): Promise<readonly DiffID[]> {
  const recipe = image().from("scratch").copy("large", "/large/").copy("small", "/small/")
    .copy("none*", "/", { optional: true });
  const { imageId } = await lw.build(recipe);
  using store = await lw.engine.openStore();
  const config = await store.blobs.readBytes(imageId, 1 << 20);
  const diffIds = parseImageConfig(config).rootfs.diff_ids;
  for (const level of LEVELS) {
    const layers = [];
    for (const diffId of diffIds) layers.push(await storeBlob(store, diffId, level));
    const manifest = serializeManifest({
      schemaVersion: 2,
      mediaType: OCI_IMAGE_MANIFEST,
      config: { mediaType: OCI_IMAGE_CONFIG, digest: imageId, size: config.length },
      layers,
    });
    const blob = await store.blobs.put([manifest]);
    store.refs.set(`level:${level}`, { mediaType: OCI_IMAGE_MANIFEST, ...blob });
  }
  return diffIds;
}

async function storeBlob(
  store: Store,
  diffId: DiffID,
  level: 1 | 2 | 3,
): Promise<Awaited<ReturnType<Store["blobs"]["put"]>> & { readonly mediaType: string }> {
  const tar = store.layers.get(diffId) ?? assert.fail(`no layer ${diffId}`);
  const pieces: Uint8Array[] = [];
  gzipEncoder(level).encode(tar, (bytes) => pieces.push(bytes.slice()));
  return { mediaType: OCI_LAYER_GZIP, ...await store.blobs.put(pieces) };
}

const skopeo = programPath("skopeo");
test("skopeo decompresses the layers of each level to their DiffIDs (needs skopeo)", {
  skip: skopeo === undefined && "needs skopeo",
  timeout: 60_000,
}, async () => {
  using lw = tempEngine(FILES);
  const diffIds = await tagLevels(lw);
  assert.equal(diffIds.length, 3);
  for (const level of LEVELS) {
    const target = join(lw.context, `out-${level}`);
    execFileSync(skopeo ?? "", [
      ...["copy", "--quiet", "--insecure-policy", "--dest-decompress"],
      ...[`oci:${lw.home}:level:${level}`, `dir:${target}`],
    ]);
    const manifest = JSON.parse(readFileSync(join(target, "manifest.json"), "utf8"));
    const found = manifest.layers.map(({ digest: name }: { readonly digest: string }) =>
      digest(readFileSync(join(target, name.slice("sha256:".length))))
    );
    assert.deepEqual(found, diffIds, `level ${level}`);
  }
});

const umoci = programPath("umoci");
test("umoci unpacks the layers of each level (needs umoci)", {
  skip: umoci === undefined && "needs umoci",
  timeout: 60_000,
}, async () => {
  using lw = tempEngine(FILES);
  await tagLevels(lw);
  for (const level of LEVELS) {
    const target = join(lw.context, `out-${level}`);
    execFileSync(umoci ?? "", [
      ...["unpack", "--rootless", "--image", `${lw.home}:level:${level}`, target],
    ], { stdio: ["ignore", "ignore", "pipe"] });
    const root = join(target, "rootfs");
    assert.deepEqual(readdirSync(root).sort(), ["large", "small"]);
    for (const [path, content] of Object.entries(FILES)) {
      assert.ok(readFileSync(join(root, path)).equals(Buffer.from(content)), path);
    }
  }
});
