import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { walkContext } from "../../../core/context/walk.ts";
import { LayerwrightError } from "../../../core/errors.ts";
import type { FileContent, FileEntry } from "../../../core/layer/file_entry.ts";
import { type StoredChunk, writeLayerInParallel } from "../../../core/layer/parallel_layer.ts";
import { writeLayer } from "../../../core/layer/write_layer.ts";
import type { Digest } from "../../../core/oci/digest.ts";
import { sampleBytes } from "../../support/sample_bytes.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const KIB = 1024;

/** A tree with small files, long ones, empty ones, links and long names. */
function makeTree(root: string, smallFiles: number): void {
  for (let i = 0; i < smallFiles; i++) {
    const directory = join(root, `d${i % 7}`);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `f${i}`), sampleBytes("mixed", (i * 977) % 9000));
  }
  writeFileSync(join(root, "empty"), "");
  writeFileSync(join(root, "n".repeat(200)), "long name");
  writeFileSync(join(root, "m-1376k"), sampleBytes("mixed", 1376 * KIB));
  writeFileSync(join(root, "m-5m"), sampleBytes("mixed", 5 * KIB * KIB + 17));
  writeFileSync(join(root, "m-2m"), sampleBytes("mixed", 2 * KIB * KIB));
  linkSync(join(root, "m-2m"), join(root, "zz-link"));
}

