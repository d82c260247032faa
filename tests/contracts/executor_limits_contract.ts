/**
 * The part of the executors' contract on limits: of memory, of setrlimit(2), of control groups.
 *
 * @module
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { LayerwrightError } from "../../core/errors.ts";
import { findCgroupPlace, ownCgroupFiles } from "../../plugins/runtime/cgroup_place.ts";
import { limitStep } from "../../plugins/runtime/cgroups.ts";
import type { ExecutorSurroundings } from "../support/executor_surroundings.ts";
import type { FinishedStep } from "../support/step_fixture.ts";
import type { Check } from "./executor_contract.ts";

const MIB = 1 << 20;
const DONE = { exitCode: 0, timedOut: false, notes: [] };

/** Declares the tests. */
export function limitsContract(check: Check, surroundings: ExecutorSurroundings): void {
  memoryContract(check);
  ulimitContract(check, surroundings);
  resourceContract(check);
}

function memoryContract(check: Check): void {
  check("run() gives /dev/shm the size asked for", async ({ run }) => {
    const size = "df -k /dev/shm | sed -n 's/^[a-z]\\+ *\\([0-9]*\\).*/\\1/p'";
    assert.equal((await run(size)).stdout, "65536\n");
    assert.equal((await run(size, { shmSizeBytes: 3 * MIB })).stdout, "3072\n");
  });

  check("run() fails a step that writes more to memory than there is", async ({ run }) => {
    const mounts = [{ type: "tmpfs", target: "/memory", sizeBytes: MIB }] as const;
    for (const path of ["/memory/x", "/dev/shm/x"]) {
      const { result, stderr, upper } = await run(`dd if=/dev/zero of=${path} bs=2000000 count=1`, {
        mounts,
        shmSizeBytes: MIB,
      });
      assert.notEqual(result.exitCode, 0);
      assert.match(stderr, /No space left on device/);
      assert.equal(existsSync(upper), false);
    }
    assert.equal(
      (await run("head -c 1000000 /dev/zero >/memory/x", { mounts })).result.exitCode,
      0,
    );
  });
}

function ulimitContract(check: Check, surroundings: ExecutorSurroundings): void {
  check("run() sets limits, for users other than root as well", async ({ run }) => {
    const ulimits = [
      { name: "nofile", soft: 100, hard: 200 },
      { name: "core", soft: 0, hard: -1 },
      { name: "fsize", soft: 512 * 1024, hard: 512 * 1024 },
      { name: "nproc", soft: 60, hard: 60 },
    ];
    const script =
      "ulimit -Sn; ulimit -Hn; ulimit -Sc; ulimit -Hc; ulimit -Hf; cat /proc/self/limits";
    for (const user of surroundings.manyIds ? ["", "ada"] : [""]) {
      const { stdout, result } = await run(script, { ulimits, user });
      assert.equal(result.exitCode, 0);
      assert.match(stdout, /^100\n200\n0\nunlimited\n1024\n/);
      assert.match(stdout, /^Max processes +60 +60 /m);
    }
    const failed = await run("head -c 600000 /dev/zero >/tmp/x", { ulimits });
    assert.notEqual(failed.result.exitCode, 0);
  });

  check("run() starts no step within limits too low for that, and goes on", async ({ run }) => {
    const ulimits = [{ name: "nofile", soft: 1, hard: 1 }];
    // Whoever starts the program says it: the runtime as an error, or a tool in the step's output.
    const ending = await run("true", { ulimits }).catch((error: unknown) => error);
    if (ending instanceof LayerwrightError) {
      assert.match(ending.hint ?? "", /^the limits of this step \(nofile=1:1\) may be too low/);
    } else assert.equal((ending as FinishedStep).result.exitCode, 127);
    assert.equal((await run("true")).result.exitCode, 0);
  });

  check("run() refuses limits over those in force, which it names", async ({ run }) => {
    const highest = 2 ** 40;
    await assert.rejects(run("true", { ulimits: [{ name: "nofile", soft: 1, hard: highest }] }), {
      code: "RUN_UNSUPPORTED",
      message: /^Cannot set ulimit "nofile=1:1099511627776": the (hard limit|highest) .* is \d+$/,
    });
    await assert.rejects(run("true", { ulimits: [{ name: "nofile", soft: -1, hard: -1 }] }), {
      code: "RUN_UNSUPPORTED",
    });
  });
}

