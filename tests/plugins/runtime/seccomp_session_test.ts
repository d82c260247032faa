/** The compiled filter, from one session to the next. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Executor } from "../../../core/mod.ts";
import { ociExecutor } from "../../../plugins/runtime/mod.ts";
import { surroundingsOf } from "../../support/executor_surroundings.ts";
import { openStepFixture } from "../../support/step_fixture.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const crun = ociExecutor({ runtime: "crun" });
const { findings } = await crun.probe();
const hasFilter = ["seccomp", "libseccomp"].every((wanted) =>
  findings.some(({ name, found }) => name === wanted && found)
);
const skip = (await surroundingsOf(crun)).skip ??
  (hasFilter ? undefined : "needs libseccomp and a seccomp profile");
const suffix = skip === undefined ? "" : ` (${skip})`;

test(
  `steps in crun have the filter that a session before them kept, unless it is damaged${suffix}`,
  { skip: skip ?? false, timeout: 120_000 },
  async () => {
    using directory = temporaryDirectory();
    const cacheDirectory = join(directory.path, "cache");
    const executor: Executor = {
      ...crun,
      open: (options) => crun.open({ ...options, cacheDirectory }),
    };
    const runStep = async (): Promise<void> => {
      await using fixture = await openStepFixture(executor);
      const { stdout } = await fixture.run(
        "busybox linux64 -R true 2>/dev/null || echo refused; sed -n 's/^Seccomp:\\t//p' /proc/self/status",
      );
      assert.equal(stdout, "refused\n2\n");
    };
    await runStep();
    const [name = "", ...others] = readdirSync(cacheDirectory);
    assert.deepEqual(others, []);
    const path = join(cacheDirectory, name);
    const [bytes, made] = [readFileSync(path), statSync(path, { bigint: true })];
    await runStep();
    const used = statSync(path, { bigint: true });
    assert.deepEqual([used.ino, used.mtimeNs], [made.ino, made.mtimeNs]);
    writeFileSync(path, bytes.subarray(0, 100));
    await runStep();
    assert.deepEqual(readFileSync(path), bytes);
  },
);
