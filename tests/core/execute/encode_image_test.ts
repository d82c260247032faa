/** Images as they leave. Over 300 lines: each way to leave has to give the digest of the others. */
import assert from "node:assert/strict";
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { encodeImage } from "../../../core/execute/encode_image.ts";
import { tarChunkLengths } from "../../../core/execute/tar_chunks.ts";
import { type Compression, encoderNameOf } from "../../../core/layer/compression.ts";
import { decompressed } from "../../../core/layer/decompress.ts";
import type { Digest } from "../../../core/oci/digest.ts";
import { parseManifest } from "../../../core/oci/manifest.ts";
import { OCI_LAYER } from "../../../core/oci/media_type.ts";
import { validateImage, type Violation } from "../../../core/oci/validate_image.ts";
import type { Store } from "../../../core/store/store.ts";
import { type AnyImage, type BuildResult, image, source } from "../../../mod.ts";
import { sampleBytes } from "../../support/sample_bytes.ts";
import { type TempEngine, tempEngine } from "../../support/temp_engine.ts";

const SEED = 20261126;
const timeout = 120_000;
const MIB = 1024 * 1024;
const COMPRESSIONS: readonly Compression[] = [
  "gzip",
  "gzip:1",
  "gzip:3",
  "zstd",
  "zstd:1",
  "uncompressed",
];
const FILES = {
  "src/a": "a".repeat(70_000),
  "src/b/c": "text",
  big: sampleBytes("mixed", 3 * MIB),
  d: "d",
};
const BASE = image("base").from("scratch").copy("src", "/srv/").copy("big", "/big");

async function violations(
  store: Store,
  result: Pick<BuildResult, "descriptor">,
): Promise<readonly Violation[]> {
  const blobs = {
    size: (digest: Digest) => store.blobs.size(digest),
    open: (digest: Digest) => store.blobs.openRead(digest),
  };
  return await validateImage(blobs, result.descriptor, { decompressed });
}

function encodedRows(store: Store): number {
  return Number(store.database.get("SELECT count(*) AS n FROM encoded")?.n);
}

test("build() compresses nothing, and its image is whole: config and manifest of plain layers", async () => {
  using lw = tempEngine(FILES);
  const result = await lw.build(BASE, { tags: ["base:1"] });
  assert.equal(result.encoded, undefined);
  using store = await lw.engine.openStore();
  assert.equal(encodedRows(store), 0);
  const { layers } = parseManifest(await store.blobs.readBytes(result.descriptor.digest, MIB));
  assert.deepEqual(layers.map(({ mediaType }) => mediaType), [OCI_LAYER, OCI_LAYER]);
  assert.deepEqual(await violations(store, result), []);
  assert.deepEqual(store.refs.get("base:1"), {
    ...result.descriptor,
    annotations: { "dev.layerwright.encoder": "gz-1:2" },
  });
});

test("outputs without layers compress nothing, and each of the others what it is asked for", async () => {
  using lw = tempEngine(FILES);
  const dest = (name: string): string => join(lw.context, "..", name);
  const count = async (): Promise<number> => {
    using store = await lw.engine.openStore();
    return encodedRows(store);
  };
  const plain = await lw.build(BASE, {
    outputs: [{ type: "tar", dest: dest("t.tar") }, { type: "local", dest: dest("files") }],
  });
  assert.deepEqual([plain.encoded, await count()], [undefined, 0]);
  const out = { type: "oci", dest: dest("u.tar"), attributes: { compression: "uncompressed" } };
  const asTars = await lw.build(BASE, { outputs: [out] });
  assert.deepEqual([asTars.encoded, await count()], [asTars.descriptor, 0]);
  const both = await lw.build(BASE, {
    outputs: [
      { type: "docker", dest: dest("d.tar") },
      {
        ...out,
        dest: dest("z.tar"),
        attributes: { compression: "zstd", "compression-level": "5" },
      },
    ],
  });
  assert.equal(both.encoded?.digest, await both.digest());
  assert.equal(await count(), 4);
  using store = await lw.engine.openStore();
  const names = store.database.all("SELECT DISTINCT encoder FROM encoded ORDER BY encoder");
  assert.deepEqual(names.map(({ encoder }) => encoder), ["gz-1:2", "zstd-1:5"]);
});

test("an output refuses a compression that does not exist, and one that has none refuses any", async () => {
  using lw = tempEngine(FILES);
  const refused = (
    type: string,
    attributes: Readonly<Record<string, string>>,
    message = /^Cannot export /,
  ): Promise<void> =>
    assert.rejects(
      lw.build(BASE, { outputs: [{ type, dest: join(lw.context, "../out"), attributes }] }),
      { code: "OPTION_INVALID", message },
    );
  await refused(
    "oci",
    { compression: "estargz" },
    /type=oci,compression=estargz: there is no such/,
  );
  await refused(
    "oci",
    { compression: "gzip", "compression-level": "9" },
    /type=oci,compression=gzip,compression-level=9: there is no such/,
  );
  await refused("docker", { "compression-level": "0" });
  await refused("oci", { "force-compression": "true" });
  await refused("tar", { compression: "gzip" });
  await refused("local", { compression: "gzip" });
  assert.ok(!existsSync(join(lw.context, "../out")));
  await assert.rejects(lw.build(BASE, { compression: "lzma" as Compression }), {
    code: "OPTION_INVALID",
    message: 'Cannot compress layers as "lzma"',
  });
  await assert.rejects(lw.plan(BASE, { compression: "gzip:7" as Compression }), {
    code: "OPTION_INVALID",
  });
});

