import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { FileEntry } from "../../../core/layer/file_entry.ts";
import { layerDifferences } from "../../../core/layer/layer_differences.ts";
import { writeTar } from "../../../core/layer/tar_writer.ts";
import { whiteoutEntry } from "../../../core/layer/whiteout.ts";
import { directory, file, other, symlink } from "../../support/layer_entries.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

/** `path field: before → after` of each difference. */
function differences(before: readonly FileEntry[], after: readonly FileEntry[]): string[] {
  using folder = temporaryDirectory();
  const paths = [before, after].map((entries, index) => {
    const pieces: Uint8Array[] = [];
    writeTar(entries, (piece) => pieces.push(piece.slice()));
    const path = join(folder.path, String(index));
    writeFileSync(path, Buffer.concat(pieces));
    return path;
  });
  return layerDifferences(paths[0] ?? "", paths[1] ?? "").map((one) => {
    const where = one.offset === undefined ? "" : ` at ${one.offset}`;
    return `${one.path} ${one.field}${where}: ${one.before} → ${one.after}`;
  });
}

test("layerDifferences() finds none between layers that say the same", () => {
  const entries = [directory("d"), file("d/a", "text"), whiteoutEntry("gone"), symlink("l", "d")];
  assert.deepEqual(differences(entries, entries), []);
});

test("layerDifferences() names every field of a file", () => {
  const bytes = (...value: number[]): Uint8Array => Uint8Array.from(value);
  const before = [
    file("a", "text", { mode: 0o644, uid: 1, gid: 2, mtimeSeconds: 0 }),
    other("b", "character-device", { devMajor: 1, devMinor: 3 }),
    symlink("l", "here"),
    file("t", ""),
    file("x", "", { xattrs: { "user.a": bytes(1), "user.same": bytes(7) } }),
  ];
  const after = [
    file("a", "text", { mode: 0o4755, uid: 3, gid: 2, mtimeSeconds: 61 }),
    other("b", "character-device", { devMajor: 1, devMinor: 5 }),
    symlink("l", "there"),
    directory("t"),
    file("x", "", { xattrs: { "user.b": new TextEncoder().encode("b"), "user.same": bytes(7) } }),
  ];
  assert.deepEqual(differences(before, after), [
    "a mode: 0644 → 4755",
    "a owner: 1:2 → 3:2",
    "a mtime: 1970-01-01T00:00:00Z → 1970-01-01T00:01:01Z",
    "b device: 1:3 → 1:5",
    'l link target: "here" → "there"',
    "t type: file → directory",
    "t mode: 0644 → 0755",
    "x xattr: user.a=0x01 → no user.a",
    'x xattr: no user.b → user.b="b"',
  ]);
});

test("layerDifferences() shows the first byte of a content that differs, as text where it is one", () => {
  const long = "-".repeat(3_000_000);
  assert.deepEqual(differences([file("a", `${long}1`)], [file("a", `${long}2`)]), [
    'a content at 3000000: "------------1" → "------------2"',
  ]);
  assert.deepEqual(differences([file("a", "same\0\x01")], [file("a", "same\0\x02")]), [
    "a content at 5: 0x73616d650001 → 0x73616d650002",
  ]);
  assert.deepEqual(differences([file("a", "ab")], [file("a", "abc")]), [
    "a size: 2 bytes → 3 bytes",
    'a content at 2: "ab" → "abc"',
  ]);
});

test("layerDifferences() tells what is in one layer only, and a whiteout from a file", () => {
  assert.deepEqual(differences([file("a"), whiteoutEntry("b")], [file("b"), file("c")]), [
    "a presence: file → not there",
    ".wh.b presence: whiteout → not there",
    "b presence: not there → file",
    "c presence: not there → file",
  ]);
});

test("layerDifferences() tells files in another order", () => {
  assert.deepEqual(differences([file("a"), file("b")], [file("b"), file("a")]), [
    'a order: "a" → "b"',
  ]);
});