function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}` as Digest;
}

describe("writeLayerInParallel()", () => {
  test("writes what writeLayer() writes, with any number of threads", async () => {
    using directory = temporaryDirectory();
    const root = join(directory.path, "tree");
    mkdirSync(root);
    makeTree(root, 700);
    const inline: FileEntry = {
      path: "inline",
      type: "file",
      mode: 0o600,
      uid: 7,
      gid: 8,
      sizeBytes: 3000,
      mtimeSeconds: 5,
      content: { kind: "bytes", bytes: sampleBytes("mixed", 3000) },
    };
    const entries = [inline, ...walkContext(root).entries];
    const sequential = join(directory.path, "sequential.tar");
    const expected = writeLayer(entries, sequential, { epochSeconds: 9 });
    for (const threads of [1, 2, 5]) {
      const tarPath = join(directory.path, `${threads}.tar`);
      const { chunkKeys = [], chunkCrcs = [], ...written } = await writeLayerInParallel(
        entries,
        tarPath,
        {
          epochSeconds: 9,
          threads,
        },
      );
      assert.deepEqual(written, expected);
      assert.equal(chunkKeys.length, written.chunkLengths.length);
      assert.equal(chunkCrcs.length, written.chunkLengths.length);
      assert.ok(readFileSync(tarPath).equals(readFileSync(sequential)));
    }
  });

  test("writes ranges of another layer's tar", async () => {
    using directory = temporaryDirectory();
    const base = join(directory.path, "base");
    writeFileSync(base, sampleBytes("mixed", 3 * KIB * KIB));
    const entries = [10, 2 * KIB * KIB, 0].map((sizeBytes, index): FileEntry => ({
      path: `f${index}`,
      type: "file",
      mode: 0o644,
      uid: 0,
      gid: 0,
      sizeBytes,
      mtimeSeconds: 0,
      content: { kind: "slice", path: base, offset: 1000 * index },
    }));
    const expected = writeLayer(entries, join(directory.path, "a"), { epochSeconds: 0 });
    const written = await writeLayerInParallel(entries, join(directory.path, "b"), {
      epochSeconds: 0,
      threads: 2,
    });
    assert.equal(written.diffId, expected.diffId);
    assert.deepEqual(written.chunkLengths, expected.chunkLengths);
  });

  test("tells the digest of each file on disk once", async () => {
    using directory = temporaryDirectory();
    const root = join(directory.path, "tree");
    mkdirSync(root);
    makeTree(root, 60);
    const { entries } = walkContext(root);
    const found = new Map<FileContent, Digest>();
    await writeLayerInParallel(entries, join(directory.path, "tar"), {
      epochSeconds: 0,
      threads: 2,
      onContentDigest(content, digest): void {
        assert.ok(!found.has(content));
        found.set(content, digest);
      },
    });
    const files = entries.filter(({ type }) => type === "file");
    assert.equal(found.size, files.length);
    for (const { content } of files) {
      assert.ok(content?.kind === "path");
      assert.equal(found.get(content), digestOf(readFileSync(content.path)));
    }
  });

  test("takes chunks from an earlier layer, and from the files where that is damaged", async () => {
    using directory = temporaryDirectory();
    const root = join(directory.path, "tree");
    mkdirSync(root);
    makeTree(root, 700);
    const { entries } = walkContext(root);
    const digests = new Map<FileContent, Digest>();
    const first = join(directory.path, "first.tar");
    const written = await writeLayerInParallel(entries, first, {
      epochSeconds: 0,
      threads: 2,
      onContentDigest: (content, digest) => digests.set(content, digest),
    });
    const places = new Map<string, { readonly offset: number; readonly crc: number }>();
    let offset = 0;
    for (const [index, length] of written.chunkLengths.entries()) {
      const crc = written.chunkCrcs?.[index] ?? 0;
      places.set(written.chunkKeys?.[index] ?? "", { offset, crc });
      offset += length;
    }
    let asked = 0;
    const again = async (name: string) =>
      await writeLayerInParallel(entries, join(directory.path, name), {
        epochSeconds: 0,
        threads: 2,
        expectedContent: ({ content }) => content === undefined ? undefined : digests.get(content),
        findChunk(key): StoredChunk | undefined {
          asked++;
          const place = places.get(key);
          return place === undefined ? undefined : { tarPath: first, ...place };
        },
      });
    assert.deepEqual(await again("second.tar"), written);
    assert.ok(asked > 2);
    const damaged = readFileSync(first);
    for (let at = 600; at < damaged.length; at += 40 * KIB) damaged[at] = (damaged[at] ?? 0) ^ 0xff;
    writeFileSync(first, damaged);
    assert.deepEqual(await again("third.tar"), written);
    rmSync(first);
    assert.deepEqual(await again("fourth.tar"), written);
  });

  const changes: readonly (readonly [string, (file: string) => void])[] = [
    ["cut short", (file) => truncateSync(file, 10)],
    ["grown", (file) => writeFileSync(file, "more", { flag: "a" })],
    [
      "written over",
      (file) => writeFileSync(file, sampleBytes("mixed", 2 * KIB * KIB + 1).fill(1)),
    ],
    ["removed", (file) => rmSync(file)],
    ["replaced by a directory", (file) => {
      rmSync(file);
      mkdirSync(file);
    }],
  ];
  for (const [how, change] of changes) {
    for (const [size, name] of [[2 * KIB * KIB + 1, "long"], [100, "short"]] as const) {
      test(`refuses a ${name} file that was ${how} since it was listed`, async () => {
        using directory = temporaryDirectory();
        const root = join(directory.path, "tree");
        mkdirSync(root);
        writeFileSync(join(root, "a"), "a");
        writeFileSync(join(root, "file"), sampleBytes("mixed", size));
        const { entries } = walkContext(root);
        change(join(root, "file"));
        const tarPath = join(directory.path, "tar");
        await assert.rejects(
          writeLayerInParallel(entries, tarPath, { epochSeconds: 0, threads: 2 }),
          (error) => error instanceof LayerwrightError && error.code === "CONTEXT_FILE_CHANGED",
        );
        assert.ok(!existsSync(tarPath));
      });
    }
  }

  test("refuses bytes that are not those expected", async () => {
    using directory = temporaryDirectory();
    const root = join(directory.path, "tree");
    mkdirSync(root);
    writeFileSync(join(root, "file"), "bytes");
    const { entries } = walkContext(root);
    await assert.rejects(
      writeLayerInParallel(entries, join(directory.path, "tar"), {
        epochSeconds: 0,
        threads: 1,
        expectedContent: () => digestOf(new Uint8Array(1)),
      }),
      { code: "CONTEXT_FILE_CHANGED" },
    );
  });

  test("leaves nothing behind when it is cancelled", async () => {
    using directory = temporaryDirectory();
    const root = join(directory.path, "tree");
    mkdirSync(root);
    makeTree(root, 30);
    const tarPath = join(directory.path, "tar");
    await assert.rejects(
      writeLayerInParallel(walkContext(root).entries, tarPath, {
        epochSeconds: 0,
        threads: 2,
        signal: AbortSignal.abort(),
      }),
      { code: "BUILD_CANCELLED" },
    );
    assert.ok(!existsSync(tarPath));
  });
});
