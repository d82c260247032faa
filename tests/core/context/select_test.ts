import assert from "node:assert/strict";
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { parseIgnoreFile, parseIgnorePatterns } from "../../../core/context/ignore.ts";
import { select, type SelectOptions } from "../../../core/context/select.ts";
import type { SourceTree } from "../../../core/context/source_tree.ts";
import { treeSource } from "../../../core/context/tree_source.ts";
import { openContext } from "../../../core/context/walk.ts";
import { LayerwrightError } from "../../../core/errors.ts";
import type { FileEntry } from "../../../core/layer/file_entry.ts";
import { stackTrees } from "../../../core/layer/tree.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const metadata = { mode: 0o644, uid: 0, gid: 0, sizeBytes: 0, mtimeSeconds: 0 };

/** A stage's tree: `path` is a file, `path/` a directory, `path -> target` a link. */
function stage(...paths: readonly string[]): SourceTree {
  const layer = paths.map((text): FileEntry => {
    const [path = "", linkTarget] = text.split(" -> ");
    if (linkTarget !== undefined) return { ...metadata, path, type: "symlink", linkTarget };
    if (path.endsWith("/")) return { ...metadata, path: path.slice(0, -1), type: "directory" };
    return { ...metadata, path, type: "file" };
  });
  return treeSource(stackTrees([layer]), 'stage "deps"');
}

function chosen(
  tree: SourceTree,
  sources: string | readonly string[],
  options: SelectOptions = {},
): string[] {
  return select(tree, typeof sources === "string" ? [sources] : sources, options).map((selected) =>
    `${selected.matchedPath}${selected.isDirectory ? "/" : ""}: ${
      selected.entries.map(({ path }) => path).join(" ")
    }`.trimEnd()
  );
}

function withFiles(paths: readonly string[], use: (root: string) => void): void {
  using directory = temporaryDirectory();
  const root = directory.path;
  for (const path of paths) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), path);
  }
  use(root);
}

function failure(action: () => unknown): LayerwrightError {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof LayerwrightError);
    return error;
  }
  assert.fail("it succeeded");
}

test("select() takes a file by its name and of a directory what is below it", () => {
  const tree = stage("a/b/c", "a/b/d", "a/e", "f");
  assert.deepEqual(chosen(tree, "f"), ["f: f"]);
  assert.deepEqual(chosen(tree, "a/b/c"), ["a/b/c: c"]);
  assert.deepEqual(chosen(tree, "a"), ["a/: b b/c b/d e"]);
  assert.deepEqual(chosen(tree, ["f", "a/b"]), ["f: f", "a/b/: c d"]);
  assert.equal(select(tree, ["a/b"])[0]?.baseName, "b");
});

test("select() reads sources from the root, with or without slashes and dots", () => {
  const tree = stage("a/b", "c");
  for (const source of ["a", "/a", "a/", "./a", "/a/.", "a/./", "x/../a", "//a//"]) {
    assert.deepEqual(chosen(tree, source), ["a/: b"], source);
  }
  for (const source of ["", ".", "/", "./", "a/.."]) {
    assert.deepEqual(chosen(tree, source), ["/: a a/b c"], source);
  }
});

test("select() refuses a source that leaves the root", () => {
  for (const source of ["..", "../x", "/../x", "a/../../x", "*/../../x"]) {
    assert.equal(failure(() => select(stage("a/b", "x"), [source])).code, "CONTEXT_ESCAPE", source);
  }
  const error = failure(() => select(stage("x"), ["../x"]));
  assert.equal(error.message, 'Cannot copy "../x": the path leaves stage "deps"');
});

test("select() expands wildcards as Go does, and may find nothing", () => {
  const tree = stage("src/a.ts", "src/b.ts", "src/c.js", "src/d/e.ts", "lib/x.ts", "[a]", "s*/f");
  assert.deepEqual(chosen(tree, "src/*.ts"), ["src/a.ts: a.ts", "src/b.ts: b.ts"]);
  assert.deepEqual(chosen(tree, "src/?.js"), ["src/c.js: c.js"]);
  assert.deepEqual(chosen(tree, "*/*.ts"), ["lib/x.ts: x.ts", "src/a.ts: a.ts", "src/b.ts: b.ts"]);
  assert.deepEqual(chosen(tree, "src/[d-z]"), ["src/d/: e.ts"]);
  assert.deepEqual(chosen(tree, "src/**"), [
    "src/a.ts: a.ts",
    "src/b.ts: b.ts",
    "src/c.js: c.js",
    "src/d/: e.ts",
  ]);
  assert.deepEqual(chosen(tree, "**/e.ts"), []);
  assert.deepEqual(chosen(tree, ["none*", "missing/*.ts"]), []);
  assert.deepEqual(chosen(tree, "[[]a]"), ["[a]: [a]"]);
  assert.deepEqual(chosen(tree, "s\\*/*"), []);
  assert.deepEqual(chosen(tree, "[s]\\*/f"), ["s*/f: f"]);
  assert.equal(failure(() => select(tree, ["src/["])).code, "COPY_PATTERN_INVALID");
});

