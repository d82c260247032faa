import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as fc from "fast-check";
import { host } from "../../core/host/mod.ts";
import { applyLayer } from "../../core/layer/apply.ts";
import { changes } from "../../core/layer/changes.ts";
import type { FileEntry } from "../../core/layer/file_entry.ts";
import { stackTrees } from "../../core/layer/tree.ts";
import { whiteoutEntry } from "../../core/layer/whiteout.ts";
import { readDirectory } from "../support/directory_entries.ts";
import { temporaryDirectory } from "../support/temporary_directory.ts";
import { treeArbitrary } from "../support/tree_arbitrary.ts";

const MS_RDONLY = 1;

/** Unpacks each layer into a directory of its own and gives what an overlay mount of them shows. */
function mounted(layers: readonly FileEntry[][], directory: string): FileEntry[] {
  const calls = host.systemCalls();
  if (calls === undefined) throw new Error("no system calls");
  mkdirSync(directory);
  const roots = layers.map((layer, i) => {
    const root = join(directory, String(i));
    mkdirSync(root);
    applyLayer(layer, root, {
      form: "overlay",
      chown: true,
      lower: stackTrees(layers.slice(0, i)),
    });
    return root;
  });
  const target = join(directory, "merged");
  mkdirSync(target);
  calls.mount("overlay", target, "overlay", MS_RDONLY, `lowerdir=${roots.toReversed().join(":")}`);
  try {
    return readDirectory(target);
  } finally {
    calls.unmount(target, 0);
  }
}

function canMount(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  using directory = temporaryDirectory();
  try {
    mounted([[], []], join(directory.path, "probe"));
    return true;
  } catch {
    return false;
  }
}

const needsOverlay = { skip: !canMount() && "needs overlay mounts" };

test(
  "an overlay mount of unpacked layers shows what stackTrees() says (needs overlay mounts, seed 101)",
  needsOverlay,
  () => {
    using directory = temporaryDirectory();
    let run = 0;
    const tree = treeArbitrary({ onDisk: true });
    fc.assert(
      fc.property(tree, tree, (lowerEntries, upperEntries) => {
        const lower = stackTrees([lowerEntries]);
        const upper = stackTrees([upperEntries]);
        const sameContent = (a: FileEntry, b: FileEntry): boolean => a.content === b.content;
        const layers = [[...lower.entries], changes(lower, upper, { sameContent })];
        assert.deepEqual(mounted(layers, join(directory.path, String(run++))), upper.entries);
      }),
      { seed: 101, numRuns: 25 },
    );
  },
);

const META = { mode: 0o644, uid: 0, gid: 0, sizeBytes: 0, mtimeSeconds: 7 } as const;
const file = (path: string): FileEntry => ({ ...META, path, type: "file" });
const directory = (path: string, mode: number): FileEntry => ({
  ...META,
  path,
  type: "directory",
  mode,
});
const below = [
  directory("usr", 0o755),
  directory("usr/bin", 0o711),
  file("usr/bin/sh"),
  directory("d", 0o700),
  file("d/old"),
  file("d/other"),
  { ...META, path: "bin", type: "symlink", linkTarget: "usr/bin", mode: 0o777 } as const,
];
const uppers: [what: string, layer: FileEntry[]][] = [
  ["a file behind a link of the lower layer", [file("bin/ls")]],
  ["a file in an implied directory", [file("d/new")]],
  ["a whiteout beside its own name", [whiteoutEntry("d"), file("d/new")]],
  ["an opaque whiteout", [file("d/.wh..wh..opq"), directory("d", 0o750), file("d/new")]],
  ["an opaque whiteout in an implied directory", [file("d/.wh..wh..opq"), file("d/new")]],
  ["whiteouts of a file and of a tree", [whiteoutEntry("d/old"), whiteoutEntry("usr")]],
  ["a file in place of a directory", [file("d")]],
];
for (const [what, layer] of uppers) {
  test(
    `an overlay mount and stackTrees() agree on ${what} (needs overlay mounts)`,
    needsOverlay,
    () => {
      using temporary = temporaryDirectory();
      const expected = stackTrees([below, layer]).entries.map(({ content: _, ...entry }) => entry);
      const found = mounted([below, layer], join(temporary.path, "m")).map((
        { content: _, ...entry },
      ) => entry);
      assert.deepEqual(found, expected);
    },
  );
}
