import assert from "node:assert/strict";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { chooseProgram } from "../../../plugins/runtime/choose_program.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const args = ["none"];
const environment = ["A=1", "PATH=/nowhere:/bin"];

test("chooseProgram() takes the first candidate that the root has, by path or on PATH", () => {
  using root = temporaryDirectory();
  for (const name of ["bin", "etc"]) mkdirSync(join(root.path, name));
  for (const name of ["bin/busybox", "bin/plain", "etc/sh"]) {
    writeFileSync(join(root.path, name), "");
    chmodSync(join(root.path, name), name === "bin/plain" ? 0o644 : 0o755);
  }
  // Links of an image lead to its own files.
  symlinkSync("/bin/busybox", join(root.path, "bin/sh"));
  symlinkSync("/usr/bin/env", join(root.path, "bin/env"));
  const choose = (...candidates: string[][]): readonly string[] =>
    chooseProgram(root.path, { args, environment, candidates });
  assert.deepEqual(choose(["/bin/bash"], ["/bin/sh"], ["/bin/busybox", "sh"]), ["/bin/sh"]);
  assert.deepEqual(choose(["busybox", "sh"]), ["busybox", "sh"]);
  for (const program of ["/bin/plain", "/etc", "/bin/env", "bash", "/bin/sh/x", ""]) {
    assert.throws(() => choose([program]), { code: "FILE_MISSING" }, program);
  }
  assert.throws(
    () => choose(["/bin/bash"], ["ksh", "-l"]),
    /Cannot open a shell: the files of the step have none of "\/bin\/bash", "ksh -l"/,
  );
});

test("chooseProgram() runs what it is told where there is no choice", () => {
  assert.deepEqual(chooseProgram("/nowhere", { args, environment }), args);
});
