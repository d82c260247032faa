import assert from "node:assert/strict";
import { test } from "node:test";
import type { FileEntry } from "../../../core/layer/file_entry.ts";
import { stackTrees, type Tree } from "../../../core/layer/tree.ts";
import { whiteoutEntry } from "../../../core/layer/whiteout.ts";

const FILE = { type: "file", mode: 0o644, uid: 0, gid: 0, sizeBytes: 0, mtimeSeconds: 0 } as const;
const file = (path: string, mode = 0o644): FileEntry => ({ ...FILE, path, mode });
const directory = (path: string, mode = 0o755): FileEntry => ({
  ...FILE,
  path,
  type: "directory",
  mode,
});
const symlink = (path: string, linkTarget: string): FileEntry => ({
  ...FILE,
  path,
  type: "symlink",
  linkTarget,
});
const link = (path: string, linkTarget: string): FileEntry => ({
  ...FILE,
  path,
  type: "hardlink",
  linkTarget,
});
const opaque = (path: string): FileEntry => file(`${path === "" ? "" : `${path}/`}.wh..wh..opq`, 0);
const paths = (tree: Tree): string[] => tree.entries.map(({ path }) => path);

test("stackTrees() makes the parents a layer leaves out", () => {
  const tree = stackTrees([[file("a/b/c")]]);
  assert.deepEqual(paths(tree), ["a", "a/b", "a/b/c"]);
  assert.deepEqual(tree.get("a"), directory("a"));
});

test("stackTrees() keeps a parent of a lower layer as it is", () => {
  const tree = stackTrees([[directory("a", 0o700)], [file("a/b")]]);
  assert.equal(tree.get("a")?.mode, 0o700);
});

test("stackTrees() lets the upper entry win, and a directory keep what is below it", () => {
  const tree = stackTrees([[directory("d"), file("d/a"), file("f")], [
    directory("d", 0o700),
    directory("f"),
    file("f/x"),
  ]]);
  assert.deepEqual(paths(tree), ["d", "d/a", "f", "f/x"]);
  assert.equal(tree.get("d")?.mode, 0o700);
});

test("stackTrees() drops what was below a directory that became a file", () => {
  assert.deepEqual(paths(stackTrees([[file("d/a/b")], [file("d")]])), ["d"]);
  assert.deepEqual(paths(stackTrees([[file("d/a/b")], [file("d"), directory("d")]])), ["d"]);
});

test("stackTrees() applies whiteouts to lower layers only, wherever they stand", () => {
  for (const upper of [[whiteoutEntry("d"), file("d/new")], [file("d/new"), whiteoutEntry("d")]]) {
    const tree = stackTrees([[directory("d", 0o700), file("d/old")], upper]);
    assert.deepEqual(paths(tree), ["d", "d/new"]);
    assert.equal(tree.get("d")?.mode, 0o755);
  }
});

test("stackTrees() applies opaque whiteouts", () => {
  for (const upper of [[opaque("d"), file("d/new")], [file("d/new"), opaque("d")]]) {
    const tree = stackTrees([[directory("d", 0o700), file("d/old"), file("e")], upper]);
    assert.deepEqual(paths(tree), ["d", "d/new", "e"]);
    assert.equal(tree.get("d")?.mode, 0o700);
  }
  assert.deepEqual(paths(stackTrees([[file("a/b")], [opaque(""), file("c")]])), ["c"]);
});

test("stackTrees() passes over whiteouts of nothing", () => {
  assert.deepEqual(
    paths(stackTrees([[file("a")], [whiteoutEntry("x/y"), opaque("z"), whiteoutEntry("a/b")]])),
    ["a"],
  );
});

test("stackTrees() follows links among the parents, inside the root", () => {
  const lower = [directory("usr/bin"), symlink("bin", "/usr/bin"), symlink("up", "../../../usr")];
  const tree = stackTrees([lower, [file("bin/sh"), file("up/lib/x"), whiteoutEntry("bin/none")]]);
  assert.deepEqual(paths(tree), [
    "bin",
    "up",
    "usr",
    "usr/bin",
    "usr/bin/sh",
    "usr/lib",
    "usr/lib/x",
  ]);
  assert.deepEqual(
    paths(stackTrees([tree.entries, [whiteoutEntry("bin/sh"), whiteoutEntry("up")]])),
    [
      "bin",
      "usr",
      "usr/bin",
      "usr/lib",
      "usr/lib/x",
    ],
  );
});

