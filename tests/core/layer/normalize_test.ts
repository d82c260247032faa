import assert from "node:assert/strict";
import { test } from "node:test";
import type { FileEntry } from "../../../core/layer/file_entry.ts";
import { normalizeEntries } from "../../../core/layer/normalize.ts";

const FILE = { type: "file", mode: 0o644, uid: 0, gid: 0, sizeBytes: 0, mtimeSeconds: 0 } as const;
const link = (path: string, linkTarget: string): FileEntry => ({
  ...FILE,
  path,
  type: "hardlink",
  linkTarget,
});
const EPOCH = { epochSeconds: 100 };

test("normalizeEntries() sorts by bytes: a directory before its siblings, its children after some", () => {
  const entries = ["a/b", "\u{10000}", "a.c", "a", "\uFFFF", "a-b"].map((path) => ({
    ...FILE,
    path,
    type: path === "a" ? "directory" as const : "file" as const,
  }));
  assert.deepEqual(
    normalizeEntries(entries, EPOCH).map(({ path }) => path),
    ["a", "a-b", "a.c", "a/b", "\uFFFF", "\u{10000}"],
  );
});

test("normalizeEntries() keeps the last entry of a path", () => {
  const entries = [{ ...FILE, path: "a", mode: 1 }, { ...FILE, path: "b" }, {
    ...FILE,
    path: "a",
    mode: 2,
  }];
  assert.deepEqual(normalizeEntries(entries, EPOCH).map(({ path, mode }) => [path, mode]), [[
    "a",
    2,
  ], ["b", 0o644]]);
});

test("normalizeEntries() clamps times to the epoch, or sets them", () => {
  const entries = [-5, 99, 101].map((mtimeSeconds, i) => ({
    ...FILE,
    path: `f${i}`,
    mtimeSeconds,
  }));
  const times = (mtimes: "clamp" | "set"): number[] =>
    normalizeEntries(entries, { ...EPOCH, mtimes }).map(({ mtimeSeconds }) => mtimeSeconds);
  assert.deepEqual(times("clamp"), [-5, 99, 100]);
  assert.deepEqual(times("set"), [100, 100, 100]);
});

test("normalizeEntries() makes the first path the file and the others links to it", () => {
  const content = { kind: "bytes", bytes: new Uint8Array(3) } as const;
  const entries: FileEntry[] = [
    link("a", "m"),
    link("z", "a"),
    {
      ...FILE,
      path: "m",
      sizeBytes: 3,
      mode: 0o600,
      uid: 7,
      mtimeSeconds: 500,
      xattrs: { "user.x": new Uint8Array(1) },
      content,
    },
  ];
  const [a, m, z] = normalizeEntries(entries, EPOCH);
  assert.deepEqual(a, { ...entries[2], path: "a", mtimeSeconds: 100 });
  const linked = {
    ...FILE,
    type: "hardlink",
    mode: 0o600,
    uid: 7,
    mtimeSeconds: 100,
    linkTarget: "a",
  };
  assert.deepEqual([m, z], [{ ...linked, path: "m" }, { ...linked, path: "z" }]);
});

test("normalizeEntries() keeps hard links to symlinks and devices", () => {
  const entries: FileEntry[] = [
    { ...FILE, path: "b", type: "symlink", linkTarget: "x" },
    link("a", "b"),
  ];
  assert.deepEqual(
    normalizeEntries(entries, EPOCH).map(({ type, linkTarget }) => [type, linkTarget]),
    [
      ["symlink", "x"],
      ["hardlink", "a"],
    ],
  );
});

test("normalizeEntries() drops the xattrs of overlayfs and no others", () => {
  const value = new Uint8Array(1);
  const xattrs = {
    "trusted.overlay.opaque": value,
    "user.overlay.redirect": value,
    "trusted.overlay.overlay.opaque": value,
    "user.overlays": value,
    "trusted.x": value,
  };
  const [both, none] = normalizeEntries([
    { ...FILE, path: "a", xattrs },
    { ...FILE, path: "b", xattrs: { "user.overlay.metacopy": value } },
  ], EPOCH);
  assert.deepEqual(Object.keys(both?.xattrs ?? {}).sort(), ["trusted.x", "user.overlays"]);
  assert.ok(none !== undefined && !("xattrs" in none));
});

const refused: [what: string, code: string, entries: FileEntry[]][] = [
  ["an entry below a file", "LAYER_INVALID", [{ ...FILE, path: "a" }, { ...FILE, path: "a/b" }]],
  ["an entry below a hard link", "LAYER_INVALID", [{ ...FILE, path: "a" }, link("b", "a"), {
    ...FILE,
    path: "b/c",
  }]],
  ["a hard link to nothing", "LAYER_INVALID", [link("a", "b")]],
  ["a hard link to itself", "LAYER_INVALID", [link("a", "a")]],
  ["hard links in a ring", "LAYER_INVALID", [link("a", "b"), link("b", "a")]],
  ["a hard link to a directory", "LAYER_INVALID", [
    { ...FILE, path: "d", type: "directory" },
    link("a", "d"),
  ]],
  ["a path out of the root", "LAYER_INVALID", [{ ...FILE, path: "../a" }]],
  ["a file named like a whiteout", "LAYER_NAME_RESERVED", [{ ...FILE, path: "a/.wh.b" }]],
];
for (const [what, code, entries] of refused) {
  test(`normalizeEntries() refuses ${what}`, () => {
    assert.throws(() => normalizeEntries(entries, EPOCH), { code });
  });
}
