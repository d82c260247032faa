import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { applyLayer, type ApplyLayerOptions } from "../../../core/layer/apply.ts";
import type { FileEntry } from "../../../core/layer/file_entry.ts";
import { whiteoutEntry } from "../../../core/layer/whiteout.ts";
import { directory, file, link, opaque, other, symlink } from "../../support/layer_entries.ts";
import { namesIn, sandbox } from "../../support/sandbox.ts";

const PLAIN: ApplyLayerOptions = { form: "plain", chown: false };

// Each archive tries to get out of the root. Whether it is refused or lands inside, the outside stays as it is.
const attacks: [
  what: string,
  attack: (outside: string) => FileEntry[],
  code: string | undefined,
][] = [
  ["a path with ..", () => [file("../outside/new")], "LAYER_INVALID"],
  ["an absolute path", (outside) => [file(`${outside}/new`)], "LAYER_INVALID"],
  [
    "a write through a link to an absolute path",
    (outside) => [symlink("l", outside), file("l/new")],
    undefined,
  ],
  ["a write through a link with ..", () => [symlink("l", "../outside"), file("l/new")], undefined],
  [
    "a write through a chain of links",
    () => [symlink("a", "b/.."), symlink("b", "../../outside"), file("a/b/new")],
    undefined,
  ],
  [
    "a write through a deep link",
    () => [symlink("d/l", "../../outside"), file("d/l/new")],
    undefined,
  ],
  [
    "a write into a link itself",
    (outside) => [symlink("l", `${outside}/victim`), file("l", "broken")],
    undefined,
  ],
  [
    "a directory over a link",
    (outside) => [symlink("l", outside), directory("l", 0o777), file("l/new")],
    undefined,
  ],
  [
    "a link in place of a directory",
    (outside) => [directory("d", 0o777), file("d/a"), symlink("d", outside), file("d/new")],
    undefined,
  ],
  [
    "a link in place of a deeper directory",
    (outside) => [directory("d/sub", 0o777), symlink("d", outside), directory("d/sub", 0o777)],
    undefined,
  ],
  [
    "late metadata through a link",
    (outside) => [directory("d", 0o777), symlink("d", outside)],
    undefined,
  ],
  [
    "late metadata below a link",
    () => [directory("d/outside", 0o777), symlink("d", "..")],
    undefined,
  ],
  [
    "a mode through a link",
    (
      outside,
    ) => [
      symlink("l", `${outside}/victim`),
      other("l", "symlink", { linkTarget: `${outside}/victim`, mode: 0o777 }),
    ],
    undefined,
  ],
  [
    "a hard link to an absolute path",
    (outside) => [link("h", `${outside.slice(1)}/victim`)],
    "LAYER_INVALID",
  ],
  ["a hard link with ..", () => [link("h", "../outside/victim")], "LAYER_INVALID"],
  [
    "a hard link through a link",
    (outside) => [symlink("l", outside), link("h", "l/victim")],
    "LAYER_INVALID",
  ],
  [
    "a hard link to a link",
    (outside) => [symlink("l", `${outside}/victim`), link("h", "l"), file("h", "broken")],
    undefined,
  ],
  ["a hard link to a directory", () => [directory("d"), link("h", "d")], "LAYER_INVALID"],
  ["a hard link to itself", () => [file("a"), link("a", "a")], "LAYER_INVALID"],
  [
    "a hard link over the directory of its target",
    () => [file("a/b"), link("a", "a/b")],
    "LAYER_INVALID",
  ],
  ["a whiteout of ..", () => [file(".wh...")], "LAYER_ESCAPES_ROOT"],
  ["a whiteout of .", () => [file(".wh..")], "LAYER_INVALID"],
  ["a whiteout of nothing", () => [file(".wh.")], "LAYER_INVALID"],
  [
    "a whiteout through a link",
    (outside) => [symlink("l", outside), whiteoutEntry("l/victim")],
    undefined,
  ],
  ["an entry below a file", () => [file("a"), file("a/b")], "LAYER_INVALID"],
  ["a link loop", () => [symlink("a", "b"), symlink("b", "a"), file("a/c")], "LAYER_INVALID"],
  ["an empty path", () => [directory("")], "LAYER_INVALID"],
  ["a path of .", () => [directory(".")], "LAYER_INVALID"],
  ["a path with NUL", () => [file("a\0b")], "LAYER_INVALID"],
  ["a name of 256 bytes", () => [file("n".repeat(256))], "LAYER_LIMIT"],
  ["10,000 nested directories", () => [file(`${"d/".repeat(10_000)}f`)], "LAYER_LIMIT"],
  ["a name that is not UTF-8", () => [file("\udcff")], "HOST_UNSUPPORTED"],
];
for (const [what, attack, code] of attacks) {
  test(`applyLayer() ${code === undefined ? "keeps inside" : "refuses"} ${what}`, () => {
    using box = sandbox();
    const apply = (): unknown => applyLayer(attack(box.outside), box.root, PLAIN);
    if (code === undefined) apply();
    else assert.throws(apply, { code });
    box.assertUntouched();
  });
}

test("applyLayer() removes a link, not what it leads to, for a whiteout or a replacement", () => {
  using box = sandbox();
  symlinkSync(box.outside, join(box.root, "l"));
  symlinkSync(box.outside, join(box.root, "m"));
  applyLayer([whiteoutEntry("l"), directory("m"), file("m/x"), opaque("m")], box.root, PLAIN);
  assert.deepEqual(namesIn(box.root), ["m/", "m/x"]);
  box.assertUntouched();
});

test("applyLayer() empties what a link leads to inside the root for an opaque whiteout below it", () => {
  using box = sandbox();
  symlinkSync(box.outside, join(box.root, "l"));
  applyLayer([opaque("l"), whiteoutEntry("l/victim")], box.root, PLAIN);
  box.assertUntouched();
});