test("stackTrees() follows a link anew after it was replaced", () => {
  const tree = stackTrees([[
    symlink("l", "a"),
    file("l/1"),
    symlink("l", "b"),
    file("l/2"),
    directory("l"),
    file("l/3"),
  ]]);
  assert.deepEqual(paths(tree), ["a", "a/1", "b", "b/2", "l", "l/3"]);
});

test("stackTrees() keeps a file whose other names are gone", () => {
  const content = { kind: "bytes", bytes: new Uint8Array(2) } as const;
  const original: FileEntry = { ...FILE, path: "a", mode: 0o600, sizeBytes: 2, content };
  const tree = stackTrees([[original, link("b", "a"), link("c", "b")], [whiteoutEntry("a")]]);
  assert.deepEqual(tree.entries[0], { ...original, path: "b" });
  assert.equal(tree.entries[1]?.linkTarget, "b");
  assert.deepEqual(tree.get("c"), { ...original, path: "c" });
});

test("stackTrees() links to the file that was there when the link was read", () => {
  const tree = stackTrees([[file("a", 1), link("b", "a"), file("a", 2)]]);
  assert.deepEqual([tree.get("a")?.mode, tree.get("b")?.mode], [2, 1]);
});

test("stackTrees() links to files of lower layers", () => {
  assert.equal(stackTrees([[file("a", 1)], [link("b", "a")]]).get("b")?.mode, 1);
});

const refused: [what: string, layers: FileEntry[][]][] = [
  ["an entry below a file", [[file("a"), file("a/b")]]],
  ["a hard link to nothing", [[link("a", "b")]]],
  ["a hard link to a directory", [[directory("d"), link("a", "d")]]],
  ["a link loop among the parents", [[symlink("a", "b"), symlink("b", "a"), file("a/c")]]],
  ["a whiteout of .", [[file(".wh..", 0)]]],
];
for (const [what, layers] of refused) {
  test(`stackTrees() refuses ${what}`, () => {
    assert.throws(() => stackTrees(layers), { code: "LAYER_INVALID" });
  });
}

test("Tree.children() lists one level, sorted, hard links as files", () => {
  const tree = stackTrees([[file("d/b"), file("d-x"), file("d/a/deep"), link("d/c", "d/b")]]);
  assert.deepEqual(tree.children("d").map(({ path, type }) => [path, type]), [
    ["d/a", "directory"],
    ["d/b", "file"],
    ["d/c", "file"],
  ]);
  assert.deepEqual(tree.children("").map(({ path }) => path), ["d", "d-x"]);
  assert.deepEqual([tree.children("d/b"), tree.children("none")], [[], []]);
});

test("Tree.subtree() stands alone", () => {
  const tree = stackTrees([[
    file("a", 1),
    link("d/x", "a"),
    link("d/y", "a"),
    file("d-e"),
    file("d/z"),
  ]]);
  assert.deepEqual(
    tree.subtree("d").map(({ path, type, linkTarget, mode }) => [path, type, linkTarget, mode]),
    [
      ["d", "directory", undefined, 0o755],
      ["d/x", "file", undefined, 1],
      ["d/y", "hardlink", "d/x", 1],
      ["d/z", "file", undefined, 0o644],
    ],
  );
  assert.deepEqual(tree.subtree("none"), []);
  assert.deepEqual(tree.subtree(""), tree.entries);
});

test("Tree.resolve() follows links and hard links of links", () => {
  const tree = stackTrees([[symlink("l", "d/f"), link("k", "l"), file("d/f")]]);
  assert.equal(tree.resolve("l", { followLast: true }), "d/f");
  assert.equal(tree.resolve("k", { followLast: true }), "d/f");
  assert.equal(tree.resolve("k", { followLast: false }), "k");
  assert.equal(tree.resolve("none/x", { followLast: true }), "none/x");
});

test("stackTrees() takes directories as deep as a name may be, in any order", () => {
  const deepest = Array.from({ length: 8000 }, () => "d").join("/");
  const layer: FileEntry[] = [file(`${deepest}/f`)];
  for (let path = deepest, i = 0; i < 500; i++, path = path.slice(0, -2)) {
    layer.push(directory(path, 0o700));
  }
  assert.equal(stackTrees([layer, [whiteoutEntry(deepest)]]).entries.length, 7999);
});

test("stackTrees() of 30,000 files in three layers stays far below a second", () => {
  const layers = [0, 1, 2].map((layer) =>
    Array.from(
      { length: 10_000 },
      (_, i) => file(`usr/lib/p${i % 500}/m${i % 7}/f${layer}-${i}.js`),
    )
  );
  const start = performance.now();
  assert.equal(stackTrees(layers).entries.length, 30_000 + 2 + 500 + 3500);
  assert.ok(performance.now() - start < 2000);
});
