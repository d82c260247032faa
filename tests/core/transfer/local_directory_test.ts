import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { FileEntry } from "../../../core/layer/file_entry.ts";
import type { ExportableImage, ExportOptions } from "../../../core/transfer/exporter.ts";
import { localDirectoryExporter } from "../../../core/transfer/local_directory.ts";
import { entry, EPOCH_SECONDS, exportableImage } from "../../support/exportable_image.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const notRoot = process.getuid?.() !== 0 && "needs root";
const isRoot = !notRoot;

function options(dest: string, more: Partial<ExportOptions> = {}): ExportOptions {
  return { dest, attributes: {}, epochSeconds: EPOCH_SECONDS, ...more };
}

function imageOf(directory: string, ...layers: (readonly FileEntry[])[]): ExportableImage {
  const work = join(directory, "work");
  mkdirSync(work);
  return exportableImage(work, layers);
}

test("localDirectoryExporter writes the merged files with their modes and times", async () => {
  using directory = temporaryDirectory();
  const image = imageOf(directory.path, [
    entry("bin"),
    entry("bin/tool", { ...entry("bin/tool", "tool"), mode: 0o4755 }),
    entry("gone", "x"),
    entry("to", { type: "symlink", mode: 0o777, linkTarget: "bin/tool" }),
    entry("locked", { mode: 0o555 }),
    entry("locked/in", "in"),
  ], [
    entry(".wh.gone", { type: "file", mode: 0 }),
    entry("bin/same", { type: "hardlink", linkTarget: "bin/tool" }),
    entry("bin/tool", { ...entry("bin/tool", "tool"), mode: 0o4755 }),
  ]);
  const dest = join(directory.path, "new/out");
  await localDirectoryExporter.export(image, options(`${dest}/`));
  assert.deepEqual(readdirSync(dest).sort(), ["bin", "locked", "to"]);
  assert.equal(readFileSync(join(dest, "bin/tool"), "utf8"), "tool");
  assert.equal(statSync(join(dest, "bin/tool")).mode & 0o7777, 0o4755);
  assert.equal(statSync(join(dest, "bin/tool")).mtimeMs, EPOCH_SECONDS * 1000);
  assert.equal(statSync(join(dest, "bin/tool")).ino, statSync(join(dest, "bin/same")).ino);
  assert.equal(statSync(join(dest, "locked")).mode & 0o7777, 0o555);
  assert.equal(readlinkSync(join(dest, "to")), "bin/tool");
});

test("localDirectoryExporter merges into a folder: other files stay, those of the same name are replaced", async () => {
  using directory = temporaryDirectory();
  const image = imageOf(directory.path, [
    entry("a"),
    entry("a/b"),
    entry("a/b/new", "new"),
    entry("file", "new"),
    entry("fresh", { mode: 0o711 }),
    entry("fresh/x", "x"),
  ]);
  const dest = join(directory.path, "out");
  mkdirSync(join(dest, "a/b"), { recursive: true });
  chmodSync(join(dest, "a"), 0o700);
  writeFileSync(join(dest, "a/mine"), "mine");
  writeFileSync(join(dest, "file"), "old");
  await localDirectoryExporter.export(image, options(dest));
  assert.deepEqual(readdirSync(dest).sort(), ["a", "file", "fresh"]);
  assert.equal(readFileSync(join(dest, "a/mine"), "utf8"), "mine");
  assert.equal(readFileSync(join(dest, "a/b/new"), "utf8"), "new");
  assert.equal(readFileSync(join(dest, "file"), "utf8"), "new");
  assert.equal(statSync(join(dest, "a")).mode & 0o777, 0o700, "the user's folder keeps its mode");
  assert.equal(statSync(join(dest, "fresh")).mode & 0o777, 0o711);
});

test("localDirectoryExporter changes nothing when a folder and a file stand in each other's way", async () => {
  using directory = temporaryDirectory();
  const image = imageOf(directory.path, [
    entry("a", "file"),
    entry("b"),
    entry("b/c", "c"),
    entry("first", "x"),
  ]);
  const dest = join(directory.path, "out");
  mkdirSync(join(dest, "a"), { recursive: true });
  writeFileSync(join(dest, "b"), "mine");
  await assert.rejects(async () => await localDirectoryExporter.export(image, options(dest)), {
    code: "EXPORT_FAILED",
    details: ['"a" is a folder there', '"b" is not a folder there'],
  });
  assert.deepEqual(readdirSync(dest).sort(), ["a", "b"]);
});

