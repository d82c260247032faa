/**
 * What every {@link SystemCalls} does, whatever carries the calls. Mounts are for the contract of executors.
 *
 * @module
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { lstatSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { SystemCalls } from "../../core/host/mod.ts";
import { temporaryDirectory } from "../support/temporary_directory.ts";

/** Declares the tests; `skip` says what is missing. */
export function systemCallsContract(
  name: string,
  calls: SystemCalls,
  skip: string | undefined,
): void {
  test(
    `${name}: setXattr() and listXattrs() carry any bytes, and none${
      skip === undefined ? "" : ` (${skip})`
    }`,
    { skip: skip ?? false },
    () => {
      using directory = temporaryDirectory();
      const path = join(directory.path, "f");
      writeFileSync(path, "");
      assert.deepEqual(calls.listXattrs(path), {});
      calls.setXattr(path, "user.bytes", Uint8Array.of(0, 255, 10));
      calls.setXattr(path, "user.empty", new Uint8Array());
      assert.deepEqual({ ...calls.listXattrs(path) }, {
        "user.bytes": Uint8Array.of(0, 255, 10),
        "user.empty": new Uint8Array(),
      });
    },
  );

  test(
    `${name}: setTimes() keeps nanoseconds, before 1970 too, and does not follow links${
      skip === undefined ? "" : ` (${skip})`
    }`,
    { skip: skip ?? false },
    () => {
      using directory = temporaryDirectory();
      const [file, link] = [join(directory.path, "f"), join(directory.path, "l")];
      writeFileSync(file, "");
      symlinkSync("f", link);
      for (const time of [1_234_567_890_123_456_789n, -1n, 0n]) {
        calls.setTimes(link, time);
        const found = spawnSync("stat", ["-c", "%.9Y", link], { encoding: "utf8" }).stdout.trim()
          .replace(".", "");
        assert.equal(BigInt(found), time);
      }
      assert.notEqual(lstatSync(file).mtimeMs, 0);
    },
  );

  test(
    `${name}: system calls fail with the code and the path${
      skip === undefined ? "" : ` (${skip})`
    }`,
    { skip: skip ?? false },
    () => {
      assert.throws(() => calls.listXattrs("/nonexistent"), {
        code: "ENOENT",
        syscall: "llistxattr",
        path: "/nonexistent",
      });
      assert.throws(() => calls.setTimes("/nonexistent", 0n), { code: "ENOENT" });
      assert.throws(() => calls.mount("none", "/nonexistent", "tmpfs", 0, ""), {
        syscall: "mount",
      });
      assert.throws(() => calls.mount("none", "/", "tmpfs", 0, "x".repeat(5000)), {
        code: "E2BIG",
      });
      assert.throws(() => calls.setXattr("/tmp\0/x", "user.a", new Uint8Array()));
    },
  );

  test(
    `${name}: mknod() makes pipes with their mode, and refuses a name that is taken${
      skip === undefined ? "" : ` (${skip})`
    }`,
    { skip: skip ?? false },
    () => {
      using directory = temporaryDirectory();
      const path = join(directory.path, "pipe");
      const umask = process.umask(0o027);
      try {
        calls.mknod(path, 0o010666, 0, 0);
      } finally {
        process.umask(umask);
      }
      const stats = lstatSync(path);
      assert.ok(stats.isFIFO());
      assert.equal(stats.mode & 0o7777, 0o640);
      assert.throws(() => calls.mknod(path, 0o010666, 0, 0), { code: "EEXIST", syscall: "mknod" });
    },
  );
}