function resourceContract(check: Check): void {
  const limits = limitStep({ memoryBytes: 64 * MIB, pids: 100 });
  void limits[Symbol.asyncDispose]();
  const noCgroups = limits.entrances.length > 0 && limits.tellOf(DONE).notes.length === 0
    ? undefined
    : "needs control groups for memory and pids, which this user may write";

  check("run() keeps a fork bomb within its limit of processes", async ({ run }) => {
    const { result, stdout, stderr } = await run(
      "cat /proc/self/cgroup; bomb() { bomb | bomb & bomb; }; bomb",
      { resources: { pids: 30 }, timeoutMs: 5000 },
    );
    assert.ok(result.timedOut || result.exitCode !== 0, stderr);
    assert.match(stderr, /can't fork/);
    assert.deepEqual(result.notes, [
      "this step could not start a process: it has a limit of 30 at a time",
    ]);
    assert.equal(hasGroup(stdout), false);
    // As many as are allowed, and the executor's own do not count.
    const script = "for i in 1 2 3 4 5 6 7; do sleep 0.3 & done; wait; echo ended";
    assert.equal((await run(script, { resources: { pids: 8 } })).stdout, "ended\n");
    assert.notEqual((await run(script, { resources: { pids: 7 } })).result.exitCode, 0);
  }, noCgroups);

  check("run() has a step that takes too much memory killed, and says so", async ({ run }) => {
    const resources = { memoryBytes: 32 * MIB };
    const hog = (bytes: number): string => `dd if=/dev/zero of=/dev/null bs=${bytes} count=1`;
    const alone = await run(hog(100_000_000).split(" "), { resources });
    assert.deepEqual([alone.result.exitCode, alone.result.outOfMemory], [137, true]);
    const inside = await run(`${hog(100_000_000)}; exit $?`, { resources });
    assert.deepEqual([inside.result.exitCode, inside.result.outOfMemory], [137, true]);
    const survived = await run(`${hog(100_000_000)} || true`, { resources });
    assert.equal(survived.result.exitCode, 0);
    assert.match(survived.result.notes.join("\n"), /the kernel ended a process of this step/);
    const modest = await run(`cat /proc/self/cgroup; ${hog(20_000_000)}`, { resources });
    assert.deepEqual([modest.result.exitCode, modest.result.notes], [0, []]);
    assert.equal(modest.result.outOfMemory, undefined);
    assert.equal(hasGroup(modest.stdout), false);
  }, noCgroups);

  check("run() shows a step nothing by which it could leave its group", async ({ run }) => {
    const { stdout } = await run(
      "find /sys/fs/cgroup -mindepth 1 2>/dev/null; ! mount -t cgroup -o memory c /tmp 2>/dev/null; " +
        "! mount -t cgroup2 c /tmp 2>/dev/null; ! touch /sys/fs/cgroup/x 2>/dev/null",
    );
    assert.equal(stdout, "");
  });

  check("run() leaves no group of a step that is aborted", async ({ run }) => {
    const abort = new AbortController();
    let output = "";
    const step = run("cat /proc/self/cgroup; echo begun; sleep 100 & sleep 100", {
      resources: { memoryBytes: 32 * MIB, pids: 20 },
      signal: abort.signal,
      onOutput: (text) => {
        output = text;
        if (!output.includes("begun")) return;
        assert.equal(hasGroup(output), true);
        abort.abort();
      },
    });
    await assert.rejects(step, { code: "BUILD_CANCELLED" });
    assert.equal(hasGroup(output), false);
  }, noCgroups);

  check("run() says which limits it cannot set, and runs the step without", async ({ run }) => {
    const { stdout, result } = await run("echo ran", {
      resources: { memoryBytes: MIB * 64, pids: 9 },
    });
    assert.equal(stdout, "ran\n");
    assert.equal(result.notes.length, 2);
    assert.match(
      result.notes[0] ?? "",
      /^no limit of memory \(67108864 bytes\) for this step: .*; memory/,
    );
    assert.match(result.notes[1] ?? "", /^no limit of pids \(9\) for this step: .*systemd-run/);
  }, noCgroups === undefined ? "needs to be without control groups" : undefined);
}

/** Whether there is a control group that a step has printed the name of. */
function hasGroup(output: string): boolean {
  const name = /layerwright\.[^\s/]+/.exec(output)?.[0];
  assert.ok(name !== undefined, output);
  return (["memory", "pids"] as const).some((controller) => {
    const found = findCgroupPlace(controller, ownCgroupFiles());
    return "place" in found && existsSync(join(found.place.directory, name));
  });
}
