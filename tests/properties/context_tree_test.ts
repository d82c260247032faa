import assert from "node:assert/strict";
import { chmodSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { describeEntry } from "../../core/context/content_digest.ts";
import { modeChange } from "../../core/context/copy_mode.ts";
import { parseIgnorePatterns } from "../../core/context/ignore.ts";
import { select, type SelectOptions } from "../../core/context/select.ts";
import type { SourceTree } from "../../core/context/source_tree.ts";
import { treeSource } from "../../core/context/tree_source.ts";
import { openContext, walkContext } from "../../core/context/walk.ts";
import { LayerwrightError } from "../../core/errors.ts";
import { canonicalJson } from "../../core/graph/canonical_json.ts";
import { ContentReader } from "../../core/layer/file_content.ts";
import { comparePaths } from "../../core/layer/path_order.ts";
import { stackTrees } from "../../core/layer/tree.ts";
import { temporaryDirectory } from "../support/temporary_directory.ts";

const SEED = 4077;

interface PlannedFile {
  readonly path: string;
  readonly kind: "file" | "directory" | "symlink" | "hardlink";
  readonly mode: number;
  readonly text: string;
}

const name = fc.constantFrom("a", "b", "a-b", "a.b", "c.ts", "é", "😀");
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
const plannedFile = fc.record({
  path,
  kind: fc.constantFrom("file", "file", "directory", "symlink", "hardlink"),
  mode: fc.constantFrom(0o644, 0o755, 0o600, 0o4711),
  text: fc.constantFrom("a", "b", "../a", "a/b", "/a", "/a/b", ".", "a-b"),
}) satisfies fc.Arbitrary<PlannedFile>;
/** Paths of which none is below one that is no directory. */
const plan = fc.array(plannedFile, { maxLength: 10 }).map((files) => {
  const kept = new Map<string, PlannedFile>();
  for (const file of files) {
    const clash = [...kept.values()].some((other) =>
      file.path === other.path ||
      (other.kind !== "directory" && file.path.startsWith(`${other.path}/`)) ||
      (file.kind !== "directory" && other.path.startsWith(`${file.path}/`))
    );
    if (!clash) kept.set(file.path, file);
  }
  return [...kept.values()];
});

function withTree<T>(files: readonly PlannedFile[], use: (root: string) => T): T {
  using temporary = temporaryDirectory();
  const root = temporary.path;
  const firstFile = files.map(({ path, kind }) => kind === "file" ? path : "")
    .filter((path) => path !== "").sort(comparePaths)[0];
  // A hard link needs its file, so that comes first whatever the order.
  const ordered = [
    ...files.filter(({ path }) => path === firstFile),
    ...files.filter(({ path }) => path !== firstFile),
  ];
  for (const { path, kind, mode, text } of ordered) {
    const at = join(root, path);
    mkdirSync(kind === "directory" ? at : dirname(at), { recursive: true });
    if (kind === "symlink") symlinkSync(text, at);
    else if (kind === "hardlink" && firstFile !== undefined) linkSync(join(root, firstFile), at);
    else if (kind !== "directory") {
      writeFileSync(at, text);
      chmodSync(at, mode);
    }
  }
  return use(root);
}

function describe(root: string, ignore: readonly string[]): string[] {
  using reader = new ContentReader();
  const mode = modeChange({ kind: "preserve" });
  return walkContext(root, { ignore: parseIgnorePatterns(ignore) }).entries
    .map((entry) => canonicalJson(describeEntry(entry, { mode, reader })));
}

test(`walkContext() gives the same tree whatever the order of creation (seed ${SEED})`, () => {
  const shuffled = plan.chain((files) =>
    fc.tuple(fc.constant(files), fc.shuffledSubarray(files, { minLength: files.length }))
  );
  fc.assert(
    fc.property(shuffled, ([files, reordered]) => {
      const first = withTree(files, (root) => describe(root, []));
      assert.deepEqual(withTree(reordered, (root) => describe(root, [])), first);
    }),
    { seed: SEED, numRuns: 150 },
  );
});

test(`walkContext() lists sorted, unique paths below directories it lists (seed ${SEED})`, () => {
  const patterns = fc.array(fc.constantFrom("a", "!a/b", "*", "!**/c.ts", "**/b", "!a-b", "a/*"), {
    maxLength: 3,
  });
  fc.assert(
    fc.property(plan, patterns, (files, ignore) => {
      withTree(files, (root) => {
        const rules = parseIgnorePatterns(ignore);
        const all = walkContext(root).entries;
        const { entries } = walkContext(root, { ignore: rules });
        const paths = new Set(entries.map(({ path }) => path));
        assert.deepEqual([...paths], [...paths].sort(comparePaths));
        assert.equal(paths.size, entries.length);
        for (const { path } of entries) {
          assert.ok(dirname(path) === "." || paths.has(dirname(path)), path);
        }
        // Pruning loses nothing: what the rules show is there, and nothing else but directories above it.
        for (const { path } of all) {
          const above = [...paths].some((other) =>
            other.startsWith(`${path}/`) && !rules.match(other).ignored
          );
          assert.equal(paths.has(path), !rules.match(path).ignored || above, path);
        }
      });
    }),
    { seed: SEED, numRuns: 150 },
  );
});

const source = fc.oneof(
  path,
  fc.constantFrom(".", "*", "a*", "*/*", "a/?", "[a-c]*", "**/b", "a/./b", "a/./*", "*/./a", "a/"),
);
const options = fc.record({
  parents: fc.boolean(),
  exclude: fc.array(fc.constantFrom("b", "*.ts", "**/a", "!a/b"), { maxLength: 2 }),
  optional: fc.boolean(),
}) satisfies fc.Arbitrary<SelectOptions>;

function selection(tree: SourceTree, sources: readonly string[], options: SelectOptions): unknown {
  using reader = new ContentReader();
  const mode = modeChange({ kind: "preserve" });
  try {
    return select(tree, sources, options).map((selected) => ({
      ...selected,
      entries: selected.entries.map((entry) => describeEntry(entry, { mode, reader })),
    }));
  } catch (error) {
    if (!(error instanceof LayerwrightError)) throw error;
    // A stage has nothing outside it that a link could lead to.
    return error.code === "CONTEXT_ESCAPE" ? "COPY_SOURCE_MISSING" : error.code;
  }
}

test(`select() from a directory equals select() from a stage with the same files (seed ${SEED})`, () => {
  fc.assert(
    fc.property(
      plan,
      fc.array(source, { minLength: 1, maxLength: 2 }),
      options,
      (files, sources, options) => {
        // Above the root a stage stays where it is, while a context refuses: no such links here.
        const inside = files.filter(({ kind, path, text }) =>
          kind !== "symlink" || text !== "../a" || path.includes("/")
        );
        withTree(inside, (root) => {
          const stage = treeSource(stackTrees([walkContext(root).entries]), "stage");
          const found = selection(openContext(root), sources, options);
          if (found === "COPY_SOURCE_MISSING" && options.optional) return;
          assert.deepEqual(found, selection(stage, sources, options));
        });
      },
    ),
    { seed: SEED, numRuns: 300 },
  );
});
