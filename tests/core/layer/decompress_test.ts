import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import {
  decompressed,
  type DecompressOptions,
  SNIFF_BYTES,
  sniffCompression,
} from "../../../core/layer/decompress.ts";
import { programPath } from "../../support/program_path.ts";
import { sampleBytes } from "../../support/sample_bytes.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const TAR = sampleBytes("mixed", 300_000);
const OTHER = sampleBytes("text", 5000);
const NOTHING = new Uint8Array(0);
/** Piece lengths: within a header, beside every internal buffer, all at once. */
const PIECES = [61, 4096, 10_000_000];

async function* pieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += length) {
    yield bytes.subarray(offset, offset + length);
  }
}

async function read(
  bytes: Uint8Array,
  pieceLength = 4096,
  options: DecompressOptions = {},
): Promise<Buffer> {
  const output: Uint8Array[] = [];
  for await (const piece of decompressed(pieces(bytes, pieceLength), options)) output.push(piece);
  return Buffer.concat(output);
}

async function assertRefused(bytes: Uint8Array, what: string): Promise<void> {
  for (const length of PIECES) {
    await assert.rejects(
      read(bytes, length),
      { code: "COMPRESSION_INVALID" },
      `${what}, by ${length}`,
    );
  }
}

/** The same bytes with one of them changed. */
function damaged(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const index = at < 0 ? bytes.length + at : at;
  copy[index] = (copy[index] ?? 0) ^ 0x55;
  return copy;
}

/** A zstd frame that decoders pass over: RFC 8878, 3.1.2. */
function skippableFrame(length: number): Uint8Array {
  const frame = new Uint8Array(8 + length);
  new DataView(frame.buffer).setUint32(0, 0x184d2a5e, true);
  new DataView(frame.buffer).setUint32(4, length, true);
  return frame;
}

/** What a program of the system makes of some bytes. */
function compressedBy(program: string, bytes: Uint8Array): Buffer {
  using folder = temporaryDirectory();
  const path = join(folder.path, "layer.tar");
  writeFileSync(path, bytes);
  return execFileSync(program, ["-c", path]);
}

test("sniffCompression() goes by the whole magic, not by a prefix of it", () => {
  const bytesOf = (text: string): Uint8Array => Buffer.from(text, "latin1");
  assert.equal(sniffCompression(NOTHING), "none");
  assert.equal(sniffCompression(gzipSync("x").subarray(0, SNIFF_BYTES)), "gzip");
  assert.equal(sniffCompression(bytesOf("\x1f\x8b\x00")), "none");
  assert.equal(sniffCompression(zstdCompressSync("x")), "zstd");
  assert.equal(sniffCompression(skippableFrame(0)), "zstd");
  assert.equal(sniffCompression(bytesOf("BZh91AY&SY")), "bzip2");
  assert.equal(sniffCompression(bytesOf("BZh9\x17rE8P\x90")), "bzip2");
  assert.equal(sniffCompression(bytesOf("BZh9.txt\0\0")), "none");
  assert.equal(sniffCompression(bytesOf("\xfd7zXZ\0")), "xz");
  assert.equal(sniffCompression(bytesOf("\xfd7zXY\0")), "none");
});

test("decompressed() gives a plain tar as it is, an empty one too", async () => {
  for (const length of PIECES) assert.ok((await read(TAR, length)).equals(TAR));
  assert.equal((await read(NOTHING)).length, 0);
});

test("decompressed() reads gzip of one member and of many, empty ones among them", async () => {
  const many = Buffer.concat([gzipSync(TAR), gzipSync(NOTHING), gzipSync(OTHER)]);
  for (const length of PIECES) {
    assert.ok((await read(gzipSync(TAR), length)).equals(TAR));
    assert.ok((await read(many, length)).equals(Buffer.concat([TAR, OTHER])));
    assert.equal((await read(gzipSync(NOTHING), length)).length, 0);
  }
});

test("decompressed() refuses gzip that is cut short anywhere", async () => {
  const blob = gzipSync(TAR);
  for (const length of [3, 9, 10, 11, 20, blob.length >> 1, blob.length - 8, blob.length - 1]) {
    await assertRefused(blob.subarray(0, length), `${length} bytes`);
  }
  await assertRefused(Buffer.concat([blob, blob.subarray(0, 5)]), "second header");
  await assertRefused(Buffer.concat([blob, blob.subarray(0, -3)]), "second trailer");
});

test("decompressed() refuses damaged gzip", async () => {
  const blob = gzipSync(TAR);
  await assertRefused(damaged(blob, 3), "flags");
  await assertRefused(damaged(blob, blob.length >> 1), "blocks");
  await assertRefused(damaged(blob, -6), "CRC");
  await assertRefused(damaged(blob, -2), "length");
});

test("decompressed() refuses anything after the last gzip member", async () => {
  for (const blob of [gzipSync(OTHER), gzipSync(TAR), gzipSync(NOTHING)]) {
    await assertRefused(Buffer.concat([blob, new Uint8Array(1)]), "one zero");
    await assertRefused(Buffer.concat([blob, new Uint8Array(100_000)]), "zeros");
    await assertRefused(
      Buffer.concat([blob, Uint8Array.of(0), gzipSync("hidden")]),
      "hidden member",
    );
    await assertRefused(Buffer.concat([blob, OTHER]), "text");
    await assertRefused(Buffer.concat([blob, Uint8Array.of(0x1f)]), "half a magic");
  }
});

