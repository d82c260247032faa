import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readIgnoreRules } from "../../../core/context/ignore_file.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

function inTree(files: Readonly<Record<string, string>>, check: (root: string) => void): void {
  using directory = temporaryDirectory();
  const root = directory.path;
  mkdirSync(join(root, "docker"));
  for (const [path, text] of Object.entries(files)) writeFileSync(join(root, path), text);
  check(root);
}

test("readIgnoreRules() takes the file beside the Dockerfile before that of the context", () => {
  const files = {
    "docker/Dockerfile.dockerignore": "beside\n",
    ".dockerignore": "root\n",
    ".containerignore": "container\n",
  };
  inTree(files, (root) => {
    const rules = readIgnoreRules(root, { dockerfile: join(root, "docker/Dockerfile") });
    assert.deepEqual(rules.match("beside"), {
      ignored: true,
      rule: { pattern: "beside", file: join(root, "docker/Dockerfile.dockerignore"), line: 1 },
    });
    assert.ok(!rules.match("root").ignored);
    const other = readIgnoreRules(root, { dockerfile: join(root, "Other") });
    assert.ok(other.match("root").ignored && !other.match("container").ignored);
  });
});

test("readIgnoreRules() reads .containerignore where there is no .dockerignore", () => {
  inTree({ ".containerignore": "a\n" }, (root) => {
    assert.ok(readIgnoreRules(root).match("a").ignored);
  });
  inTree({ ".containerignore": "a\n", ".dockerignore": "" }, (root) => {
    assert.ok(readIgnoreRules(root).isEmpty);
  });
});

test("readIgnoreRules() adds the recipe's patterns, which win", () => {
  inTree({ ".dockerignore": "*.log\n" }, (root) => {
    const rules = readIgnoreRules(root, { patterns: ["!keep.log", "dist"] });
    assert.ok(rules.match("a.log").ignored && rules.match("dist").ignored);
    assert.ok(!rules.match("keep.log").ignored);
  });
});

test("readIgnoreRules() has no rules where there is no file, nor a context", () => {
  inTree({}, (root) => {
    assert.ok(readIgnoreRules(root).isEmpty);
    assert.ok(readIgnoreRules(join(root, "missing")).isEmpty);
  });
});

test("readIgnoreRules() refuses an ignore file that cannot be read", () => {
  inTree({}, (root) => {
    mkdirSync(join(root, ".dockerignore"));
    assert.throws(() => readIgnoreRules(root), { code: "CONTEXT_UNREADABLE" });
  });
});
