/** Looking around in builds without a terminal: `shell` with commands from a pipe, `logs`, `builds`. */
import assert from "node:assert/strict";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { executorLadder } from "../../../../plugins/runtime/mod.ts";
import { runObstacle } from "../../../support/busybox_image.ts";
import { failingBuild } from "../../../support/failing_build.ts";

const obstacle = await runObstacle();
const skip = obstacle !== undefined;
const suffix = obstacle === undefined ? "" : ` (${obstacle})`;
const timeout = 120_000;

for (const executor of executorLadder()) {
  const { usable } = await executor.probe();
  const why = obstacle ?? (usable ? undefined : "it does not work here");
  const name = `${executor.name}: shell reads commands from a pipe, and gives their exit code`;
  test(
    `${name}${why === undefined ? "" : ` (${why})`}`,
    { skip: why !== undefined, timeout },
    () => {
      using place = failingBuild({ LAYERWRIGHT_EXECUTOR: executor.name });
      assert.equal(place.call(["build", "--progress=none"]).code, 1);
      const script = "echo $(ls) $(cat left) $PWD $(id -u) $ONLY; echo to-err >&2; exit 5\n";
      const outcome = place.call(["shell"], script);
      assert.deepEqual([outcome.code, outcome.stdout], [
        5,
        "left sub left /work 0 here\n",
      ]);
      assert.match(
        outcome.stderr,
        /^Build [0-9a-z]{10}, step 5: .*\nas it left its files; .*thrown away/,
      );
      assert.match(outcome.stderr, /without its secret "token": give it again with --secret\n/);
      assert.match(outcome.stderr, /to-err\n$/);
      assert.equal(place.call(["shell", "--", "sh", "-c", "exit $0", "41"]).code, 41);
      const given = ["--secret", "id=token,env=HOME", "--", "wc", "-c", "/run/secrets/token"];
      const told = place.call(["shell", ...given]);
      assert.equal(Number.parseInt(told.stdout), process.env.HOME?.length, told.stderr);
      assert.doesNotMatch(told.stderr, /without/);
      const input = "x".repeat(300_000);
      assert.equal(place.call(["shell", "--", "cat"], input).stdout, input);
      // Nothing stays but the store.
      assert.deepEqual(readdirSync(join(place.home, "tmp")), []);
    },
  );
}

test(`shell finds the step that is meant, good or failed${suffix}`, { skip, timeout }, () => {
  using place = failingBuild();
  place.call(["build", "--progress=none"]);
  const [build = ""] = place.call(["builds"]).stdout.split("\n")[1]?.split(" ") ?? [];
  const listed = (...names: string[]): string =>
    place.call(["shell", ...names, "--", "sh", "-c", "echo $(ls /work)"]).stdout;
  assert.equal(listed(), "left sub\n");
  assert.equal(listed(build), "left sub\n");
  assert.equal(listed(build.slice(-5), "5"), "left sub\n");
  assert.equal(listed(build, "echo fine"), "good sub\n");
  assert.equal(listed(build, "WORKDIR"), "\n");
  for (
    const [names, message] of [
      [["0000000000"], /BUILD_UNKNOWN: Cannot find build "0000000000"/],
      [[build, "6"], /Cannot find step "6" of build/],
      [[build, "echo"], /2 steps are named so\n {2}1 /],
    ] as const
  ) {
    const { code, stderr } = place.call(["shell", ...names]);
    assert.equal(code, 1, stderr);
    assert.match(stderr, message);
  }
  // It is there before it has other names.
  assert.equal(place.call(["shell", build, "COPY"], "echo $0").stdout, "sh\n");
});

/** Prints all that can be said of the files of an image, but for those that are mounted. */
const LOOK = "cd /; find bin work etc run srv -exec stat -c '%n %F %a %u:%g %s %Y %h %N' {} + " +
  "2>/dev/null | grep -v '^etc/[hr]' | sort; find work -type f -exec sha256sum {} + | sort";

