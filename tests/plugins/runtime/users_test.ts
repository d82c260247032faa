import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { resolveUser } from "../../../plugins/runtime/users.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

function makeRoot(root: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(join(root, "etc"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, "etc", name), text);
}

test("resolveUser() takes a name before a number, and the first of two lines", () => {
  using root = temporaryDirectory();
  makeRoot(root.path, {
    passwd:
      "# comment\nbroken\n:x:1:1\n10:x:20:30::/ten:\ndup:x:5:6::/one:\ndup:x:7:8::/two:\n neg:x:-1:1\n",
    group: "20:x:40:dup,10\nhuge:x:99999999999:10\n",
  });
  assert.deepEqual(resolveUser("10", root.path), { uid: 20, gid: 30, groups: [40], home: "/ten" });
  assert.deepEqual(resolveUser("dup", root.path), { uid: 5, gid: 6, groups: [40], home: "/one" });
  assert.deepEqual(resolveUser("dup:20", root.path), { uid: 5, gid: 40, groups: [], home: "/one" });
  assert.deepEqual(resolveUser(":20", root.path), { uid: 0, gid: 40, groups: [], home: "/" });
});

test("resolveUser() needs no files for numbers", () => {
  using root = temporaryDirectory();
  assert.deepEqual(resolveUser("", root.path), { uid: 0, gid: 0, groups: [], home: "/" });
  assert.deepEqual(resolveUser("12:34", root.path), { uid: 12, gid: 34, groups: [], home: "/" });
});

test("resolveUser() refuses names and numbers that cannot be", () => {
  using root = temporaryDirectory();
  makeRoot(root.path, { passwd: "www-data:x:33:33::/var/www:\n" });
  for (const spec of ["nobody", "-1", "4294967295", "1e3", "0x1", "1:nogroup", "a:b:c"]) {
    assert.throws(() => resolveUser(spec, root.path), { code: "RUN_USER_UNKNOWN" }, spec);
  }
  assert.throws(() => resolveUser("www-dat", root.path), { message: /did you mean "www-data"\?$/ });
});

test("resolveUser() follows links inside the root only, and reads regular files only", () => {
  using outside = temporaryDirectory();
  using root = temporaryDirectory();
  writeFileSync(join(outside.path, "passwd"), "intruder:x:1:1::/:\n");
  mkdirSync(join(root.path, "etc"));
  symlinkSync(join(outside.path, "passwd"), join(root.path, "etc/passwd"));
  assert.throws(() => resolveUser("intruder", root.path), { code: "RUN_USER_UNKNOWN" });
  mkdirSync(join(root.path, "etc/group"));
  assert.throws(() => resolveUser("0:intruder", root.path), { code: "RUN_USER_UNKNOWN" });
});
