import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { resolveInRoot } from "../../../plugins/runtime/resolve_in_root.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

test("resolveInRoot() never leaves the root", () => {
  using root = temporaryDirectory();
  mkdirSync(join(root.path, "run"));
  symlinkSync("/etc", join(root.path, "absolute"));
  symlinkSync("../../../../etc", join(root.path, "run/up"));
  symlinkSync("/run/up/passwd", join(root.path, "chain"));
  writeFileSync(join(root.path, "file"), "");
  const resolved = (path: string): string => resolveInRoot(root.path, path).path;
  assert.equal(resolved("/"), "/");
  assert.equal(resolved("/../.."), "/");
  assert.equal(resolved("/absolute/passwd"), "/etc/passwd");
  assert.equal(resolved("run/up"), "/etc");
  assert.equal(resolved("/chain"), "/etc/passwd");
  assert.equal(resolved("/file/below/./x/.."), "/file/below");
  assert.equal(resolveInRoot(root.path, "/chain").stats, undefined);
  assert.equal(resolveInRoot(root.path, "/file").stats?.isFile(), true);
});

test("resolveInRoot() refuses a loop of links", () => {
  using root = temporaryDirectory();
  symlinkSync("loop/x", join(root.path, "loop"));
  assert.throws(() => resolveInRoot(root.path, "/loop"), { code: "LAYER_INVALID" });
});
