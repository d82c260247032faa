import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createReadStream, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createGunzip, gunzipSync } from "node:zlib";
import { fixedChunks } from "../../core/layer/chunk.ts";
import { gzipEncoder } from "../../core/layer/compress.ts";
import { decompressed } from "../../core/layer/decompress.ts";
import { programPath } from "../support/program_path.ts";
import { sampleBytes, type SampleKind } from "../support/sample_bytes.ts";
import { temporaryDirectory } from "../support/temporary_directory.ts";

/**
 * Layers of the kinds that decoders stumble over: no matches at all, stored blocks (more than the 64 KiB of one, in one
 * chunk and in several), nothing but zeros, nothing.
 */
const SAMPLES: readonly (readonly [SampleKind, number])[] = [
  ["mixed", 2_500_000],
  ["random", 2_300_000],
  ["base64", 150_000],
  ["random", 150_000],
  ["zeros", 1_100_000],
  ["text", 1024],
  ["zeros", 0],
];

interface Sample {
  readonly bytes: Uint8Array;
  readonly blob: Buffer;
}

const samples: readonly Sample[] = SAMPLES.flatMap(([kind, length]) =>
  ([1, 2, 3] as const).map((level) => {
    using folder = temporaryDirectory();
    const bytes = sampleBytes(kind, length);
    const path = join(folder.path, "layer.tar");
    writeFileSync(path, bytes);
    const pieces: Buffer[] = [];
    gzipEncoder(level).encode(
      { path, chunkLengths: fixedChunks(length) },
      (piece) => pieces.push(Buffer.from(piece)),
    );
    return { bytes, blob: Buffer.concat(pieces) };
  })
);

const PYTHON_PROGRAM = "import gzip,sys; sys.stdout.buffer.write(gzip.open(sys.argv[1]).read())";

const READERS: readonly (readonly [string, readonly string[]])[] = [
  ["gzip", ["-dc"]],
  ["pigz", ["-dc"]],
  ["igzip", ["-dc"]],
  ["libdeflate-gzip", ["-dc"]],
  ["busybox", ["gunzip", "-c"]],
  ["python3", ["-c", PYTHON_PROGRAM]],
];

for (const [program, options] of READERS) {
  test(`${[program, options[0]].join(" ")} reads gzipEncoder()'s blobs (needs ${program})`, {
    skip: programPath(program) === undefined && `needs ${program}`,
  }, () => {
    using folder = temporaryDirectory();
    const path = join(folder.path, "layer.tar.gz");
    for (const { bytes, blob } of samples) {
      writeFileSync(path, blob);
      const { status, stdout, stderr } = spawnSync(program, [...options, path], {
        maxBuffer: 64 * 1024 * 1024,
      });
      assert.equal(stderr.toString(), "");
      assert.equal(status, 0);
      assert.ok(stdout.equals(bytes));
    }
  });
}

const GO_PROGRAM = `package main

import (
	"compress/gzip"
	"io"
	"os"
)

func main() {
	file, err := os.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	reader, err := gzip.NewReader(file)
	if err == nil {
		_, err = io.Copy(os.Stdout, reader)
	}
	if err != nil {
		panic(err)
	}
}
`;

test(
  "Go's compress/gzip, which every container engine reads with, reads gzipEncoder()'s blobs (needs go)",
  {
    skip: programPath("go") === undefined && "needs go",
  },
  () => {
    using folder = temporaryDirectory();
    writeFileSync(join(folder.path, "main.go"), GO_PROGRAM);
    const reader = join(folder.path, "reader");
    const env = { ...process.env, GOFLAGS: "", GO111MODULE: "off", GOTOOLCHAIN: "local" };
    execFileSync("go", ["build", "-o", reader, "main.go"], { cwd: folder.path, env });
    for (const { bytes, blob } of samples) {
      writeFileSync(join(folder.path, "blob"), blob);
      const output = execFileSync(reader, ["blob"], {
        cwd: folder.path,
        maxBuffer: 64 * 1024 * 1024,
      });
      assert.ok(output.equals(bytes));
    }
  },
);

test("gunzipSync() and createGunzip() of this runtime read gzipEncoder()'s blobs", async () => {
  for (const { bytes, blob } of samples) {
    assert.ok(gunzipSync(blob).equals(bytes));
    const stream = createGunzip();
    stream.end(blob);
    const pieces: Uint8Array[] = [];
    for await (const piece of stream) pieces.push(piece as Uint8Array);
    assert.ok(Buffer.concat(pieces).equals(bytes));
  }
});

test("DecompressionStream of this runtime reads gzipEncoder()'s blobs", async () => {
  for (const { bytes, blob } of samples) {
    const stream = new Blob([Uint8Array.from(blob)]).stream()
      .pipeThrough(new DecompressionStream("gzip"));
    assert.ok(Buffer.from(await new Response(stream).arrayBuffer()).equals(bytes));
  }
});

test("decompressed() reads gzipEncoder()'s blobs", async () => {
  using folder = temporaryDirectory();
  for (const { bytes, blob } of samples) {
    const path = join(folder.path, "blob");
    writeFileSync(path, blob);
    const pieces: Uint8Array[] = [];
    for await (const piece of decompressed(createReadStream(path))) pieces.push(piece);
    assert.ok(Buffer.concat(pieces).equals(bytes));
  }
});
