import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { findExecutable } from "../../../plugins/host_executable/find_executable.ts";
import { elfFixture } from "../../support/elf_fixture.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

function program(root: string, path: string, content: string | Uint8Array = elfFixture()): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content, { mode: 0o755 });
  return file;
}

test("findExecutable() prefers the project's own package, then the runtime, then PATH", () => {
  using root = temporaryDirectory();
  const search = {
    directories: [join(root.path, "project/deep/folder")],
    path: `relative:${root.path}/bin`,
    runtimePath: program(root.path, "runtime/bun.exe"),
  };
  const onPath = program(root.path, "bin/bun");
  assert.equal(findExecutable("bun", { ...search, runtimePath: "/usr/bin/node" }), onPath);
  assert.equal(findExecutable("bun", search), search.runtimePath);
  const packaged = program(root.path, "project/node_modules/bun/bin/bun.exe");
  mkdirSync(join(root.path, "project/node_modules/.bin"));
  symlinkSync("../bun/bin/bun.exe", join(root.path, "project/node_modules/.bin/bun"));
  assert.equal(findExecutable("bun", search), packaged);
});

test("findExecutable() passes over a package's script in node_modules/.bin", () => {
  using root = temporaryDirectory();
  program(root.path, "node_modules/.bin/tool", "#!/usr/bin/env node\n");
  const onPath = program(root.path, "bin/tool");
  const search = { directories: [root.path], path: `${root.path}/bin`, runtimePath: "/x" };
  assert.equal(findExecutable("tool", search), onPath);
});

test("findExecutable() takes an absolute path as it is, links followed", () => {
  using root = temporaryDirectory();
  const file = program(root.path, "real");
  symlinkSync("real", join(root.path, "link"));
  const search = { directories: ["/"], path: "", runtimePath: "/x" };
  assert.equal(findExecutable(join(root.path, "link"), search), file);
});

test("findExecutable() says where it looked", () => {
  using root = temporaryDirectory();
  writeFileSync(join(root.path, "tool"), "not executable", { mode: 0o644 });
  const search = { directories: [root.path], path: root.path, runtimePath: "/x" };
  assert.throws(() => findExecutable("tool", search), {
    code: "EXECUTABLE_NOT_FOUND",
    details: [
      `searched "node_modules/.bin" from "${root.path}" upwards`,
      `searched PATH: ${root.path}`,
    ],
  });
  assert.throws(() => findExecutable(join(root.path, "tool"), search), {
    code: "EXECUTABLE_NOT_FOUND",
  });
});