test("select() follows the links it is given and keeps those below", () => {
  const tree = stage(
    "real/f",
    "real/in -> f",
    "dir -> real",
    "file -> /real/f",
    "up -> ../../real",
    "real/d -> ../x",
    "x/y",
  );
  assert.deepEqual(chosen(tree, "dir"), ["dir/: d f in"]);
  assert.deepEqual(chosen(tree, "up/f"), ["up/f: f"]);
  assert.deepEqual(chosen(tree, "file"), ["file: file"]);
  assert.equal(select(tree, ["file"])[0]?.entries[0]?.type, "file");
  assert.equal(select(tree, ["dir"])[0]?.entries[2]?.type, "symlink");
  assert.deepEqual(chosen(tree, "d*"), ["dir/: d f in"]);
  // In front of the wildcard links are followed, behind it they are not.
  assert.deepEqual(
    chosen(tree, "dir/d/*"),
    ["dir/d/y: y"].map((text) => text.replace("dir/d", "x")),
  );
  assert.deepEqual(chosen(tree, "r*/d/y"), []);
});

test("select() leaves out what exclude patterns match below each source", () => {
  const tree = stage("dir1/a.png", "dir1/b.txt", "dir2/c.png", "dir2/d/e.png", "dir2/d/f.txt");
  assert.deepEqual(chosen(tree, ".", { exclude: ["*/*.png"] }), [
    "/: dir1 dir1/b.txt dir2 dir2/d dir2/d/e.png dir2/d/f.txt",
  ]);
  assert.deepEqual(chosen(tree, "dir*", { exclude: ["*.png"] }), [
    "dir1/: b.txt",
    "dir2/: d d/e.png d/f.txt",
  ]);
  assert.deepEqual(chosen(tree, "dir2", { exclude: ["**/*.png"] }), ["dir2/: d d/f.txt"]);
  assert.deepEqual(chosen(tree, "dir2", { exclude: ["d", "!d/f.txt"] }), [
    "dir2/: c.png d d/f.txt",
  ]);
  assert.deepEqual(chosen(tree, "dir1/*", { exclude: ["*.txt"] }), ["dir1/a.png: a.png"]);
  assert.deepEqual(chosen(tree, "dir1", { exclude: ["*"] }), ["dir1/:"]);
  assert.equal(
    failure(() => select(tree, ["dir1"], { exclude: ["["] })).code,
    "IGNORE_PATTERN_INVALID",
  );
});

test("select() with parents keeps the directories of a source, from the pivot on", () => {
  const tree = stage(
    "test/a/b/c/d/foo",
    "test/a/b/c/d/e/bay",
    "test/a/b2/c/d/e/bar",
    "test/a/b/c2/d/e/baz",
    "test/a/b/c2/d/e2/baz",
    "link -> test",
  );
  const parents = (...sources: readonly string[]): string[] =>
    chosen(tree, sources, { parents: true });
  assert.deepEqual(parents("/test/a/b/./c/d"), ["test/a/b/: c c/d c/d/e c/d/e/bay c/d/foo"]);
  assert.deepEqual(parents("test/a/b/c/d/e"), [
    "/: test test/a test/a/b test/a/b/c test/a/b/c/d test/a/b/c/d/e test/a/b/c/d/e/bay",
  ]);
  assert.deepEqual(parents("./test/a/b2/c/d/e/."), parents("/test/a/b2/c/d/e"));
  assert.deepEqual(parents("/test/a/./b2/./c"), ["test/a/: b2 b2/c b2/c/d b2/c/d/e b2/c/d/e/bar"]);
  assert.deepEqual(parents("/test/a/b/./*/d/e2"), ["test/a/b/: c2 c2/d c2/d/e2 c2/d/e2/baz"]);
  assert.deepEqual(parents("/test/a/b*/./c/**/e"), [
    "test/a/b/: c c/d c/d/e c/d/e/bay",
    "test/a/b2/: c c/d c/d/e c/d/e/bar",
  ]);
  assert.deepEqual(parents("/test/a/b/c*/./d/**/baz"), [
    "test/a/b/c/:",
    "test/a/b/c2/: d d/e d/e/baz d/e2 d/e2/baz",
  ]);
  assert.deepEqual(parents("/test/a/b9*/c", "/test/a/b/./c9*"), ["/:", "test/a/b/:"]);
  assert.deepEqual(parents("test/a/b2/./."), ["test/a/b2/: c c/d c/d/e c/d/e/bar"]);
  assert.deepEqual(chosen(tree, "test/a/b/./c", { parents: true, exclude: ["**/e"] }), [
    "test/a/b/: c c/d c/d/foo",
  ]);
});

test("select() with parents needs plain paths to exist, and follows no link below the pivot", () => {
  const tree = stage("a/b", "link -> a", "!x/y");
  for (const source of ["a/none", "none/./b", "a/./none", "link/b"]) {
    const error = failure(() => select(tree, [source], { parents: true }));
    assert.equal(error.code, "COPY_SOURCE_MISSING", source);
  }
  assert.deepEqual(chosen(tree, "link/./b", { parents: true }), ["link/: b"]);
  assert.deepEqual(chosen(tree, "!x", { parents: true }), ["/: !x !x/y"]);
  assert.equal(
    failure(() => select(tree, ["a/./../../x"], { parents: true })).code,
    "CONTEXT_ESCAPE",
  );
});

