import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { loadZstd } from "../../core/layer/zstd.ts";
import { sampleBytes, type SampleKind } from "../support/sample_bytes.ts";

/** Kind and length of the input, then the digest of the frame at levels 1, 3, 9 and 19. A new one is a new encoder. */
const GOLDEN: readonly (readonly [SampleKind, number, string, string, string, string])[] = [
  ["zeros", 0, "6fb8543883dafcc2", "6fb8543883dafcc2", "6fb8543883dafcc2", "6fb8543883dafcc2"],
  ["text", 1000, "7e38bd6b6a5ba289", "2853c2fed38122a2", "5c2d74418e0d5c6a", "bd68677e5a209267"],
  [
    "zeros",
    2097152,
    "c1e47d51e091c2a3",
    "db01594850195dfd",
    "ea579a9d3eb7a231",
    "8910410fde670e89",
  ],
  ["text", 1572864, "93a8367f51fb6c2a", "e343392a9a8c4860", "b46b13c90087f6e2", "84be49d136120b04"],
  [
    "base64",
    300000,
    "d9ff9ab39fc54cda",
    "d9ff9ab39fc54cda",
    "d9ff9ab39fc54cda",
    "cf9eaf0ef8737471",
  ],
  [
    "random",
    1048576,
    "1c8b64fa512e218a",
    "f40c9bfd4fceabc3",
    "f40c9bfd4fceabc3",
    "f40c9bfd4fceabc3",
  ],
  [
    "mixed",
    2097152,
    "c3c3af91d986ef0a",
    "d66222bd8e9ec4c2",
    "4ff97c5e0ba5cca6",
    "7571609c27de72f3",
  ],
  [
    "records",
    1048576,
    "ae0caf8f427ca92d",
    "13203091771cf58d",
    "a1c7b57530c8529c",
    "1ca8410277be35a8",
  ],
];

function shortDigest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 16);
}

test("the encoder zstd-1 gives the pinned bytes", async () => {
  const compress = await loadZstd();
  const actual = GOLDEN.map(([kind, length]) => {
    const bytes = sampleBytes(kind, length);
    return [
      kind,
      length,
      ...([1, 3, 9, 19] as const).map((level) => shortDigest(compress(bytes, level))),
    ];
  });
  assert.deepEqual(actual, GOLDEN);
});
