import assert from "node:assert/strict";
import { chmodSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { keepsChangeTimes } from "../../../core/context/change_times.ts";
import { Observations } from "../../../core/context/observations.ts";
import { isAllAsObserved } from "../../../core/context/observed_files.ts";
import { walkContext } from "../../../core/context/walk.ts";
import { host } from "../../../core/host/mod.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const skip = !keepsChangeTimes(tmpdir());
const suffix = skip ? " (needs a local file system)" : "";
const HOUR_MS = 3_600_000;

/** Sees what was changed by now as old. */
function later(): Observations {
  return new Observations({ nowMs: Date.now() + HOUR_MS });
}

test(`Observations tell whether anything that was looked at changed${suffix}`, { skip }, () => {
  using directory = temporaryDirectory();
  const [file, link, missing] = ["f", "l", "no"].map((name) => join(directory.path, name));
  writeFileSync(file ?? "", "");
  symlinkSync("nowhere", link ?? "");
  const seen = later();
  // A link comes first: where it leads says nothing of the file system it is on.
  for (const path of [link, file, missing]) seen.lookAt(path ?? "");
  assert.equal(seen.obstacle, undefined);
  assert.equal(seen.paths.length, 6);
  const columns = seen.columns();
  assert.ok(isAllAsObserved(columns, host.fileStatus()));
  writeFileSync(join(directory.path, "nowhere"), "");
  assert.ok(!isAllAsObserved(columns, host.fileStatus()));
});

test(`Observations of a walk hold every directory and every path it asked for${suffix}`, {
  skip,
}, () => {
  using directory = temporaryDirectory();
  for (const name of ["d", "d/e"]) mkdirSync(join(directory.path, name));
  for (const name of ["a", "d/b", "d/e/c"]) writeFileSync(join(directory.path, name), "");
  const observations = later();
  walkContext(directory.path, { observations });
  const found = observations.paths.map((path) => path.slice(directory.path.length + 1));
  assert.deepEqual(found.sort(), ["", "a", "d", "d/b", "d/e", "d/e/c"]);
});

test(`Observations are none of what may change unnoticed${suffix}`, { skip }, () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "f");
  writeFileSync(path, "");
  const nowMs = Date.now();
  const fresh = new Observations({ nowMs });
  fresh.lookAt(path);
  assert.match(fresh.obstacle ?? "", /may change unnoticed/);

  utimesSync(path, 2 ** 32, 2 ** 32);
  const future = later();
  future.lookAt(path);
  assert.match(future.obstacle ?? "", /may change unnoticed/);
  // Once it is known that nothing can be told, nothing more is kept.
  future.lookAt(directory.path);
  assert.equal(future.paths.length, 0);
});

test("Observations are none of a file system that is not known to keep change times", {
  skip: process.platform !== "linux",
}, () => {
  const observations = later();
  observations.lookAt("/proc/version");
  assert.match(observations.obstacle ?? "", /may change unnoticed/);
});

test("Observations are none of what cannot be looked at", () => {
  using directory = temporaryDirectory();
  const observations = later();
  observations.lookAt(join(directory.path, "x".repeat(300)));
  assert.match(observations.obstacle ?? "", /cannot be looked at/);
});

test("isAllAsObserved() is false once something cannot be looked at", {
  skip: skip || process.getuid?.() === 0,
}, () => {
  using directory = temporaryDirectory();
  mkdirSync(join(directory.path, "d"));
  writeFileSync(join(directory.path, "d", "f"), "");
  const observations = later();
  observations.lookAt(join(directory.path, "d", "f"));
  chmodSync(join(directory.path, "d"), 0);
  assert.ok(!isAllAsObserved(observations.columns(), host.fileStatus()));
  chmodSync(join(directory.path, "d"), 0o700);
});
