import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, lstatSync, openSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { host } from "../../../core/host/mod.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const calls = host.systemCalls();
const reason = calls === undefined ? "needs Linux and FFI" : undefined;
const skip = reason !== undefined;
const suffix = skip ? ` (${reason})` : "";

test(`setXattr() and listXattrs() carry any bytes, and none${suffix}`, { skip }, () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "f");
  writeFileSync(path, "");
  assert.deepEqual(calls?.listXattrs(path), {});
  calls?.setXattr(path, "user.bytes", Uint8Array.of(0, 255, 10));
  calls?.setXattr(path, "user.empty", new Uint8Array());
  assert.deepEqual({ ...calls?.listXattrs(path) }, {
    "user.bytes": Uint8Array.of(0, 255, 10),
    "user.empty": new Uint8Array(),
  });
});

test(
  `setTimes() keeps nanoseconds, before 1970 too, and does not follow links${suffix}`,
  { skip },
  () => {
    using directory = temporaryDirectory();
    const [file, link] = [join(directory.path, "f"), join(directory.path, "l")];
    writeFileSync(file, "");
    symlinkSync("f", link);
    for (const time of [1_234_567_890_123_456_789n, -1n, 0n]) {
      calls?.setTimes(link, time);
      const found = spawnSync("stat", ["-c", "%.9Y", link], { encoding: "utf8" }).stdout.trim()
        .replace(".", "");
      assert.equal(BigInt(found), time);
    }
    assert.notEqual(lstatSync(file).mtimeMs, 0);
  },
);

test(`system calls fail with the code and the path${suffix}`, { skip }, () => {
  assert.throws(() => calls?.listXattrs("/nonexistent"), {
    code: "ENOENT",
    syscall: "llistxattr",
    path: "/nonexistent",
  });
  assert.throws(() => calls?.mount("none", "/nonexistent", "tmpfs", 0, ""), { syscall: "mount" });
  assert.throws(() => calls?.mount("none", "/", "tmpfs", 0, "x".repeat(5000)), { code: "E2BIG" });
  assert.throws(() => calls?.setXattr("/tmp\0/x", "user.a", new Uint8Array()), { code: "EINVAL" });
});

test(`closeFilesOnExec() keeps open files from programs started later${suffix}`, { skip }, () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "f");
  writeFileSync(path, "");
  const fd = openSync(path, "r");
  calls?.closeFilesOnExec();
  const { stdout } = spawnSync("ls", ["-l", "/proc/self/fd"], { encoding: "utf8" });
  closeSync(fd);
  assert.ok(!stdout.includes(path), stdout);
});
