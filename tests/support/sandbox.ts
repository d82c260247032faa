/**
 * A root to unpack into, and beside it what must stay as it is.
 *
 * @module
 */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readDirectory } from "./directory_entries.ts";
import { temporaryDirectory } from "./temporary_directory.ts";

/** Makes both; `assertUntouched()` compares all that `stat` tells of the outside. */
export function sandbox(): Disposable & { root: string; outside: string; assertUntouched(): void } {
  const temporary = temporaryDirectory();
  const [root, outside] = [join(temporary.path, "root"), join(temporary.path, "outside")];
  mkdirSync(root);
  mkdirSync(outside, { mode: 0o750 });
  writeFileSync(join(outside, "victim"), "secret", { mode: 0o640 });
  for (const path of [join(outside, "victim"), outside]) utimesSync(path, 5, 5);
  const describe = (): unknown =>
    [outside, join(outside, "victim")].map((path) => {
      const { mode, uid, gid, nlink, ctimeMs, mtimeMs } = statSync(path);
      return { mode, uid, gid, nlink, ctimeMs, mtimeMs, names: readdirSync(outside) };
    });
  const before = describe();
  return {
    root,
    outside,
    assertUntouched: () => {
      assert.deepEqual(describe(), before);
      assert.deepEqual(readdirSync(temporary.path).sort(), ["outside", "root"]);
    },
    [Symbol.dispose]: () => temporary[Symbol.dispose](),
  };
}

/** All paths below a directory, sorted, directories with a slash. */
export function namesIn(root: string): string[] {
  return readDirectory(root).map(({ path, type }) => type === "directory" ? `${path}/` : path);
}
