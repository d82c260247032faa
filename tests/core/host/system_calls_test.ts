import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { host, type SystemCalls } from "../../../core/host/mod.ts";
import { systemCallsContract } from "../../contracts/system_calls_contract.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const calls = host.systemCalls();
const reason = calls === undefined ? "needs Linux and FFI" : undefined;
const skip = reason !== undefined;
const suffix = skip ? ` (${reason})` : "";

systemCallsContract("FFI", calls as SystemCalls, reason);

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
