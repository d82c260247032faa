/**
 * Prints the digests of a few layers that are made of entries in memory: their tars, and their blobs at each level. For
 * runtimes that run no more of the project than the layer codec.
 */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fixedChunks } from "../../core/layer/chunk.ts";
import { gzipEncoder } from "../../core/layer/compress.ts";
import type { FileEntry } from "../../core/layer/file_entry.ts";
import { normalizeEntries } from "../../core/layer/normalize.ts";
import { writeTar } from "../../core/layer/tar_writer.ts";
import { whiteoutEntry } from "../../core/layer/whiteout.ts";
import { directory, file, link, META, other, symlink } from "./layer_entries.ts";
import { sampleBytes, type SampleKind } from "./sample_bytes.ts";

const large = (path: string, kind: SampleKind, sizeBytes: number): FileEntry => ({
  ...META,
  path,
  type: "file",
  sizeBytes,
  content: { kind: "bytes", bytes: sampleBytes(kind, sizeBytes) },
});

const LAYERS: readonly (readonly FileEntry[])[] = [
  [],
  [
    directory("d"),
    file("d/ü ☃", "text\n"),
    file("d/a-b"),
    symlink("l", "../x"),
    link("h", "d/a-b"),
  ],
  [file("n".repeat(300)), file(Array.from({ length: 60 }, () => "é".repeat(33)).join("/"))],
  [
    file("x", "", {
      mode: 0o6755,
      uid: 2_097_152,
      gid: 4_294_967_294,
      mtimeSeconds: -1,
      xattrs: { "user.z": Uint8Array.of(0, 255), "security.capability": new Uint8Array(20) },
    }),
  ],
  [
    other("null", "character-device", { devMajor: 1, devMinor: 3 }),
    other("pipe", "fifo"),
    whiteoutEntry("gone"),
  ],
  [
    large("mixed", "mixed", 1_800_000),
    large("random", "random", 2_300_000),
    large("zeros", "zeros", 2_300_000),
  ],
];

const folder = mkdtempSync(join(tmpdir(), "lw-"));
try {
  for (const [index, entries] of LAYERS.entries()) {
    const hash = createHash("sha256");
    const pieces: Uint8Array[] = [];
    writeTar(normalizeEntries(entries, { epochSeconds: 1_700_000_000 }), (bytes) => {
      hash.update(bytes);
      pieces.push(bytes.slice());
    });
    const bytes = Buffer.concat(pieces);
    const path = join(folder, String(index));
    writeFileSync(path, bytes);
    const tar = { path, chunkLengths: fixedChunks(bytes.length) };
    const digests = ([1, 2, 3] as const).map((level) => gzipEncoder(level).encode(tar, () => {}));
    const shown = [`sha256:${hash.digest("hex")}`, ...digests.map(({ digest }) => digest)];
    process.stdout.write(`${shown.join(" ")}\n`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