test("localDirectoryExporter does not write through a link that is in the folder", async () => {
  using directory = temporaryDirectory();
  const image = imageOf(directory.path, [
    entry("etc"),
    entry("etc/passwd", "evil"),
    entry("link", "evil"),
  ]);
  const dest = join(directory.path, "out");
  mkdirSync(dest);
  mkdirSync(join(directory.path, "outside"));
  writeFileSync(join(directory.path, "victim"), "safe");
  symlinkSync("../victim", join(dest, "link"));
  symlinkSync("../outside", join(dest, "etc"));
  await assert.rejects(async () => await localDirectoryExporter.export(image, options(dest)), {
    code: "EXPORT_FAILED",
    details: ['"etc" is not a folder there'],
  });
  const without = imageOf(join(directory.path, "outside"), [entry("link", "new")]);
  await localDirectoryExporter.export(without, options(dest));
  assert.equal(readFileSync(join(directory.path, "victim"), "utf8"), "safe");
  assert.ok(lstatSync(join(dest, "link")).isFile());
});

test("localDirectoryExporter keeps inside what an image's own links would lead out", async () => {
  using directory = temporaryDirectory();
  const image = imageOf(directory.path, [
    entry("up", { type: "symlink", mode: 0o777, linkTarget: "../../.." }),
  ], [entry("up/escaped", "x")]);
  const dest = join(directory.path, "out");
  await localDirectoryExporter.export(image, options(dest));
  assert.equal(readFileSync(join(dest, "escaped"), "utf8"), "x");
  assert.deepEqual(readdirSync(directory.path).sort(), ["out", "work"]);
});

test("localDirectoryExporter refuses a stream: a folder does not fit into one", async () => {
  using directory = temporaryDirectory();
  const image = imageOf(directory.path, [entry("a", "file")]);
  await assert.rejects(async () => await localDirectoryExporter.export(image, options("-")), {
    code: "OPTION_INVALID",
  });
});

test(
  "localDirectoryExporter keeps owners and devices as root (needs root)",
  { skip: notRoot },
  async () => {
    using directory = temporaryDirectory();
    const image = imageOf(directory.path, [
      entry("owned", { ...entry("owned", "x"), uid: 1234, gid: 4321 }),
      entry("null", { type: "character-device", mode: 0o666, devMajor: 1, devMinor: 3 }),
    ]);
    const dest = join(directory.path, "out");
    const notes: string[] = [];
    await localDirectoryExporter.export(image, options(dest, { note: (text) => notes.push(text) }));
    const { uid, gid } = statSync(join(dest, "owned"));
    assert.deepEqual([uid, gid], [1234, 4321]);
    // A sandbox may refuse devices to root too: then there is a note instead.
    assert.equal(existsSync(join(dest, "null")), notes.length === 0);
  },
);

test("localDirectoryExporter without root leaves devices out with a note, and keeps closed folders closed", async () => {
  using directory = temporaryDirectory();
  const image = imageOf(directory.path, [
    entry("owned", { ...entry("owned", "x"), uid: 1234, gid: 4321 }),
    entry("null", { type: "character-device", mode: 0o666, devMajor: 1, devMinor: 3 }),
    entry("closed", { mode: 0o555 }),
    entry("closed/deep", { mode: 0o500 }),
    entry("closed/deep/x", "x"),
  ]);
  chmodSync(directory.path, 0o777);
  for (const { tarPath } of image.layers) chmodSync(tarPath, 0o644);
  const dest = join(directory.path, "out");
  const notes: string[] = [];
  if (isRoot) process.seteuid?.(65534);
  try {
    await localDirectoryExporter.export(image, options(dest, { note: (text) => notes.push(text) }));
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
  assert.equal(statSync(join(dest, "owned")).uid, isRoot ? 65534 : process.getuid?.());
  assert.equal(statSync(join(dest, "closed")).mode & 0o777, 0o555);
  assert.equal(statSync(join(dest, "closed/deep")).mode & 0o777, 0o500);
  assert.equal(notes.length, 1);
  assert.match(notes[0] ?? "", /device of "null"/);
});
