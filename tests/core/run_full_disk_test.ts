/** RUN steps on a disk that is too small for them, made of tmpfs in a mount namespace of the child's own. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { host } from "../../core/host/mod.ts";
import { executorLadder } from "../../plugins/runtime/mod.ts";
import { surroundingsOf } from "../support/executor_surroundings.ts";
import { fillingImages } from "../support/filling_images.ts";
import { runEngine } from "../support/killable_step.ts";
import { temporaryDirectory } from "../support/temporary_directory.ts";

const CHILD = fileURLToPath(new URL("../support/run_on_full_disk.ts", import.meta.url));
const cannotMount = spawnSync("unshare", ["-m", "true"]).status !== 0 ? "needs root" : undefined;
/** Room for the base image, twice for its files, and for one of the two large steps or its layer, not for both. */
const SIZE = "30m";

for (const executor of executorLadder()) {
  const skip = cannotMount ?? (await surroundingsOf(executor)).skip;
  const name =
    `${executor.name}: a disk that fills up in a step, or when its layer is written, is named, leaves ` +
    "nothing half-done, and with more room the builds are right";
  test(
    skip === undefined ? name : `${name} (${skip})`,
    { skip: skip ?? false, timeout: 120_000 },
    async () => {
      using temporary = temporaryDirectory();
      const small = join(temporary.path, "small");
      mkdirSync(small);
      const script = `mount -t tmpfs -o size=${SIZE} tmpfs "$0" && exec "$@"`;
      const command = [...host.selfCommand(CHILD), small, executor.name];
      const { stdout, stderr, status } = spawnSync(
        "unshare",
        ["--mount", "--propagation", "private", "sh", "-c", script, small, ...command],
        { encoding: "utf8" },
      );
      assert.equal(status, 0, stdout + stderr);
      const [inStep = "", , inCommit = "", , fits, , ...imageIds] = stdout.trim().split("\n");
      assert.match(inStep, /^"RUN_FAILED: process .* exit code: 1/);
      assert.match(
        inCommit,
        /^"STORE_FULL: Cannot finish the step: no space left .*fix: free disk/,
      );
      assert.equal(fits, "built");
      assert.deepEqual(stdout.match(/^left: .*$/gm), ["left: 0", "left: 0", "left: 0"]);
      const engine = runEngine(join(temporary.path, "large"), executor.name);
      const expected: string[] = [];
      for (const image of fillingImages()) {
        expected.push((await engine.build(image, { progress: "none" })).imageId);
      }
      assert.deepEqual(imageIds, expected);
    },
  );
}
