import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { findCgroupPlace, ownCgroupFiles } from "../../../plugins/runtime/cgroup_place.ts";
import { limitStep } from "../../../plugins/runtime/cgroups.ts";
import { asUser, cannotBecomeUser } from "../../support/as_user.ts";
import { type Child, startChild } from "../../support/child.ts";
import { runtimeCommands } from "../../support/runtimes.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const NOBODY = 65534;
const places = process.platform !== "linux" ? [] : (["memory", "pids"] as const).flatMap((name) => {
  const found = findCgroupPlace(name, ownCgroupFiles());
  return "place" in found ? [found.place] : [];
});
const reason = process.platform !== "linux" || process.getuid?.() !== 0
  ? "needs root on Linux"
  : places.length < 2
  ? "needs control groups"
  : undefined;
const options = { skip: reason !== undefined, timeout: 60_000 };
const suffix = reason === undefined ? "" : ` (${reason})`;
const result = { exitCode: 0, timedOut: false, notes: [] };

/** argv of limit_until_killed.ts. */
function limitingCommand(): readonly string[] {
  const path = fileURLToPath(new URL("../../support/limit_until_killed.ts", import.meta.url));
  return runtimeCommands(path)[0] ?? [];
}

function limiting(...args: readonly string[]): Child {
  return startChild([...limitingCommand(), ...args]);
}

/** The groups that a child of {@link limiting} has. */
async function groupsOf(child: Child): Promise<string[]> {
  await child.printed("]");
  const line = child.output().split("\n").find((one) => one.startsWith("[")) ?? "[]";
  return (JSON.parse(line) as string[]).map((entrance) => dirname(entrance));
}

test("limitStep() makes nothing for a step without limits", async () => {
  for (const resources of [undefined, {}]) {
    await using limits = limitStep(resources);
    assert.deepEqual(limits.entrances, []);
    assert.equal(limits.tellOf(result), result);
  }
});

test(`limitStep() sets limits for the processes that go in${suffix}`, options, async () => {
  const limits = limitStep({ memoryBytes: 64 << 20, pids: 10 });
  assert.deepEqual(limits.tellOf(result), result);
  const groups = limits.entrances.map((entrance) => dirname(entrance));
  const values = groups.flatMap((group) =>
    ["memory.limit_in_bytes", "memory.max", "pids.max"].flatMap((name) =>
      existsSync(`${group}/${name}`) ? [readFileSync(`${group}/${name}`, "utf8").trim()] : []
    )
  );
  assert.deepEqual(values, ["67108864", "10"]);
  // What is left in a group ends with it, as the step's pid namespace may have been shared.
  const left = spawn("sleep", ["60"]);
  for (const entrance of limits.entrances) writeFileSync(entrance, String(left.pid));
  const ended = once(left, "exit");
  await limits[Symbol.asyncDispose]();
  assert.deepEqual(await ended, [null, "SIGKILL"]);
  assert.deepEqual(groups.filter((group) => existsSync(group)), []);
});

test(`limitStep() says which limits the machine does not take${suffix}`, options, async () => {
  // More than the kernel counts.
  await using limits = limitStep({ pids: Number.MAX_SAFE_INTEGER });
  assert.deepEqual(limits.entrances, []);
  const { notes } = limits.tellOf(result);
  assert.match(notes.join("\n"), /^no limit of pids \(9007199254740991\) for this step: .*EINVAL/);
});

test(`limitStep() removes what a killed process left${suffix}`, options, async () => {
  await using killed = limiting("wait");
  await using living = limiting("wait");
  const [left, used] = [await groupsOf(killed), await groupsOf(living)];
  assert.ok(left.length > 0 && used.length > 0);
  await killed.kill();
  assert.ok(left.every((group) => existsSync(group)));
  await using next = limiting();
  const own = await groupsOf(next);
  await next.printed("removed");
  await next.succeeded();
  assert.deepEqual([...left, ...own].filter((group) => existsSync(group)), []);
  assert.ok(used.every((group) => existsSync(group)));
  await living.kill();
  await using last = limiting();
  await last.succeeded();
  assert.deepEqual(used.filter((group) => existsSync(group)), []);
});

const handedOver = reason ?? cannotBecomeUser ??
  (places.every((found) => found.version === 1) ? undefined : "needs control groups of version 1");

test(
  `limitStep() serves users in groups that were handed over to them${
    handedOver === undefined ? "" : ` (${handedOver})`
  }`,
  { skip: handedOver !== undefined, timeout: 60_000 },
  async () => {
    using home = temporaryDirectory();
    const groups = places.map(({ directory }) => `${directory}/handed-over-${process.pid}`);
    try {
      for (const group of groups) {
        mkdirSync(group);
        chownSync(group, NOBODY, NOBODY);
      }
      const enter = 'for group; do test "$group" = -- && break; echo 0 >"$group/cgroup.procs"; ' +
        'shift; done; shift; exec "$@"';
      const command = asUser(limitingCommand(), home.path);
      await using child = startChild(["sh", "-c", enter, "sh", ...groups, "--", ...command]);
      const own = await groupsOf(child);
      await child.succeeded();
      assert.deepEqual(own.map((group) => dirname(group)), groups);
      assert.deepEqual(own.filter((group) => existsSync(group)), []);
    } finally {
      for (const group of groups) rmdirSync(group);
    }
  },
);
