import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { indexTar } from "../../../core/layer/tar_reader.ts";
import type { ExportableImage, ExportOptions } from "../../../core/transfer/exporter.ts";
import { rootfsTarExporter } from "../../../core/transfer/rootfs_tar.ts";
import { entry, EPOCH_SECONDS, exportableImage } from "../../support/exportable_image.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

function options(dest: string, more: Partial<ExportOptions> = {}): ExportOptions {
  return { dest, attributes: {}, epochSeconds: EPOCH_SECONDS, ...more };
}

function sample(directory: string): ExportableImage {
  return exportableImage(directory, [
    [
      entry("a"),
      entry("a/gone", "x"),
      entry("a/kept", "kept"),
      entry("a/linked", { type: "hardlink", linkTarget: "a/kept" }),
    ],
    [
      entry("a", { mode: 0o700 }),
      entry("a/.wh.gone", { type: "file", mode: 0 }),
      entry("b", "top"),
      entry("null", { type: "character-device", mode: 0o666, devMajor: 1, devMinor: 3 }),
    ],
  ]);
}

test("rootfsTarExporter merges the layers into one archive", async () => {
  using directory = temporaryDirectory();
  const dest = join(directory.path, "root.tar");
  await rootfsTarExporter.export(sample(directory.path), options(dest));
  const facts = indexTar(dest).map(({ path, type, mode }) => [path, type, mode]);
  assert.deepEqual(facts, [
    ["a", "directory", 0o700],
    ["a/kept", "file", 0o644],
    ["a/linked", "hardlink", 0o644],
    ["b", "file", 0o644],
    ["null", "character-device", 0o666],
  ]);
});

test("rootfsTarExporter gives the same bytes each time, to a file and to a stream", async () => {
  using directory = temporaryDirectory();
  const image = sample(directory.path);
  const dest = join(directory.path, "root.tar");
  await rootfsTarExporter.export(image, options(dest));
  const pieces: Uint8Array[] = [];
  await rootfsTarExporter.export(image, options("-", { write: (bytes) => pieces.push(bytes) }));
  assert.ok(readFileSync(dest).equals(Buffer.concat(pieces)));
});

test("GNU tar lists what rootfsTarExporter writes (needs tar)", {
  skip: spawnSync("tar", ["--version"]).status !== 0 && "needs tar",
}, async () => {
  using directory = temporaryDirectory();
  const dest = join(directory.path, "root.tar");
  await rootfsTarExporter.export(sample(directory.path), options(dest));
  const { stdout, status } = spawnSync("tar", ["-tf", dest], { encoding: "utf8" });
  assert.equal(status, 0);
  assert.deepEqual(stdout.trim().split("\n"), ["a/", "a/kept", "a/linked", "b", "null"]);
});
