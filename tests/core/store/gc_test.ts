import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import type { Descriptor } from "../../../core/oci/descriptor.ts";
import { type BlobDigest, type DiffID, type Digest, sha256 } from "../../../core/oci/digest.ts";
import { serializeImageConfig } from "../../../core/oci/image_config.ts";
import { serializeImageIndex } from "../../../core/oci/image_index.ts";
import { type Manifest, parseManifest, serializeManifest } from "../../../core/oci/manifest.ts";
import {
  OCI_IMAGE_CONFIG,
  OCI_IMAGE_INDEX,
  OCI_IMAGE_MANIFEST,
  OCI_LAYER,
  OCI_LAYER_GZIP,
} from "../../../core/oci/media_type.ts";
import { digestsIn } from "../../../core/store/gc_mark.ts";
import { collectGarbage, planGc } from "../../../core/store/gc.ts";
import type { Store } from "../../../core/store/store.ts";
import { bytesOf, withTempStore } from "../../support/temp_store.ts";

const NOW = { graceMs: -60_000 };

async function put(store: Store, mediaType: string, bytes: Uint8Array): Promise<Descriptor> {
  return { mediaType, ...await store.blobs.put([bytes]) };
}

/** An uncompressed layer and the blob made of it. */
async function layer(store: Store, text: string): Promise<{ diffId: DiffID; blob: Descriptor }> {
  const tar = bytesOf(text);
  const path = store.temp.newPath();
  writeFileSync(path, tar);
  const diffId = sha256<DiffID>(tar);
  await store.layers.addFromTemp(path, {
    diffId,
    sizeBytes: tar.length,
    chunkLengths: [tar.length],
  });
  const blob = await put(store, OCI_LAYER_GZIP, bytesOf(`gzip of ${text}`));
  store.layers.setEncoded(diffId, "gz-1:2", { digest: blob.digest as BlobDigest, size: blob.size });
  return { diffId, blob };
}

async function image(
  store: Store,
  text: string,
  change: Partial<Manifest> = {},
): Promise<Descriptor> {
  const { diffId, blob } = await layer(store, text);
  const config = await put(
    store,
    OCI_IMAGE_CONFIG,
    serializeImageConfig({
      architecture: "amd64",
      os: "linux",
      rootfs: { type: "layers", diff_ids: [diffId] },
    }),
  );
  const manifest = {
    schemaVersion: 2 as const,
    mediaType: OCI_IMAGE_MANIFEST,
    config,
    layers: [blob],
    ...change,
  };
  return await put(store, OCI_IMAGE_MANIFEST, serializeManifest(manifest));
}

async function blobCount(store: Store): Promise<number> {
  let count = 0;
  for await (const _ of store.blobs.list()) count += 1;
  return count;
}

test("collectGarbage() keeps all of a tagged image, and frees the one whose tag moved", () =>
  withTempStore(async (store) => {
    store.refs.set("app", await image(store, "old"));
    store.refs.set("app", await image(store, "new"));
    const plan = planGc(store, NOW);
    const why = (digest: Digest): string | undefined =>
      plan.kept.find((item) => item.digest === digest)?.why;
    assert.equal(plan.kept.length, 4);
    assert.equal(plan.freed.length, 4);
    assert.equal(why(sha256("new")), 'uncompressed layer of tag "docker.io/library/app:latest"');
    assert.equal(why(sha256("gzip of new")), 'layer of tag "docker.io/library/app:latest"');
    assert.ok(plan.freed.every((item) => item.why === "nothing names it" && item.size > 0));
    assert.deepEqual(collectGarbage(store, NOW), { ...plan, leftovers: [] });
    assert.equal(await blobCount(store), 4);
    assert.equal(store.layers.get(sha256<DiffID>("old")), undefined);
    assert.ok(store.layers.get(sha256<DiffID>("new")));
    assert.ok(store.layers.encoded(sha256<DiffID>("new"), "gz-1:2"));
    assert.equal(store.database.get("SELECT count(*) AS n FROM layers")?.n, 1);
    assert.equal(store.database.get("SELECT count(*) AS n FROM encoded")?.n, 1);
  }));

test("planGc() removes nothing", () =>
  withTempStore(async (store) => {
    await image(store, "loose");
    assert.equal(planGc(store, NOW).freed.length, 4);
    assert.equal(await blobCount(store), 4);
  }));

