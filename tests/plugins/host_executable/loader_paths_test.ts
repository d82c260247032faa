import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { loaderPaths, parseLoaderConfig } from "../../../plugins/host_executable/loader_paths.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

test("parseLoaderConfig() reads directories, comments and includes in the order of their file names", () => {
  using root = temporaryDirectory();
  const config = join(root.path, "ld.so.conf");
  mkdirSync(join(root.path, "ld.so.conf.d"));
  writeFileSync(
    config,
    "# first\n/opt/a/ # why\ninclude ld.so.conf.d/*.conf\n/opt/z=libc6\nhwcap 1 x\nrelative\n",
  );
  writeFileSync(join(root.path, "ld.so.conf.d/20-c.conf"), "/opt/c\n");
  writeFileSync(join(root.path, "ld.so.conf.d/10-b.conf"), "/opt/b\n");
  writeFileSync(join(root.path, "ld.so.conf.d/ignored.conf.bak"), "/opt/never\n");
  assert.deepEqual(parseLoaderConfig(config), ["/opt/a", "/opt/b", "/opt/c", "/opt/z"]);
});

test("parseLoaderConfig() ends when files include each other", () => {
  using root = temporaryDirectory();
  const config = join(root.path, "loop.conf");
  writeFileSync(config, `/opt/a\ninclude ${config}\n`);
  assert.deepEqual(new Set(parseLoaderConfig(config)), new Set(["/opt/a"]));
});

test("parseLoaderConfig() takes a missing file for an empty one", () => {
  assert.deepEqual(parseLoaderConfig("/nonexistent/ld.so.conf"), []);
});

test("loaderPaths() searches the loader's own directory, and lib64 for 64 bit only", () => {
  assert.deepEqual(loaderPaths("/opt/libc/ld.so", 64).standard, [
    "/opt/libc",
    "/lib64",
    "/usr/lib64",
    "/lib",
    "/usr/lib",
  ]);
  assert.deepEqual(loaderPaths("/lib/ld-linux.so.2", 32).standard, ["/lib", "/lib", "/usr/lib"]);
  assert.deepEqual(loaderPaths("/lib/ld-musl-x86_64.so.1", 64).standard, [
    "/lib",
    "/usr/local/lib",
    "/usr/lib",
  ]);
});
