import assert from "node:assert/strict";
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipEncoder } from "../../../core/layer/compress.ts";
import type { DiffID, Digest } from "../../../core/oci/digest.ts";
import { image } from "../../../mod.ts";
import { sampleBytes } from "../../support/sample_bytes.ts";
import { tempEngine } from "../../support/temp_engine.ts";

const timeout = 120_000;
const MIB = 1024 * 1024;
/** Together large enough for threads, in layers that are large, middling and small. */
const FILES = {
  a: sampleBytes("mixed", 24 * MIB),
  b: sampleBytes("zeros", 9 * MIB),
  c: sampleBytes("text", 1000),
};
const recipe = image().from("scratch").copy("a", "/").copy("b", "/").copy("c", "/");

interface StoredManifest {
  readonly config: { readonly digest: Digest };
  readonly layers: readonly { readonly digest: Digest; readonly size: number }[];
}

test(
  "large layers are compressed by threads to the blobs that one thread makes",
  {
    timeout,
  },
  async () => {
    using lw = tempEngine(FILES);
    const planned = await lw.plan(recipe, { compression: "gzip" });
    const digest = await (await lw.build(recipe)).digest();
    assert.equal(planned.digest, digest);
    using store = await lw.engine.openStore();
    const read = (of: Digest): string => readFileSync(store.blobs.path(of) ?? "", "utf8");
    const manifest = JSON.parse(read(digest)) as StoredManifest;
    const { rootfs } = JSON.parse(read(manifest.config.digest)) as {
      readonly rootfs: { readonly diff_ids: readonly DiffID[] };
    };
    assert.equal(manifest.layers.length, 3);
    for (const [index, diffId] of rootfs.diff_ids.entries()) {
      const tar = store.layers.get(diffId) ?? assert.fail();
      const expected = gzipEncoder().encode(tar, () => {});
      assert.equal(manifest.layers[index]?.digest, expected.digest);
      assert.equal(manifest.layers[index]?.size, expected.sizeBytes);
      assert.equal(expected.diffId, diffId);
    }
  },
);

test("a build cancelled while threads compress its layers leaves no blob and no file behind", {
  timeout,
}, async () => {
  using lw = tempEngine(FILES);
  // A layer that is new is compressed while it is written.
  await lw.build(recipe);
  const controller = new AbortController();
  const names = new Map<string, string>();
  const building = lw.build(recipe, {
    compression: "gzip",
    signal: controller.signal,
    progress: {
      event(event): void {
        if (event.type === "plan") {
          for (const { digest, name } of event.vertices) names.set(digest, name);
        } else if (
          event.type === "started" && names.get(event.vertex) === "exporting to image"
        ) {
          // The first turn that the event loop gets is while the first chunks are out.
          setImmediate(() => controller.abort());
        }
      },
      close(): void {},
    },
  });
  await assert.rejects(building, { code: "BUILD_CANCELLED" });
  assert.deepEqual(readdirSync(join(lw.home, "tmp")), []);
  using store = await lw.engine.openStore();
  const blobs: Digest[] = [];
  for await (const digest of store.blobs.list()) blobs.push(digest);
  // The tars of the layers stay for the next build, and the image of the store.
  const others = blobs.filter((digest) => store.layers.get(digest as DiffID) === undefined);
  assert.equal(others.length, 2);
  assert.equal(store.database.get("SELECT count(*) AS n FROM encoded")?.n, 0);
});

test("a large layer with a flipped bit in the store does not become a blob: it is made again", {
  timeout,
}, async () => {
  using lw = tempEngine(FILES);
  const digest = await (await lw.build(recipe, { compression: "gzip" })).digest();
  {
    using store = await lw.engine.openStore();
    const manifest = JSON.parse(readFileSync(store.blobs.path(digest) ?? "", "utf8"));
    const config = JSON.parse(
      readFileSync(store.blobs.path(manifest.config.digest) ?? "", "utf8"),
    );
    const { path } = store.layers.get(config.rootfs.diff_ids[0]) ?? assert.fail();
    const tar = readFileSync(path);
    tar[20 * MIB] = (tar[20 * MIB] ?? 0) ^ 1;
    chmodSync(path, 0o600);
    writeFileSync(path, tar);
    for (const layer of manifest.layers) await store.blobs.delete(layer.digest);
  }
  const warnings: string[] = [];
  const again = await lw.build(recipe, {
    compression: "gzip",
    progress: {
      event(event): void {
        if (event.type === "warning") warnings.push(event.text);
      },
      close(): void {},
    },
  });
  assert.equal(await again.digest(), digest);
  assert.match(warnings.join("\n"), /its bytes in the store have digest .*it is made again/);
});