for (const compression of COMPRESSIONS) {
  test(
    `encodeImage() gives the image of an eager build, with the same layers inside (${compression})`,
    {
      timeout,
    },
    async () => {
      using lw = tempEngine(FILES);
      using other = tempEngine(FILES);
      const eager = await other.build(BASE, { compression, tags: ["base"] });
      assert.equal(await eager.digest(), eager.encoded?.digest);
      const lazy = await lw.build(BASE);
      assert.deepEqual(lazy.descriptor, eager.descriptor);
      assert.equal(
        (await lw.plan(BASE, { compression })).digest,
        eager.encoded?.digest,
      );
      using store = await lw.engine.openStore();
      const anew: string[] = [];
      const options = {
        encoder: encoderNameOf(compression),
        onCompressed: ({ diffId }: { readonly diffId: string }) => void anew.push(diffId),
      };
      const first = await encodeImage(store, lazy.descriptor, options);
      assert.deepEqual(first.manifest, eager.encoded);
      assert.equal(anew.length, compression === "uncompressed" ? 0 : 2);
      assert.deepEqual(await violations(store, { descriptor: first.manifest }), []);
      const second = await encodeImage(store, lazy.descriptor, options);
      assert.deepEqual(second.manifest, first.manifest);
      assert.equal(anew.length, compression === "uncompressed" ? 0 : 2);
      // What a tag says of how its image leaves needs no option; what has left already leaves as it is.
      using elsewhere = await other.engine.openStore();
      const tagged = elsewhere.refs.get("base") ?? assert.fail();
      assert.equal((await encodeImage(elsewhere, tagged)).manifest.digest, eager.encoded?.digest);
      assert.deepEqual(
        (await encodeImage(store, first.manifest, options)).manifest,
        first.manifest,
      );
    },
  );
}

test("two who encode one image at once compress each layer once", { timeout }, async () => {
  using lw = tempEngine({ ...FILES, big: sampleBytes("mixed", 20 * MIB) });
  const { descriptor } = await lw.build(BASE);
  using one = await lw.engine.openStore();
  using two = await lw.engine.openStore();
  const anew: string[] = [];
  const encode = async (store: Store): Promise<Digest> =>
    (await encodeImage(store, descriptor, {
      encoder: "gz-1:2",
      onCompressed: ({ diffId }) => void anew.push(diffId),
    })).manifest.digest;
  const [first, second] = await Promise.all([encode(one), encode(two)]);
  assert.equal(second, first);
  assert.equal(new Set(anew).size, 2);
  assert.equal(anew.length, 2);
});

test("digest() is asked of the store once, and any order of questions has one answer", async () => {
  using lw = tempEngine(FILES);
  const result = await lw.build(BASE);
  const [one, two] = await Promise.all([result.digest(), result.digest()]);
  const later = await lw.build(BASE);
  assert.deepEqual([two, await later.digest(), (await lw.plan(BASE)).digest], [one, one, one]);
});

test("digest() names a damaged layer and drops it, and the next build makes it again", async () => {
  using lw = tempEngine(FILES);
  using clean = tempEngine(FILES);
  const expected = await (await clean.build(BASE)).digest();
  const result = await lw.build(BASE);
  {
    using store = await lw.engine.openStore();
    const { layers } = parseManifest(await store.blobs.readBytes(result.descriptor.digest, MIB));
    const path = store.blobs.path(layers[1]?.digest ?? "" as Digest) ?? assert.fail();
    const bytes = readFileSync(path);
    bytes[2000] = (bytes[2000] ?? 0) ^ 1;
    chmodSync(path, 0o600);
    writeFileSync(path, bytes);
  }
  await assert.rejects(result.digest(), { code: "STORE_CORRUPT" });
  assert.equal(await (await lw.build(BASE)).digest(), expected);
  assert.equal(await result.digest(), expected);
});

/** What leads to the base image: its name in the store, or a layout of plain or compressed layers. */
async function layoutOf(lw: TempEngine, base: AnyImage, compression: string): Promise<string> {
  const dest = join(lw.context, "..", `layout-${compression}`);
  const attributes = { tar: "false", compression };
  await lw.build(base, { outputs: [{ type: "oci", dest, attributes }] });
  return `oci-layout://${dest}`;
}