test("select() names what is there instead of a missing source, and the line that hides it", () => {
  withFiles(["dist/app.mjs", "dist/app.js", "src/main.ts"], (root) => {
    const ignore = parseIgnoreFile("*.log\n\ndist/*.js\n", { file: ".dockerignore" });
    const context = openContext(root, { ignore });
    const error = failure(() => select(context, ["dist/app.js"], { destination: "/srv/" }));
    assert.equal(
      error.located({ file: "recipes/app.ts", line: 14, text: '.copy("dist/app.js", "/srv/")' })
        .format(),
      [
        `COPY_SOURCE_MISSING: Cannot copy "dist/app.js" to "/srv/": no such file in build context ${
          JSON.stringify(root)
        }`,
        '  at recipes/app.ts:14   .copy("dist/app.js", "/srv/")',
        '  found "dist/app.mjs"; "dist/app.js" is excluded by ".dockerignore" line 3: "dist/*.js"',
        '  fix: copy "dist/app.mjs", or remove the ignore line',
      ].join("\n"),
    );
  });
});

test("select() says of a missing source only what it knows", () => {
  withFiles(["dist/app.mjs", "hidden", "src/main.ts"], (root) => {
    const context = openContext(root, { ignore: parseIgnorePatterns(["hidden"]) });
    const cases:
      readonly (readonly [source: string, details: readonly string[], hint: string | undefined])[] =
        [
          ["dsit/app.mjs", ['found "dist/app.mjs"'], 'copy "dist/app.mjs"'],
          ["dsit/other.css", ['found "dist"'], 'copy "dist"'],
          ["hidden", ['"hidden" is excluded by the pattern "hidden"'], "remove the ignore pattern"],
          ["hidden/x", [], undefined],
          ["nothing-like-it", [], undefined],
          ["src/main.ts/x", ['"src/main.ts" is not a directory'], undefined],
        ];
    for (const [source, details, hint] of cases) {
      const error = failure(() => select(context, [source]));
      assert.equal(error.code, "COPY_SOURCE_MISSING", source);
      assert.deepEqual(error.details, details, source);
      assert.equal(error.hint, hint, source);
    }
  });
});

test("select() tells of a link that leads nowhere, and of one that leads out", () => {
  withFiles(["f"], (root) => {
    symlinkSync("gone", join(root, "dangling"));
    symlinkSync("/etc/hostname", join(root, "out"));
    const context = openContext(root);
    assert.deepEqual(failure(() => select(context, ["dangling"])).details, [
      '"dangling" is a symbolic link to "gone", which leads nowhere',
    ]);
    assert.equal(failure(() => select(context, ["out"])).code, "CONTEXT_ESCAPE");
    assert.equal(failure(() => select(context, ["o*"])).code, "CONTEXT_ESCAPE");
    assert.deepEqual(chosen(context, "."), ["/: dangling f out"]);
  });
});

test("select() reports all missing sources at once, and none that are optional", () => {
  const tree = stage("app.js", "lib/x");
  const error = failure(() => select(tree, ["ap.js", "app.js", "lib/y", "other"]));
  assert.equal(error.message, 'Cannot copy "ap.js": no such file in stage "deps"');
  assert.deepEqual(error.details, [
    'found "app.js"',
    '"lib/y" is missing too: found "lib/x"',
    '"other" is missing too',
  ]);
  assert.deepEqual(chosen(tree, ["none", "app.js"], { optional: true }), ["app.js: app.js"]);
});

test("select() links names of one file inside each source, and only there", () => {
  withFiles(["a/x", "b/y"], (root) => {
    linkSync(join(root, "a/x"), join(root, "a/z"));
    linkSync(join(root, "a/x"), join(root, "b/x"));
    const [a, b] = select(openContext(root), ["a", "b"]);
    assert.deepEqual(a?.entries.map(({ path, type, linkTarget }) => [path, type, linkTarget]), [
      ["x", "file", undefined],
      ["z", "hardlink", "x"],
    ]);
    assert.deepEqual(b?.entries.map(({ type }) => type), ["file", "file"]);
  });
});

test("select() reads no directory that its sources do not need", () => {
  withFiles(["a/b/f", "big/x", "c.ts"], (root) => {
    const context = openContext(root);
    const listed: string[] = [];
    const observed: SourceTree = {
      description: context.description,
      lookup: (path) => context.lookup(path),
      list(directory): readonly string[] {
        listed.push(directory);
        return context.list(directory);
      },
      resolve: (path) => context.resolve(path),
      hardLinkKey: (path) => context.hardLinkKey(path),
      hiddenBy: (path) => context.hiddenBy(path),
    };
    select(observed, ["a/b/f", "a/b", "a/*/f", "*.ts"]);
    assert.deepEqual([...new Set(listed)].sort(), ["", "a", "a/b"]);
  });
});