test("decompressed() reads zstd of one frame and of many, skippable ones among them", async () => {
  const frames = [
    skippableFrame(10),
    zstdCompressSync(TAR),
    skippableFrame(0),
    zstdCompressSync(NOTHING),
    zstdCompressSync(OTHER),
    skippableFrame(70_000),
  ];
  for (const length of PIECES) {
    assert.ok((await read(zstdCompressSync(TAR), length)).equals(TAR));
    assert.ok((await read(Buffer.concat(frames), length)).equals(Buffer.concat([TAR, OTHER])));
    assert.equal((await read(zstdCompressSync(NOTHING), length)).length, 0);
  }
});

test("decompressed() refuses zstd that is cut short anywhere", async () => {
  const blob = zstdCompressSync(TAR);
  for (const length of [4, 5, 7, 12, blob.length >> 1, blob.length - 4, blob.length - 1]) {
    await assertRefused(blob.subarray(0, length), `${length} bytes`);
  }
  await assertRefused(Buffer.concat([blob, blob.subarray(0, 2)]), "second magic");
  await assertRefused(Buffer.concat([blob, blob.subarray(0, -3)]), "second frame");
  await assertRefused(skippableFrame(100).subarray(0, 50), "skippable frame");
});

test("decompressed() refuses what follows the last zstd frame", async () => {
  await assertRefused(Buffer.concat([zstdCompressSync(OTHER), new Uint8Array(512)]), "zeros");
  await assertRefused(Buffer.concat([zstdCompressSync(OTHER), OTHER]), "text");
});

test("decompressed() refuses a zstd block over 128 KiB and one of the reserved type", async () => {
  // A frame header with a window of 2 MiB and no content size, then a last raw block of 2 MiB - 1.
  const header = [0x28, 0xb5, 0x2f, 0xfd, 0, 0x58];
  await assertRefused(Uint8Array.from([...header, 0xf9, 0xff, 0xff]), "block length");
  await assertRefused(Uint8Array.from([...header, 0x0f, 0, 0, 1]), "reserved type");
});

for (const program of ["bzip2", "xz", "zstd"]) {
  test(`decompressed() reads and checks what ${program} writes (needs ${program})`, {
    skip: programPath(program) === undefined && `needs ${program}`,
  }, async () => {
    const blob = compressedBy(program, TAR);
    assert.equal(sniffCompression(blob), program);
    assert.ok((await read(blob)).equals(TAR));
    assert.equal((await read(compressedBy(program, NOTHING))).length, 0);
    const joined = Buffer.concat([blob, compressedBy(program, OTHER)]);
    assert.ok((await read(joined, 999)).equals(Buffer.concat([TAR, OTHER])));
    const refused = { code: "COMPRESSION_INVALID" };
    await assert.rejects(read(damaged(blob, blob.length >> 1)), refused);
    await assert.rejects(read(damaged(blob, -1)), refused);
    await assert.rejects(read(blob.subarray(0, -20)), refused);
    await assert.rejects(read(blob.subarray(0, 30)), refused);
  });
}

test("decompressed() names the package of a program that is missing", async () => {
  using empty = temporaryDirectory();
  const path = process.env.PATH;
  process.env.PATH = empty.path;
  try {
    const blob = Buffer.concat([Buffer.from("\xfd7zXZ\0", "latin1"), TAR]);
    await assert.rejects(read(blob), {
      code: "COMPRESSION_UNSUPPORTED",
      hint: 'install the package "xz-utils"',
    });
  } finally {
    if (path !== undefined) process.env.PATH = path;
  }
});

test("decompressed() stops at its limit before a bomb has grown", async () => {
  const bomb = gzipSync(new Uint8Array(64 * 1024 * 1024));
  await assert.rejects(read(bomb, 100_000, { limitBytes: 1_000_000 }), { code: "LAYER_LIMIT" });
  await assert.rejects(read(TAR, 4096, { limitBytes: TAR.length - 1 }), { code: "LAYER_LIMIT" });
  assert.ok((await read(TAR, 4096, { limitBytes: TAR.length })).equals(TAR));
});

/** Each format that is readable here. */
function blobs(): Buffer[] {
  const outside = ["bzip2", "xz"].filter((program) => programPath(program) !== undefined)
    .map((program) => compressedBy(program, TAR));
  return [Buffer.from(TAR), gzipSync(TAR), zstdCompressSync(TAR), ...outside];
}

async function* endless(piece: Uint8Array, onClose: () => void): AsyncGenerator<Uint8Array> {
  try {
    for (;;) yield piece;
  } finally {
    onClose();
  }
}

test("decompressed() closes its source when the reader stops early", async () => {
  for (const blob of blobs()) {
    let isClosed = false;
    const source = endless(blob, () => {
      isClosed = true;
    });
    for await (const piece of decompressed(source)) {
      assert.ok(piece.length > 0);
      break;
    }
    assert.ok(isClosed);
  }
});

async function* broken(piece: Uint8Array): AsyncGenerator<Uint8Array> {
  yield piece;
  throw new RangeError("connection lost");
}

test("decompressed() lets an error of its source through", async () => {
  for (const blob of blobs()) {
    await assert.rejects(async () => {
      const source = broken(blob.subarray(0, 20_000));
      for await (const piece of decompressed(source)) assert.ok(piece.length > 0);
    }, RangeError);
  }
});
