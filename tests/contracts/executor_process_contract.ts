/**
 * The part of the executors' contract on the step's process: user, environment, output, end.
 *
 * @module
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ExecutorSurroundings } from "../support/executor_surroundings.ts";
import type { StepFixture } from "../support/step_fixture.ts";
import type { Check } from "./executor_contract.ts";

/** Declares the tests. */
export function processContract(check: Check, surroundings: ExecutorSurroundings): void {
  const needsIds = surroundings.manyIds ? undefined : "needs subordinate ids";

  check("run() tells how a program ended", async ({ run, lower }) => {
    const codes = [];
    for (
      const command of [
        "exit 1",
        "exit 3",
        ["nope"],
        ["/nope"],
        ["/etc"],
        ["/etc/passwd"],
        "sleep 100 & kill -9 $!; wait $!",
      ]
    ) codes.push((await run(command)).result.exitCode);
    assert.deepEqual(codes, [1, 3, 127, 127, 126, 126, 137]);
    const { upper } = await run(
      "printf '#!/nope' > /bin/script; printf x > /bin/bad; chmod 755 /bin/script /bin/bad",
    );
    const lowers = [upper, lower];
    assert.equal((await run(["script"], { lowers })).result.exitCode, 127);
    assert.equal((await run(["bad"], { lowers })).result.exitCode, 126);
  });

  check("run() makes no layer for a step that fails", async ({ run }) => {
    const { result, upper } = await run("touch /x; exit 1");
    assert.equal(result.layer, undefined);
    assert.equal(existsSync(upper), false);
  });

  check("run() passes output on as it comes", async ({ run, path }) => {
    const shared = path();
    mkdirSync(shared);
    // The step ends only when its first words were seen here.
    const { result, stdout, stderr } = await run(
      "printf begun; while ! test -e /shared/seen; do sleep 0.02; done; echo ' ended'; echo oops >&2",
      {
        mounts: [{ type: "directory", target: "/shared", path: shared, readOnly: true }],
        timeoutMs: 20_000,
        onOutput: (text) => {
          if (text === "begun") writeFileSync(join(shared, "seen"), "");
        },
      },
    );
    assert.equal(result.timedOut, false);
    assert.equal(stdout, "begun ended\n");
    assert.equal(stderr, "oops\n");
  });

  check("run() lets a step open its output by name", async ({ run }) => {
    const { result, stdout, stderr } = await run("echo a > /dev/stdout; echo b > /dev/stderr");
    assert.deepEqual([result.exitCode, stdout, stderr], [0, "a\n", "b\n"]);
  });

  check("run() loses nothing of a large output", async ({ run }) => {
    let length = 0;
    await run("dd if=/dev/zero bs=1024 count=3000 2>/dev/null", {
      onOutput: (text) => {
        length = text.length;
      },
    });
    assert.equal(length, 3000 * 1024);
  });

  check("run() resolves users and groups in the root", async ({ run }) => {
    const whoami = "id -u; id -g; id -G; echo $HOME; echo x > /dev/stdout";
    const seen = [];
    for (const user of ["", "root", "ada", "1000", "ada:video", "7", "7:8", "ada:77"]) {
      const { stdout } = await run(whoami, { user });
      seen.push([user, ...stdout.trim().split("\n")]);
    }
    assert.deepEqual(seen, [
      ["", "0", "0", "0", "/root", "x"],
      ["root", "0", "0", "0 10", "/root", "x"],
      ["ada", "1000", "1000", "1000 10 44", "/home/ada", "x"],
      ["1000", "1000", "1000", "1000 10 44", "/home/ada", "x"],
      ["ada:video", "1000", "44", "44", "/home/ada", "x"],
      ["7", "7", "0", "0", "/", "x"],
      ["7:8", "7", "8", "8", "/", "x"],
      ["ada:77", "1000", "77", "77", "/home/ada", "x"],
    ]);
  }, needsIds);

  check("run() records owners", async ({ run }) => {
    const { entries } = await run("touch /tmp/mine; chown 5:6 /dir/a", {});
    const owners = Object.fromEntries(entries.map(({ path, uid, gid }) => [path, [uid, gid]]));
    assert.deepEqual(owners["dir/a"], [5, 6]);
    const { entries: own } = await run("touch /tmp/mine", { user: "ada" });
    assert.deepEqual(own.map(({ path, uid }) => [path, uid]), [["tmp", 0], ["tmp/mine", 1000]]);
  }, needsIds);

  check("run() suggests the user that was meant", async ({ run }) => {
    await assert.rejects(run("true", { user: "adaa" }), {
      code: "RUN_USER_UNKNOWN",
      message: /did you mean "ada"/,
    });
    await assert.rejects(run("true", { user: "root:whel" }), {
      code: "RUN_USER_UNKNOWN",
      message: /did you mean "wheel"/,
    });
  });

  check("run() starts in the working directory, which must exist", async ({ run }) => {
    assert.equal(
      (await run(["sh", "-c", "pwd"], { workingDirectory: "/dir/inner" })).stdout,
      "/dir/inner\n",
    );
    await assert.rejects(run("pwd", { workingDirectory: "/none" }), { code: "FILE_MISSING" });
    await assert.rejects(run("pwd", { workingDirectory: "/dir/a" }), { code: "FILE_MISSING" });
  });

  check("run() gives exactly the environment asked for, and HOME", async ({ run }) => {
    // By name: one runtime sorts what it is given, so all have to.
    const environment = ["PATH=/bin", "A=1 =2", "odd.name=x", "E=", "HOME=/here"];
    assert.equal(
      (await run(["env"], { environment })).stdout,
      "A=1 =2\nE=\nHOME=/here\nPATH=/bin\nodd.name=x\n",
    );
    const { stdout } = await run(["env"], { environment: ["PATH=/bin"] });
    assert.equal(stdout, "HOME=/root\nPATH=/bin\n");
  });

  check("run() sets loader variables for the step alone", async ({ run }) => {
    const { stdout } = await run("env", {
      environment: ["PATH=/bin", "LD_PRELOAD=/dir/evil.so", "TZ=Asia/Tokyo"],
    });
    assert.match(stdout, /^LD_PRELOAD=\/dir\/evil\.so$/m);
    assert.match(stdout, /^TZ=Asia\/Tokyo$/m);
  });

  check("run() gives the step its own host name", async ({ run }) => {
    const { stdout } = await run("hostname; cat /etc/hostname; cat /etc/hosts", {
      hostname: "box",
    });
    assert.match(stdout, /^box\nbox\n127\.0\.0\.1\s+localhost box\n/);
  });

  check('run() with network "none" has the loopback device only', async ({ run }) => {
    const { stdout } = await run("ls /sys/class/net; cat /sys/class/net/lo/carrier", {
      network: "none",
    });
    assert.equal(stdout, "lo\n1\n");
  });

  check("run() ends a step that takes too long", async ({ run }) => {
    const { result } = await run("trap 'exit 0' TERM; while true; do sleep 0.05; done", {
      timeoutMs: 300,
    });
    assert.equal(result.timedOut, true);
    assert.equal(result.layer, undefined);
  });

  check("run() ends at once when it is aborted, and the session goes on", async ({ run }) => {
    const abort = new AbortController();
    const step = run("echo begun; sleep 100", {
      signal: abort.signal,
      onOutput: () => abort.abort(),
    });
    await assert.rejects(step, { code: "BUILD_CANCELLED" });
    assert.equal((await run("true")).result.exitCode, 0);
  });

  check("run() runs steps side by side", async ({ run, path }) => {
    const shared = path();
    mkdirSync(shared);
    const mounts = [{
      type: "directory",
      target: "/shared",
      path: shared,
      readOnly: false,
    }] as const;
    // Each waits for the other.
    const meet = (own: string, other: string): ReturnType<StepFixture["run"]> =>
      run(`touch /shared/${own}; while ! test -e /shared/${other}; do sleep 0.02; done`, {
        mounts,
        timeoutMs: 20_000,
      });
    const [one, two] = await Promise.all([meet("a", "b"), meet("b", "a")]);
    assert.deepEqual([one.result.timedOut, two.result.timedOut], [false, false]);
    assert.equal(one.result.layer?.entryCount, 0);
  });
}
