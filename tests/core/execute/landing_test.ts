import assert from "node:assert/strict";
import { test } from "node:test";
import { Destination } from "../../../core/execute/destination.ts";
import { type CopyItem, landEntries } from "../../../core/execute/landing.ts";
import type { FileEntry, FileType } from "../../../core/layer/file_entry.ts";
import { stackTrees } from "../../../core/layer/tree.ts";

function entry(path: string, type: FileType = "file", more: Partial<FileEntry> = {}): FileEntry {
  const mode = type === "directory" ? 0o755 : 0o644;
  return { path, type, mode, uid: 0, gid: 0, sizeBytes: 0, mtimeSeconds: 0, ...more };
}

const file = (baseName: string): CopyItem => ({
  baseName,
  isDirectory: false,
  entries: [entry(baseName)],
});
const folder = (...entries: FileEntry[]): CopyItem => ({
  baseName: "d",
  isDirectory: true,
  entries,
});
const created = { mode: 0o755, uid: 0, gid: 0, mtimeSeconds: 0 };

/** The paths of the layer, sorted. */
function land(
  base: readonly FileEntry[],
  items: CopyItem[],
  destination: string,
  intoDirectory = false,
): string[] {
  const onto = new Destination(stackTrees([base]), 0);
  return landEntries(items, { destination, intoDirectory, created }, onto).map(({ path }) => path)
    .sort();
}

// Each line: what is there, what is copied, where to, and the paths of the layer.
const table: readonly [
  string,
  readonly FileEntry[],
  CopyItem[],
  string,
  boolean,
  readonly string[],
][] = [
  ["a file to a new name", [], [file("a")], "/x", false, ["x"]],
  ["a file to a name in new directories", [], [file("a")], "/x/y/z", false, ["x", "x/y", "x/y/z"]],
  ["a file into a directory named as one", [], [file("a")], "/x/", true, ["x", "x/a"]],
  ["a file into an existing directory", [entry("x", "directory")], [file("a")], "/x", false, [
    "x",
    "x/a",
  ]],
  ["a file into the root", [], [file("a")], "/", false, ["a"]],
  ["a file over a file", [entry("x")], [file("a")], "/x", false, ["x"]],
  [
    "a file over a link, where the link leads",
    [entry("x", "symlink", { linkTarget: "/o/real" })],
    [file("a")],
    "/x",
    false,
    ["o", "o/real"],
  ],
  [
    "a file into a linked directory",
    [entry("lib", "symlink", { linkTarget: "usr/lib" }), entry("usr/lib", "directory")],
    [file("a")],
    "/lib/",
    true,
    ["usr", "usr/lib", "usr/lib/a"],
  ],
  [
    "links that leave the root stay in it",
    [entry("up", "symlink", { linkTarget: "../../../etc" })],
    [file("a")],
    "/up/a",
    false,
    ["etc", "etc/a"],
  ],
  [
    "the contents of a directory",
    [],
    [folder(entry("f"), entry("s", "directory"), entry("s/g"))],
    "/x",
    false,
    ["x", "x/f", "x/s", "x/s/g"],
  ],
  ["the contents of a directory to the root", [], [folder(entry("f"))], "/", false, ["f"]],
  ["an empty directory", [], [folder()], "/x", false, ["x"]],
  ["several files", [], [file("a"), file("b")], "/x", true, ["x", "x/a", "x/b"]],
  ["nothing", [], [], "/x", false, []],
];

for (const [name, base, items, destination, intoDirectory, paths] of table) {
  test(`landEntries() lays ${name}`, () => {
    assert.deepEqual(land(base, items, destination, intoDirectory), paths);
  });
}

const conflicts: readonly [string, readonly FileEntry[], CopyItem[], string][] = [
  ["a file on a directory's name", [entry("x", "directory"), entry("x/a", "directory")], [
    file("a"),
  ], "/x"],
  ["a directory on a file", [entry("x")], [folder(entry("f"))], "/x"],
  ["below a file", [entry("x")], [file("a")], "/x/y"],
  ["a directory of a source on a file", [entry("x", "directory"), entry("x/s")], [
    folder(entry("s", "directory")),
  ], "/x"],
  [
    "through a loop of links",
    [entry("a", "symlink", { linkTarget: "b" }), entry("b", "symlink", { linkTarget: "a" })],
    [file("f")],
    "/a/f",
  ],
  [
    "a directory over a file of the same step",
    [],
    [file("s"), folder(entry("s", "directory"))],
    "/x/",
  ],
];

for (const [name, base, items, destination] of conflicts) {
  test(`landEntries() refuses ${name}`, () => {
    assert.throws(() => land(base, items, destination, destination.endsWith("/")), {
      code: "COPY_DESTINATION_CONFLICT",
    });
  });
}

test("landEntries() repeats existing directories with their own metadata, and only those it passes", () => {
  const base = [entry("tmp", "directory", { mode: 0o1777, uid: 5 }), entry("other", "directory")];
  const onto = new Destination(stackTrees([base]), 0);
  const [tmp, ...rest] = landEntries([file("a")], {
    destination: "/tmp/a",
    intoDirectory: false,
    created,
  }, onto);
  assert.equal(tmp?.mode, 0o1777);
  assert.equal(tmp?.uid, 5);
  assert.deepEqual(rest.map(({ path }) => path), ["tmp/a"]);
  assert.deepEqual(Object.keys(onto.facts() as object), ["tmp"]);
});

test("landEntries() keeps the other names of a file when a later source takes one", () => {
  const linked = folder(
    entry("one", "file", { sizeBytes: 7 }),
    entry("two", "hardlink", { linkTarget: "one" }),
    entry("three", "hardlink", { linkTarget: "one" }),
  );
  const onto = new Destination(stackTrees([]), 0);
  const landed = landEntries([linked, file("one")], {
    destination: "/",
    intoDirectory: true,
    created,
  }, onto);
  const two = landed.find(({ path }) => path === "two");
  assert.equal(two?.type, "file");
  assert.equal(two?.sizeBytes, 7);
  assert.equal(landed.find(({ path }) => path === "three")?.linkTarget, "two");
  assert.equal(landed.find(({ path }) => path === "one")?.sizeBytes, 0);
});

test("a copy over a file depends on nothing of that file", () => {
  const facts = [[], [entry("x")], [entry("x", "fifo")]].map((base) => {
    const onto = new Destination(stackTrees([base]), 0);
    landEntries([file("a")], { destination: "/x", intoDirectory: false, created }, onto);
    return JSON.stringify(onto.facts());
  });
  assert.equal(new Set(facts).size, 1);
});
