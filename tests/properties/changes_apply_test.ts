import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as fc from "fast-check";
import { applyLayer } from "../../core/layer/apply.ts";
import { changes } from "../../core/layer/changes.ts";
import type { FileEntry } from "../../core/layer/file_entry.ts";
import { stackTrees, type Tree } from "../../core/layer/tree.ts";
import { readDirectory } from "../support/directory_entries.ts";
import { temporaryDirectory } from "../support/temporary_directory.ts";
import { treeArbitrary } from "../support/tree_arbitrary.ts";

const sameContent = (lower: FileEntry, upper: FileEntry): boolean => {
  const [a, b] = [lower.content, upper.content];
  return a?.kind === "bytes" && b?.kind === "bytes" && Buffer.compare(a.bytes, b.bytes) === 0;
};
const needsRoot = process.platform !== "linux" || process.getuid?.() !== 0;

/** A second tree near the first: some entries dropped, others taken over from a fresh tree. */
function pairArbitrary(onDisk: boolean): fc.Arbitrary<readonly [FileEntry[], FileEntry[]]> {
  return treeArbitrary({ onDisk }).chain((a) =>
    fc.tuple(
      fc.constant(a),
      fc.oneof(
        treeArbitrary({ onDisk }),
        fc.subarray(a).map(withoutBrokenLinks),
        fc.tuple(fc.subarray(a), fc.constantFrom(0o600, 0o755)).map(([kept, mode]) =>
          withoutBrokenLinks(kept).map((entry, i) =>
            i % 3 === 0 && entry.type === "file" ? { ...entry, mode } : entry
          )
        ),
      ),
    )
  );
}

function withoutBrokenLinks(entries: FileEntry[]): FileEntry[] {
  const paths = new Set(entries.map(({ path }) => path));
  return entries.filter(({ type, linkTarget = "" }) =>
    type !== "hardlink" || paths.has(linkTarget)
  );
}

test("stacking changes(a, b) on a gives b (seed 81)", () => {
  fc.assert(
    fc.property(pairArbitrary(false), ([lowerEntries, upperEntries]) => {
      const lower = stackTrees([lowerEntries]);
      const upper = stackTrees([upperEntries]);
      const layer = changes(lower, upper, { sameContent });
      assert.deepEqual(stackTrees([lower.entries, layer]).entries, upper.entries);
    }),
    { seed: 81, numRuns: 300 },
  );
});

test("changes(a, a) is empty (seed 82)", () => {
  fc.assert(
    fc.property(treeArbitrary(), (entries) => {
      const tree = stackTrees([entries]);
      assert.deepEqual(changes(tree, stackTrees([entries]), { sameContent }), []);
    }),
    { seed: 82, numRuns: 100 },
  );
});

test("a tree rewritten by stackTrees() is itself (seed 83)", () => {
  fc.assert(
    fc.property(treeArbitrary(), (entries) => {
      const tree = stackTrees([entries]);
      assert.deepEqual(stackTrees([tree.entries]).entries, tree.entries);
    }),
    { seed: 83, numRuns: 100 },
  );
});

/** What disk and tree agree on: a directory keeps the xattrs it had below, since none is ever removed from it. */
function onDiskForm(tree: Tree): FileEntry[] {
  return tree.entries.map((entry) => {
    const { xattrs: _, ...rest } = entry;
    const kept = entry.type === "directory" || entry.xattrs === undefined
      ? {}
      : { xattrs: entry.xattrs };
    return { ...rest, ...kept };
  });
}

test(
  "applying changes(a, b) to a directory holding a gives b (needs root, seed 84)",
  { skip: needsRoot && "needs root on Linux" },
  () => {
    using directory = temporaryDirectory();
    let run = 0;
    fc.assert(
      fc.property(pairArbitrary(true), ([lowerEntries, upperEntries]) => {
        const lower = stackTrees([lowerEntries]);
        const upper = stackTrees([upperEntries]);
        const root = join(directory.path, String(run++));
        mkdirSync(root);
        const options = { form: "plain", chown: true } as const;
        applyLayer(lower.entries, root, options);
        assert.deepEqual(onDiskForm(stackTrees([readDirectory(root)])), onDiskForm(lower));
        applyLayer(changes(lower, upper, { sameContent }), root, options);
        assert.deepEqual(onDiskForm(stackTrees([readDirectory(root)])), onDiskForm(upper));
      }),
      { seed: 84, numRuns: 40 },
    );
  },
);