test("collectGarbage() keeps what an index names, and the subject of a manifest", () =>
  withTempStore(async (store) => {
    const subject = await image(store, "subject");
    const child = await image(store, "child", { subject });
    const index = { schemaVersion: 2 as const, mediaType: OCI_IMAGE_INDEX, manifests: [child] };
    store.refs.set("multi", await put(store, OCI_IMAGE_INDEX, serializeImageIndex(index)));
    assert.deepEqual(collectGarbage(store, NOW).freed, []);
    assert.equal(await blobCount(store), 9);
  }));

test("collectGarbage() goes on where blobs of an image are not here", () =>
  withTempStore(async (store) => {
    const tagged = await image(store, "partial");
    store.refs.set("app", tagged);
    await store.blobs.delete(sha256("gzip of partial"));
    await store.blobs.delete(sha256("partial"));
    assert.deepEqual(collectGarbage(store, NOW).freed, []);
    await store.blobs.delete(tagged.digest);
    assert.equal(collectGarbage(store, NOW).freed.length, 1);
  }));

test("collectGarbage() removes nothing when a tagged manifest cannot be read", () =>
  withTempStore(async (store) => {
    await put(store, OCI_LAYER_GZIP, bytesOf("perhaps its layer"));
    store.refs.set("app", await put(store, OCI_IMAGE_MANIFEST, bytesOf('{"schemaVersion":2}')));
    assert.throws(() => collectGarbage(store, NOW), {
      code: "STORE_CORRUPT",
      message: /app:latest/,
    });
    assert.equal(await blobCount(store), 2);
  }));

test("collectGarbage() keeps the layers and images that cache records name", () =>
  withTempStore(async (store) => {
    const { diffId } = await layer(store, "cached");
    const base = await image(store, "base");
    const entry = { kind: "copy", identity: "i", compat: 1, preimage: { of: sha256("not kept") } };
    store.cache.put({ ...entry, key: "k1", result: { diffId } });
    store.cache.put({ ...entry, key: "k2", result: { image: base } });
    await store.blobs.put([bytesOf("not kept")]);
    const { kept, freed } = collectGarbage(store, NOW);
    const freedAs = new Map(freed.map(({ digest, why }) => [digest, why]));
    assert.equal(freedAs.size, 2);
    assert.equal(freedAs.get(sha256("not kept")), "nothing names it");
    // No tag, no lease: nobody sends it anywhere soon, and it can be made again.
    assert.match(freedAs.get(sha256("gzip of cached")) ?? "", /^of a layer that only the cache/);
    assert.equal(kept.length, 5);
    assert.ok(store.layers.get(diffId));
    assert.equal(store.layers.encoded(diffId, "gz-1:2"), undefined);
  }));

/** An image as the store has it, and the manifest it became when it left. */
async function plainImage(
  store: Store,
  text: string,
): Promise<{ readonly plain: Descriptor; readonly encoded: Descriptor; readonly diffId: DiffID }> {
  const encoded = await image(store, text);
  const manifest = parseManifest(await store.blobs.readBytes(encoded.digest, 1 << 20));
  const diffId = sha256<DiffID>(text);
  const layers = [{ mediaType: OCI_LAYER, digest: diffId, size: text.length }];
  const plain = await put(store, OCI_IMAGE_MANIFEST, serializeManifest({ ...manifest, layers }));
  store.encodedImages.set(plain.digest, "gz-1:2", {
    digest: encoded.digest as BlobDigest,
    size: encoded.size,
  });
  return { plain, encoded, diffId };
}

test("collectGarbage() keeps what a tagged image became when it left, and frees it with the image", () =>
  withTempStore(async (store) => {
    const { plain, encoded, diffId } = await plainImage(store, "app");
    store.refs.set("app", plain);
    const { kept, freed } = collectGarbage(store, NOW);
    assert.deepEqual([kept.length, freed], [5, []]);
    assert.equal(
      kept.find(({ digest }) => digest === encoded.digest)?.why,
      'as it left: tag "docker.io/library/app:latest"',
    );
    assert.equal(store.encodedImages.get(plain.digest, "gz-1:2")?.digest, encoded.digest);
    store.refs.delete("app");
    assert.equal(collectGarbage(store, NOW).freed.length, 5);
    assert.equal(store.encodedImages.get(plain.digest, "gz-1:2"), undefined);
    assert.equal(store.layers.encoded(diffId, "gz-1:2"), undefined);
    assert.equal(store.database.get("SELECT count(*) AS n FROM encoded_images")?.n, 0);
  }));

