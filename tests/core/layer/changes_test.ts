import assert from "node:assert/strict";
import { test } from "node:test";
import { changes } from "../../../core/layer/changes.ts";
import type { FileEntry } from "../../../core/layer/file_entry.ts";
import { stackTrees } from "../../../core/layer/tree.ts";

const FILE = { type: "file", mode: 0o644, uid: 0, gid: 0, sizeBytes: 1, mtimeSeconds: 0 } as const;
const file = (path: string, byte = 0): FileEntry => ({
  ...FILE,
  path,
  content: { kind: "bytes", bytes: Uint8Array.of(byte) },
});
const directory = (path: string, mode = 0o755): FileEntry => ({
  ...FILE,
  path,
  type: "directory",
  mode,
  sizeBytes: 0,
});
const link = (path: string, linkTarget: string): FileEntry => ({
  ...FILE,
  path,
  type: "hardlink",
  linkTarget,
  sizeBytes: 0,
});

function changed(lower: FileEntry[], upper: FileEntry[]): string[] {
  const layer = changes(stackTrees([lower]), stackTrees([upper]), {
    sameContent: (a, b) =>
      a.content?.kind === "bytes" && b.content?.kind === "bytes" &&
      a.content.bytes[0] === b.content.bytes[0],
  });
  return layer.map(({ path, type, linkTarget }) =>
    type === "hardlink" ? `${path} = ${linkTarget}` : path
  );
}

const base: FileEntry = {
  ...file("f"),
  xattrs: { "user.a": Uint8Array.of(1) },
};
const kinds: [what: string, upper: Partial<FileEntry>][] = [
  ["mode", { mode: 0o600 }],
  ["uid", { uid: 1 }],
  ["gid", { gid: 1 }],
  ["mtime", { mtimeSeconds: 1 }],
  ["content", { content: { kind: "bytes", bytes: Uint8Array.of(9) } }],
  ["size", { sizeBytes: 2, content: { kind: "bytes", bytes: new Uint8Array(2) } }],
  ["xattr value", { xattrs: { "user.a": Uint8Array.of(2) } }],
  ["xattr name", { xattrs: { "user.b": Uint8Array.of(1) } }],
  ["more xattrs", { xattrs: { "user.a": Uint8Array.of(1), "user.b": Uint8Array.of(1) } }],
  ["type", { type: "fifo", sizeBytes: 0 }],
];
for (const [what, change] of kinds) {
  test(`changes() sees a change of ${what}`, () => {
    assert.deepEqual(changed([base], [base]), []);
    assert.deepEqual(changed([base], [{ ...base, ...change }]), ["f"]);
  });
}

test("changes() sees a change of link target and of device numbers", () => {
  const symlink = (linkTarget: string): FileEntry => ({
    ...FILE,
    path: "l",
    type: "symlink",
    sizeBytes: 0,
    linkTarget,
  });
  const device = (devMinor: number): FileEntry => ({
    ...FILE,
    path: "d",
    type: "block-device",
    sizeBytes: 0,
    devMajor: 8,
    devMinor,
  });
  assert.deepEqual(changed([symlink("a"), device(1)], [symlink("b"), device(2)]), ["d", "l"]);
  assert.deepEqual(changed([symlink("a"), device(1)], [symlink("a"), device(1)]), []);
});

test("changes() brings the parents along, as they are above", () => {
  assert.deepEqual(
    changed([directory("a", 0o700), file("a/b/c"), file("x/y")], [
      directory("a", 0o700),
      file("a/b/c", 1),
      file("x/y"),
    ]),
    ["a", "a/b", "a/b/c"],
  );
});

test("changes() removes the topmost name of what is gone", () => {
  assert.deepEqual(changed([file("a/b/c"), file("a/b/d"), file("e")], [directory("a")]), [
    ".wh.e",
    "a",
    "a/.wh.b",
  ]);
});

test("changes() needs no whiteout for what a file hides", () => {
  assert.deepEqual(changed([file("a/b/c")], [file("a")]), ["a"]);
});

test("changes() empties a directory that took a file's place by replacing the file", () => {
  assert.deepEqual(changed([file("a")], [directory("a"), file("a/b")]), ["a", "a/b"]);
});

test("changes() writes all names of a changed file as one file", () => {
  assert.deepEqual(changed([file("a"), link("b", "a")], [file("a", 1), link("b", "a")]), [
    "a",
    "b = a",
  ]);
});

test("changes() sees a new name of a file, and that two files are one now", () => {
  assert.deepEqual(changed([file("a")], [file("a"), link("b", "a")]), ["a", "b = a"]);
  assert.deepEqual(changed([file("a"), file("b")], [file("a"), link("b", "a")]), ["a", "b = a"]);
});

test("changes() sees that one file is two now, and writes only one of them", () => {
  assert.deepEqual(changed([file("a"), link("b", "a")], [file("a"), file("b")]), ["b"]);
});

test("changes() removes one name of a file and leaves the others alone", () => {
  assert.deepEqual(
    changed([file("a"), link("b", "a"), link("c", "a")], [file("b"), link("c", "b")]),
    [".wh.a"],
  );
});