test(`shell sees exactly what the failed step saw last${suffix}`, { skip, timeout }, () => {
  using place = failingBuild();
  place.run(
    "mkdir -p /work/a/b /work/gone/deep; cd /work; echo 1 > a/one; echo 2 > a/b/two; ln a/one a/same; " +
      "echo 3 > gone/deep/three; ln -s a link; mkdir -p /etc /srv",
    "rm -r /work/gone /etc; touch /work/later",
    "cd /work; rm -r a/b; mkdir a/b; echo new > a/b/four; chmod 4755 a/one; rm link; mkdir link; " +
      "mkfifo pipe; mv later moved; mkdir gone; ln a/b/four five; chmod 700 /work; rm -rf /srv; " +
      `mkdir -p /etc/more; touch -d @5 moved; echo begin; ${LOOK}; exit 1`,
  );
  assert.equal(place.call(["build", "--progress=none"]).code, 1);
  const seen = place.call(["logs"]).stdout.split("begin\n")[1] ?? "";
  assert.ok(seen.includes("work/five") && seen.includes("etc/more"), seen);
  assert.equal(place.call(["shell"], LOOK).stdout, seen);
});

test(`shell says when what it needs is gone${suffix}`, { skip, timeout }, () => {
  using place = failingBuild();
  assert.match(
    place.call(["shell"]).stderr,
    /BUILD_UNKNOWN: Cannot open a shell: no build has failed/,
  );
  place.call(["build", "--progress=none"]);
  const [build = ""] = readdirSync(join(place.home, "builds"));
  rmSync(join(place.home, "builds", build, "failed"), { recursive: true });
  const before = place.call(["shell", "--", "ls", "/work"]);
  assert.match(before.stderr, /before it: what it left is not kept/);
  assert.equal(before.stdout, "good\nsub\n");
  rmSync(join(place.home, "blobs", "sha256"), { recursive: true });
  assert.match(
    place.call(["shell"]).stderr,
    /BUILD_UNKNOWN: .* is no longer in the store\n {2}fix: build again/,
  );
});

test(`logs prints all of it, builds lists what there is${suffix}`, { skip, timeout }, () => {
  using place = failingBuild();
  assert.equal(place.call(["builds"]).stdout, "BUILD   STARTED   IMAGE   OUTCOME   RECIPE\n");
  assert.match(
    place.call(["logs"]).stderr,
    /BUILD_UNKNOWN: Cannot show a build: none is remembered/,
  );
  place.call(["build", "--progress=none"]);
  const numbers = Array.from({ length: 300 }, (_, index) => `${index + 1}\n`).join("");
  // Output and errors come by two ways: which of two lines that are written at once is first is not known.
  const lines = place.call(["logs"]).stdout;
  assert.equal(lines.replace("oops\n", ""), numbers);
  assert.equal(lines.length, numbers.length + "oops\n".length);
  const { builds: [build] } = JSON.parse(place.call(["builds", "--json"]).stdout);
  assert.deepEqual([build.image, build.outcome, build.failure.step], ["app", "failed", 5]);
  assert.equal(build.lastGoodImage, `lw-failed:${build.id}`);
  assert.equal(build.steps.length, 5);
  assert.equal(build.steps[4].state, undefined);
  assert.match(place.call(["builds"]).stdout, new RegExp(`^${build.id} .* failed at step 5 `, "m"));
  assert.equal(place.call(["logs", build.id, "4"]).stdout, "");
  assert.match(
    place.call(["logs", build.id, "COPY"]).stderr,
    /step 1 of build .*: it started no program/,
  );
  place.call(["build", "--progress=none"]);
  const { builds: [second] } = JSON.parse(place.call(["builds", "--json"]).stdout);
  assert.match(place.call(["logs", second.id, "4"]).stderr, /an earlier result of it was used/);
});
