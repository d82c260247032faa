import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { compressChunk } from "../../core/layer/compress.ts";
import { DEFLATE_WASM_BASE64 } from "../../core/layer/deflate/deflate_wasm.ts";
import { sampleBytes, type SampleKind } from "../support/sample_bytes.ts";
import { programPath } from "../support/program_path.ts";

/**
 * Digests of the encoder's output, part of `gz-1`. They never change: another output is another encoder name, and the
 * old encoder stays.
 */
const GOLDEN:
  readonly (readonly [SampleKind, number, level1: string, level2: string, level3: string])[] = [
    ["zeros", 0, "eb6ab504da0b4384", "eb6ab504da0b4384", "eb6ab504da0b4384"],
    ["text", 1, "69b067b935cf2255", "69b067b935cf2255", "69b067b935cf2255"],
    ["text", 1000, "d4680df6d59053e9", "3e9da175fb4f20b3", "3dd51719e86a50b6"],
    ["text", 300_000, "9d479ed1ae3ebd11", "795d9e14e7d47371", "54e04772c9161044"],
    ["zeros", 2_097_152, "51fa8f705613eee6", "6221ea210ef2afa6", "1856b1e3d7355d03"],
    ["base64", 200_000, "c476cb2ff73bc937", "c476cb2ff73bc937", "8d8de42e7d2caaeb"],
    ["random", 100_000, "77d48a54d5fe4b06", "77d48a54d5fe4b06", "77d48a54d5fe4b06"],
    ["records", 150_000, "8c3009f61682736a", "9e4f54f781d4204e", "f9e836219373c132"],
    ["mixed", 1_048_576, "52f8f1ed0104fc60", "f189712f5379fc39", "03e37475cbdb67f9"],
    ["mixed", 2_097_152, "0629d05742801a9e", "59355eb25275ad72", "d03c0d0448f9a10a"],
  ];

function shortDigest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 16);
}

test("compressChunk() gives the pinned bytes", () => {
  const actual = GOLDEN.map(([kind, length]) => {
    const bytes = sampleBytes(kind, length);
    return [
      kind,
      length,
      ...([1, 2, 3] as const).map((level) => shortDigest(compressChunk(bytes, level))),
    ];
  });
  assert.deepEqual(actual, GOLDEN);
});

/** Runs the bare module, so that what differs can only be the host's WebAssembly. */
const NODE_PROGRAM = `
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
const exports = new WebAssembly.Instance(new WebAssembly.Module(readFileSync("deflate.wasm"))).exports;
const bytes = readFileSync("sample");
const memory = new Uint8Array(exports.memory.buffer);
memory.set(bytes, exports.INPUT.value);
for (const level of [1, 2, 3]) {
  const length = exports.compress(bytes.length, level);
  const output = memory.subarray(exports.OUTPUT.value, exports.OUTPUT.value + length);
  process.stdout.write(createHash("sha256").update(output).digest("hex").slice(0, 16) + "\\n");
}
`;

const node = programPath("node");

test("compressChunk() gives the pinned bytes on Node too (needs node)", {
  skip: node === undefined && "needs node",
}, () => {
  const folder = mkdtempSync(join(tmpdir(), "lw-"));
  try {
    writeFileSync(join(folder, "deflate.wasm"), Buffer.from(DEFLATE_WASM_BASE64, "base64"));
    writeFileSync(join(folder, "run.mjs"), NODE_PROGRAM);
    for (const [kind, length, ...digests] of GOLDEN.slice(-2)) {
      writeFileSync(join(folder, "sample"), sampleBytes(kind, length));
      const output = execFileSync(node ?? "", ["run.mjs"], { cwd: folder, encoding: "utf8" });
      assert.deepEqual(output.trim().split("\n"), digests);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