test(
  `an image FROM a local one has one digest, whether its base left before or not (seed ${SEED})`,
  {
    timeout,
  },
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(undefined, ...COMPRESSIONS),
        fc.boolean(),
        fc.boolean(),
        async (compression, askFirst, leaveBetween) => {
          using lw = tempEngine(FILES);
          const base = await lw.build(BASE, {
            tags: ["base:1"],
            ...(compression === undefined ? {} : { compression }),
          });
          if (askFirst) await base.digest();
          const derived = image().from("base:1").copy("d", "/d");
          const first = await lw.build(derived);
          if (leaveBetween) await (await lw.build(BASE, { compression: "gzip" })).digest();
          const second = await lw.build(derived, { noCache: true });
          using clean = tempEngine(FILES);
          const whole = await clean.build(
            image().from("scratch").copy("src", "/srv/").copy("big", "/big").copy("d", "/d"),
          );
          const layersOf = async (of: TempEngine, result: BuildResult): Promise<unknown> => {
            const digest = await result.digest();
            using store = await of.engine.openStore();
            return parseManifest(await store.blobs.readBytes(digest, MIB)).layers;
          };
          assert.equal(await first.digest(), await second.digest());
          assert.deepEqual(await layersOf(lw, first), await layersOf(clean, whole));
        },
      ),
      { seed: SEED, numRuns: 8 },
    );
  },
);

test("an image FROM a layout of plain layers has the digest of one FROM the store", {
  timeout,
}, async () => {
  using lw = tempEngine(FILES);
  await lw.build(BASE, { tags: ["base:1"] });
  const expected = await (await lw.build(image().from("base:1").copy("d", "/d"))).digest();
  for (const compression of ["uncompressed", "gzip"]) {
    const identifier = await layoutOf(lw, BASE, compression);
    using other = tempEngine(FILES);
    const result = await other.build(image().from(source(identifier)).copy("d", "/d"));
    assert.equal(await result.digest(), expected);
  }
});

test(
  "layers that came compressed stay as they came, whatever the encoder",
  { timeout },
  async () => {
    using lw = tempEngine(FILES);
    const identifier = await layoutOf(lw, BASE, "zstd");
    using other = tempEngine(FILES);
    const result = await other.build(image().from(source(identifier)).copy("d", "/d"), {
      compression: "uncompressed",
    });
    assert.equal(await result.digest(), result.descriptor.digest);
    using store = await other.engine.openStore();
    const types = async (digest: Digest): Promise<string[]> =>
      parseManifest(await store.blobs.readBytes(digest, MIB)).layers.map(({ mediaType }) =>
        mediaType.slice(OCI_LAYER.length)
      );
    assert.deepEqual(await types(result.descriptor.digest), ["+zstd", "+zstd", ""]);
    const { manifest } = await encodeImage(store, result.descriptor, { encoder: "gz-1:2" });
    assert.deepEqual(await types(manifest.digest), ["+zstd", "+zstd", "+gzip"]);
  },
);

test("tarChunkLengths() cuts a layer of ours as it was cut when it was written", async () => {
  using lw = tempEngine({ ...FILES, "src/link": { link: "a" }, "src/é": "x", empty: "" });
  const { imageId } = await lw.build(BASE.copy("empty", "/e").copy(["src", "big"], "/all/"));
  using store = await lw.engine.openStore();
  const { rootfs } = JSON.parse(
    new TextDecoder().decode(await store.blobs.readBytes(imageId, MIB)),
  );
  assert.equal(rootfs.diff_ids.length, 4);
  for (const diffId of rootfs.diff_ids) {
    const layer = store.layers.get(diffId) ?? assert.fail();
    assert.deepEqual(tarChunkLengths(layer.path), layer.chunkLengths);
  }
});

test("encodeImage() that is cancelled keeps what it has of a large layer, and nothing else", {
  timeout,
}, async () => {
  using lw = tempEngine({ data: sampleBytes("mixed", 48 * MIB) });
  const recipe = image().from("scratch").copy("data", "/data");
  const { descriptor } = await lw.build(recipe);
  using store = await lw.engine.openStore();
  const controller = new AbortController();
  const partial = join(lw.home, "partial");
  // The first chunks are out once their file is there: as soon as the event loop turns.
  const poll = setInterval(() => {
    if (existsSync(partial) && store.partials.list().some(({ size }) => size > 3 * MIB)) {
      controller.abort();
    }
  });
  const encoding = encodeImage(store, descriptor, {
    encoder: "zstd-1:9",
    signal: controller.signal,
  });
  await assert.rejects(encoding, { code: "BUILD_CANCELLED" });
  clearInterval(poll);
  assert.equal(readdirSync(partial).length, 2);
  assert.deepEqual(readdirSync(join(lw.home, "tmp")), []);
  assert.equal(encodedRows(store), 0);
  const { manifest } = await encodeImage(store, descriptor, { encoder: "zstd-1:9" });
  assert.deepEqual(readdirSync(partial), []);
  assert.equal(manifest.digest, (await lw.plan(recipe, { compression: "zstd:9" })).digest);
});
