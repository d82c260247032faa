/** A shell in a failed step on a real terminal: by each executor, as whoever runs this. */
import assert from "node:assert/strict";
import { basename } from "node:path";
import { after, test } from "node:test";
import type { Executor } from "../../../../core/mod.ts";
import { executorLadder, ociExecutor } from "../../../../plugins/runtime/mod.ts";
import { runObstacle } from "../../../support/busybox_image.ts";
import { failingBuild } from "../../../support/failing_build.ts";
import { pathWithout } from "../../../support/path_without.ts";
import { programPath } from "../../../support/program_path.ts";
import { noTerminal } from "../../../support/pseudo_terminal.ts";

const obstacle = noTerminal ?? await runObstacle();
const CTRL_C = "\u0003";
const WAITING = `sh -c 'trap exit INT; echo be""gun; while :; do sleep 1; done'`;
const CTRL_D = "\u0004";

interface Variant {
  readonly name: string;
  readonly executor: Executor;
  /** A program that is not to be found. */
  readonly without?: string;
}

const variants: Variant[] = executorLadder().map((executor) => ({ name: executor.name, executor }));
if (programPath("crun") !== undefined) {
  variants.push({
    name: "oci (runc)",
    executor: ociExecutor({ runtime: "runc" }),
    without: "crun",
  });
}

for (const { name, executor, without } of variants) {
  const { usable } = await executor.probe();
  const reason = obstacle ?? (usable ? undefined : "it does not work here");
  const suffix = reason === undefined ? "" : ` (${reason})`;
  const options = { skip: reason !== undefined, timeout: 120_000 };
  const path = without === undefined ? undefined : pathWithout(without);
  after(() => path?.[Symbol.dispose]());
  const environment = {
    LAYERWRIGHT_EXECUTOR: executor.name,
    ...path === undefined ? {} : { PATH: path.value },
  };

  test(
    `${name}: a failed step can be looked around in on a terminal${suffix}`,
    options,
    async () => {
      using place = failingBuild(environment);
      const failed = place.call(["build", "--progress=plain"]);
      assert.match(failed.stderr, /^RUN_FAILED.*exit code: 3$/m);
      const { output, exitCode, isRestored } = await place.type(["shell"], [
        { after: "thrown away" },
        // What is typed is on the screen as well: sums tell the answer from the question.
        { after: "/work #", type: "echo $(ls) $(cat left) is-$((40+2))\r" },
        { after: "left sub left is-42", type: "cat /cache/kept; echo $GREETING $ONLY $(id -u)\r" },
        // Told by the program itself: before it is in the foreground, nobody would get the signal.
        { after: "kept\r\nhello here 0", type: `${WAITING}\r` },
        { after: "begun", type: CTRL_C },
        { after: "/work #", type: "echo new > new; stty size\r" },
        // It is told of the new size some time later.
        {
          after: "24 80",
          resize: [101, 33],
          type: "until test \"$(stty size)\" = '33 101'; do :; done; echo re''sized\r",
        },
        { after: "resized", type: "exit 7\r" },
      ]);
      assert.equal(exitCode, 7, output);
      assert.ok(isRestored);
      // What the last one changed was thrown away.
      const again = await place.type(["shell"], [
        { after: "/work #", type: "ls\r" },
        { after: "sub" },
        { after: "/work #", type: CTRL_D },
      ]);
      assert.equal(again.exitCode, 0, again.output);
      assert.doesNotMatch(again.output, /new/);
    },
  );

  test(
    `${name}: the terminal is as it was when the worker dies${suffix}`,
    options,
    async () => {
      using place = failingBuild(environment);
      place.call(["build", "--progress=none"]);
      const { output, exitCode, isRestored } = await place.type(["shell"], [
        { after: "/work #", kill: basename(process.execPath) },
      ]);
      assert.equal(exitCode, 1, output);
      assert.match(output, /RUN_WORKER_FAILED/);
      assert.ok(isRestored);
    },
  );

  test(
    `${name}: build --on-error=shell opens one where a step failed, and fails${suffix}`,
    options,
    async () => {
      using place = failingBuild(environment);
      const { output, exitCode, isRestored } = await place.type(["build", "--on-error=shell"], [
        { after: "as it left its files" },
        { after: "/work #", type: "cat left; exit 9\r" },
      ]);
      assert.equal(exitCode, 1, output);
      assert.ok(isRestored);
      const told = output.indexOf("RUN_FAILED");
      assert.ok(told > output.indexOf("exit 9"), output);
      assert.match(output.slice(told), /exit code: 3/);
    },
  );
}

test(`build --on-error=shell is a plain failure without a terminal (${obstacle ?? "or with"})`, {
  skip: obstacle !== undefined,
}, () => {
  using place = failingBuild();
  const { code, stderr } = place.call(["build", "--on-error=shell", "--progress=none"]);
  assert.equal(code, 1);
  assert.doesNotMatch(stderr, /as it left its files/);
  const wrong = place.call(["build", "--on-error=shel"]);
  assert.match(wrong.stderr, /OPTION_INVALID.*did you mean "shell"/);
});