test("collectGarbage() keeps what a leased image became, and its tars where only that is tagged", () =>
  withTempStore(async (store) => {
    const { plain, encoded, diffId } = await plainImage(store, "app");
    {
      using _lease = store.leases.acquire([plain.digest]);
      assert.equal(collectGarbage(store, NOW).freed.length, 0);
    }
    store.refs.set("left", encoded);
    assert.deepEqual(collectGarbage(store, NOW).freed.map(({ digest }) => digest), [plain.digest]);
    assert.ok(store.layers.get(diffId));
  }));

test("collectGarbage() removes what nobody will finish: of layers that go, once it is old", () =>
  withTempStore(async (store) => {
    const { plain, diffId } = await plainImage(store, "app");
    store.refs.set("app", plain);
    const gone = sha256<DiffID>("gone");
    for (const  of of[diffId, gone]) {
      using partial = store.partials.open(of, "zstd-1:3");
      partial.write(bytesOf("half of it"));
    }
    assert.deepEqual(collectGarbage(store).freedPartials, []);
    const { freedPartials } = planGc(store, NOW);
    assert.deepEqual(freedPartials.map((partial) => partial.diffId), [gone, gone]);
    assert.equal(store.partials.list().length, 4);
    collectGarbage(store, NOW);
    assert.deepEqual(store.partials.list().map((partial) => partial.diffId), [diffId, diffId]);
  }));

test("collectGarbage() frees the least recently used cache records over the limit, with their layers", () =>
  withTempStore(async (store) => {
    for (const [i, key] of ["oldest", "middle", "newest"].entries()) {
      const { diffId } = await layer(store, key.padEnd(10_000, "."));
      store.cache.put({
        key,
        kind: "copy",
        identity: "i",
        compat: 1,
        preimage: null,
        result: { diffId },
      });
      store.database.run("UPDATE cache SET used = ? WHERE key = ?", i, key);
    }
    const { freedRecords, freed } = collectGarbage(store, { ...NOW, cacheLimitBytes: 25_000 });
    assert.deepEqual(freedRecords, ["oldest"]);
    // Its tar, and what all three were compressed to.
    assert.equal(freed.length, 4);
    assert.equal(store.cache.get("oldest"), undefined);
    assert.ok(store.cache.get("middle"));
    assert.equal(collectGarbage(store, { ...NOW, cacheLimitBytes: 0 }).freedRecords.length, 2);
    assert.equal(await blobCount(store), 0);
  }));

test("collectGarbage() does not count what tags keep against the limit of the cache", () =>
  withTempStore(async (store) => {
    store.refs.set("app", await image(store, "x".repeat(10_000)));
    const result = { diffId: sha256("x".repeat(10_000)) };
    store.cache.put({ key: "k", kind: "copy", identity: "i", compat: 1, preimage: null, result });
    assert.deepEqual(planGc(store, { ...NOW, cacheLimitBytes: 1000 }).freedRecords, []);
  }));

test("collectGarbage() keeps what is leased, and all that is written while a lease lives", () =>
  withTempStore(async (store) => {
    await store.blobs.put([bytesOf("before")]);
    const leased = await image(store, "leased");
    store.database.run("DELETE FROM leases");
    {
      using lease = store.leases.acquire();
      lease.add(leased.digest);
      await store.blobs.put([bytesOf("during")]);
      store.database.run("UPDATE leases SET created = created + 10000");
      // Nothing counts as written since the lease, so that only what it names is kept.
      const plan = planGc(store, NOW);
      assert.deepEqual(
        plan.freed.map(({ digest }) => digest).sort(),
        [sha256("before"), sha256("during")].sort(),
      );
      assert.ok(plan.kept.every(({ why }) => why.includes("a build that runs")));
      store.database.run("UPDATE leases SET created = created - 20000");
      assert.deepEqual(planGc(store, NOW).freed, []);
    }
    assert.equal(collectGarbage(store, NOW).freed.length, 6);
  }));

test("collectGarbage() spares what was written a short time ago", () =>
  withTempStore(async (store) => {
    await store.blobs.put([bytesOf("fresh")]);
    assert.deepEqual(collectGarbage(store).kept.map(({ why }) => why), [
      "written a short time ago",
    ]);
    assert.equal(collectGarbage(store, NOW).freed.length, 1);
  }));

test("digestsIn() finds digests that stand alone as strings", () => {
  const [a, b] = [sha256("a"), sha256("b")];
  assert.deepEqual(digestsIn(JSON.stringify({ [a]: [b], text: `of ${a}`, bad: "sha256:ab" })), [
    a,
    b,
  ]);
});
