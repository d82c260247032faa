import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { removeTree } from "../../../core/layer/remove_tree.ts";
import { programPath } from "../../support/program_path.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const skip = programPath("python3") === undefined && "needs python3";
/** Level by level, since no path that long can be named. */
const DIG = `
import os, sys
os.chdir(sys.argv[1])
for level in range(20000):
    os.mkdir("d")
    os.chdir("d")
`;

test(
  `removeTree() removes trees deeper than any path is long${skip === false ? "" : ` (${skip})`}`,
  { skip, timeout: 60_000 },
  () => {
    using directory = temporaryDirectory();
    const tree = join(directory.path, "tree");
    mkdirSync(tree);
    const dug = spawnSync("python3", ["-c", DIG, tree], { encoding: "utf8" });
    assert.equal(dug.status, 0, dug.stderr);
    removeTree(tree);
    assert.equal(existsSync(tree), false);
  },
);

test("removeTree() follows no link, removes a link itself, and what is not there", () => {
  using directory = temporaryDirectory();
  const [kept, tree] = [join(directory.path, "kept"), join(directory.path, "tree")];
  mkdirSync(kept);
  writeFileSync(join(kept, "f"), "");
  mkdirSync(tree);
  symlinkSync(kept, join(tree, "link"));
  removeTree(tree);
  const dangling = join(directory.path, "dangling");
  symlinkSync("nowhere", dangling);
  removeTree(dangling);
  removeTree(join(directory.path, "missing"));
  assert.equal(existsSync(join(kept, "f")), true);
  assert.equal(spawnSync("ls", [directory.path], { encoding: "utf8" }).stdout, "kept\n");
});
