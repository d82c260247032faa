import assert from "node:assert/strict";
import { test } from "node:test";
import { collectEntries, followLinks, joinPath } from "../../../core/context/source_tree.ts";
import { parseIgnorePatterns } from "../../../core/context/ignore.ts";
import { treeSource } from "../../../core/context/tree_source.ts";
import type { FileEntry } from "../../../core/layer/file_entry.ts";
import { stackTrees } from "../../../core/layer/tree.ts";

const file: Omit<FileEntry, "path"> = {
  type: "file",
  mode: 0o644,
  uid: 0,
  gid: 0,
  sizeBytes: 0,
  mtimeSeconds: 0,
};

function link(path: string, linkTarget: string): FileEntry {
  return { ...file, path, type: "symlink", mode: 0o777, linkTarget };
}

test("followLinks() resolves as in a chroot", () => {
  const tree = treeSource(
    stackTrees([[
      { ...file, path: "a/b/f" },
      link("rel", "a/b"),
      link("abs", "/a/b/f"),
      link("a/b/up", "../../../../a"),
      link("chain", "rel/up/b"),
      link("gone", "/nowhere"),
      link("x", "y"),
      link("y", "x"),
    ]]),
    "stage",
  );
  const cases: readonly (readonly [path: string, real: string | undefined])[] = [
    ["", ""],
    ["a/b/f", "a/b/f"],
    ["rel/f", "a/b/f"],
    ["abs", "a/b/f"],
    ["rel/up/b/f", "a/b/f"],
    ["chain/f", "a/b/f"],
    ["gone", undefined],
    ["a/b/f/g", undefined],
    ["abs/g", undefined],
  ];
  for (const [path, real] of cases) assert.equal(followLinks(tree, path), real, path);
  assert.throws(() => followLinks(tree, "x"), {
    code: "CONTEXT_LIMIT",
    message: 'Cannot follow "x" in stage: more than 255 symbolic links',
  });
});

test("followLinks() calls a link an escape only if it is the one that leads nowhere", () => {
  const tree = treeSource(
    stackTrees([[{ ...file, path: "src/f" }, link("abs", "/src"), link("machine", "/etc/x")]]),
    "stage",
  );
  const escapes: string[] = [];
  const onEscape = ({ path }: { readonly path: string }): never => {
    escapes.push(path);
    throw new Error("escape");
  };
  assert.equal(followLinks(tree, "abs/f", onEscape), "src/f");
  assert.equal(followLinks(tree, "abs/none", onEscape), undefined);
  assert.throws(() => followLinks(tree, "machine", onEscape), /escape/);
  assert.throws(() => followLinks(tree, "machine/y", onEscape), /escape/);
  assert.deepEqual(escapes, ["machine", "machine"]);
});

test("collectEntries() of a subtree stands alone: names outside it are no link targets", () => {
  const tree = treeSource(
    stackTrees([[
      { ...file, path: "a/first", mode: 0o600 },
      { ...file, path: "b/second", type: "hardlink", linkTarget: "a/first" },
      { ...file, path: "b/third", type: "hardlink", linkTarget: "a/first" },
    ]]),
    "stage",
  );
  const below = collectEntries(tree, "b").map((
    { path, type, mode, linkTarget },
  ) => [path, type, mode, linkTarget]);
  assert.deepEqual(below, [["second", "file", 0o600, undefined], [
    "third",
    "hardlink",
    0o600,
    "second",
  ]]);
});

test("collectEntries() links to the first name that the filter shows", () => {
  const tree = treeSource(
    stackTrees([[
      { ...file, path: "a" },
      { ...file, path: "b", type: "hardlink", linkTarget: "a" },
      { ...file, path: "c", type: "hardlink", linkTarget: "a" },
    ]]),
    "stage",
  );
  const shown = collectEntries(tree, "", { ignore: parseIgnorePatterns(["a"]) });
  assert.deepEqual(shown.map(({ path, type, linkTarget }) => [path, type, linkTarget]), [
    ["b", "file", undefined],
    ["c", "hardlink", "b"],
  ]);
});

test("joinPath() takes the root on either side", () => {
  assert.deepEqual([joinPath("", "a"), joinPath("a", ""), joinPath("a", "b"), joinPath("", "")], [
    "a",
    "a",
    "a/b",
    "",
  ]);
});
