import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { writeFileAtomically } from "../../../core/transfer/atomic_file.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const bytes = new TextEncoder().encode("content");

test("writeFileAtomically() shows nothing under the final name before it is done", () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "a/b/out");
  let during: string[] = [];
  writeFileAtomically(path, (write) => {
    write(bytes);
    during = readdirSync(join(directory.path, "a/b"));
  });
  assert.equal(during.includes("out"), false);
  assert.deepEqual(readdirSync(join(directory.path, "a/b")), ["out"]);
  assert.equal(statSync(path).mode & 0o777, 0o666 & ~process.umask());
});

test("writeFileAtomically() keeps the old file when filling fails", () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "out");
  writeFileSync(path, "old");
  assert.throws(() =>
    writeFileAtomically(path, (write) => {
      write(bytes);
      throw new RangeError("broken");
    }), RangeError);
  assert.deepEqual(readdirSync(directory.path), ["out"]);
  assert.equal(readFileSync(path, "utf8"), "old");
});

test("writeFileAtomically() writes to the file that a link names, and keeps the link", () => {
  using directory = temporaryDirectory();
  writeFileSync(join(directory.path, "real"), "old");
  symlinkSync("real", join(directory.path, "link"));
  writeFileAtomically(join(directory.path, "link"), (write) => write(bytes));
  assert.ok(lstatSync(join(directory.path, "link")).isSymbolicLink());
  assert.equal(readFileSync(join(directory.path, "real"), "utf8"), "content");
});

test("writeFileAtomically() writes into a pipe instead of replacing it (needs mkfifo)", {
  skip: spawnSync("mkfifo", ["--version"]).status !== 0 && "needs mkfifo",
}, () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "pipe");
  spawnSync("mkfifo", [path]);
  // Open for both, so that neither end waits for the other.
  const reader = openSync(path, "r+");
  try {
    writeFileAtomically(path, (write) => write(bytes));
    assert.ok(lstatSync(path).isFIFO());
  } finally {
    closeSync(reader);
  }
});

test("writeFileAtomically() does not replace a folder", () => {
  using directory = temporaryDirectory();
  assert.throws(() => writeFileAtomically(directory.path, (write) => write(bytes)), {
    code: "EISDIR",
  });
  assert.deepEqual(readdirSync(directory.path), []);
});
