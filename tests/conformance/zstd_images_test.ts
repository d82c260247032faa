/** Images as they leave with other encoders than the default, read by other tools. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createReadStream, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fixedChunks } from "../../core/layer/chunk.ts";
import { decompressed } from "../../core/layer/decompress.ts";
import { zstdEncoder } from "../../core/layer/zstd.ts";
import { parseImageConfig } from "../../core/oci/image_config.ts";
import { type Compression, image } from "../../mod.ts";
import { programPath } from "../support/program_path.ts";
import { sampleBytes, type SampleKind } from "../support/sample_bytes.ts";
import { tempEngine } from "../support/temp_engine.ts";
import { temporaryDirectory } from "../support/temporary_directory.ts";

/** One frame and several, with blocks that are raw, of one byte, and compressed; and nothing at all. */
const SAMPLES: readonly (readonly [SampleKind, number])[] = [
  ["mixed", 2_500_000],
  ["random", 1_300_000],
  ["zeros", 1_100_000],
  ["text", 1024],
  ["zeros", 0],
];

interface Blob {
  readonly bytes: Uint8Array;
  readonly blob: Buffer;
}

async function blobOf(kind: SampleKind, length: number, level: 1 | 3 | 19): Promise<Blob> {
  using folder = temporaryDirectory();
  const bytes = sampleBytes(kind, length);
  const path = join(folder.path, "layer.tar");
  writeFileSync(path, bytes);
  const pieces: Buffer[] = [];
  (await zstdEncoder(level)).encode(
    { path, chunkLengths: fixedChunks(length) },
    (piece) => pieces.push(Buffer.from(piece)),
  );
  return { bytes, blob: Buffer.concat(pieces) };
}

test("zstd -dc reads zstdEncoder()'s blobs (needs zstd)", {
  skip: programPath("zstd") === undefined && "needs zstd",
}, async () => {
  using folder = temporaryDirectory();
  const path = join(folder.path, "layer.tar.zst");
  for (const [kind, length] of SAMPLES) {
    for (const level of [1, 3, 19] as const) {
      const { bytes, blob } = await blobOf(kind, length, level);
      writeFileSync(path, blob);
      const { status, stdout, stderr } = spawnSync("zstd", ["-dc", path], {
        maxBuffer: 64 * 1024 * 1024,
      });
      assert.deepEqual([status, stderr.toString()], [0, ""]);
      assert.ok(stdout.equals(bytes));
    }
  }
});

test("decompressed() reads zstdEncoder()'s blobs", async () => {
  using folder = temporaryDirectory();
  const path = join(folder.path, "layer.tar.zst");
  for (const [kind, length] of SAMPLES) {
    const { bytes, blob } = await blobOf(kind, length, 3);
    writeFileSync(path, blob);
    const pieces: Uint8Array[] = [];
    for await (const piece of decompressed(createReadStream(path))) pieces.push(piece.slice());
    assert.ok(Buffer.concat(pieces).equals(bytes));
  }
});

const skopeo = programPath("skopeo");
const FILES = { data: sampleBytes("mixed", 3_000_000), b: "b" };
const RECIPE = image().from("scratch").copy("data", "/data").copy("b", "/b").cmd(["/b"]);

for (const compression of ["zstd", "uncompressed", "gzip:1"] satisfies Compression[]) {
  test(
    `skopeo copies an image of ${compression} layers, with its digest, and finds its DiffIDs (needs skopeo)`,
    {
      skip: skopeo === undefined && "needs skopeo",
      timeout: 60_000,
    },
    async () => {
      using lw = tempEngine(FILES);
      const layout = join(lw.context, "../layout");
      const result = await lw.build(RECIPE, {
        compression,
        tags: ["app:dev"],
        outputs: [{ type: "oci", dest: `${layout}/` }],
      });
      const copied = join(lw.context, "../copied");
      const run = (...args: string[]): string =>
        execFileSync(skopeo ?? "", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
      const copy = ["--insecure-policy", "copy"];
      // Unless it is told to keep the digest, skopeo compresses tars in its own way.
      run(...copy, "--preserve-digests", `oci:${layout}:dev`, `oci:${copied}:dev`);
      assert.equal(JSON.parse(run("inspect", `oci:${copied}:dev`)).Digest, await result.digest());
      const unpacked = join(lw.context, "../unpacked");
      run(...copy, "--dest-decompress", `oci:${layout}:dev`, `dir:${unpacked}`);
      using store = await lw.engine.openStore();
      const { rootfs } = parseImageConfig(await store.blobs.readBytes(result.imageId, 1 << 20));
      assert.deepEqual(
        JSON.parse(run("inspect", `dir:${unpacked}`)).Layers,
        rootfs.diff_ids,
      );
    },
  );
}

for (const program of ["podman", "buildah"]) {
  const path = programPath(program);
  const isRoot = process.getuid?.() === 0;
  test(`${program} pulls an image of zstd layers, with its image ID (needs ${program}, root)`, {
    skip: (path === undefined || !isRoot) && `needs ${program}, root`,
    timeout: 60_000,
  }, async () => {
    using lw = tempEngine(FILES);
    const place = (name: string): string => join(lw.context, "..", name);
    const { imageId } = await lw.build(RECIPE, {
      compression: "zstd",
      tags: ["app:dev"],
      outputs: [{ type: "oci", dest: `${place("layout")}/` }],
    });
    const storage = ["--root", place("storage"), "--runroot", place("run")];
    // The path becomes the image's name, which may have no capitals.
    const answer = execFileSync(path ?? "", [
      ...storage,
      ...["--storage-driver", "vfs", "pull", "--quiet", "oci:layout:dev"],
    ], { cwd: place("."), encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    assert.equal(answer.trim(), imageId.slice("sha256:".length));
  });
}

test("skopeo copies a tag out of the store: the image as it is there (needs skopeo)", {
  skip: skopeo === undefined && "needs skopeo",
  timeout: 60_000,
}, async () => {
  using lw = tempEngine(FILES);
  const { descriptor } = await lw.build(RECIPE, { tags: ["app:dev"] });
  const copied = join(lw.context, "../copied");
  execFileSync(skopeo ?? "", [
    "--insecure-policy",
    "copy",
    "--preserve-digests",
    `oci:${lw.home}:app:dev`,
    `oci:${copied}:dev`,
  ], { stdio: "pipe" });
  const { manifests } = JSON.parse(readFileSync(join(copied, "index.json"), "utf8"));
  assert.equal(manifests[0].digest, descriptor.digest);
});
