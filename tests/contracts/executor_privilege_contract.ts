/**
 * The part of the executors' contract on what a step may do and know: the kernel's files, devices, capabilities and system
 * calls; and on steps that may do everything.
 *
 * @module
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import type { ExecutorSurroundings } from "../support/executor_surroundings.ts";
import type { Check } from "./executor_contract.ts";

const MASKED = [
  ..."asound acpi kcore keys latency_stats timer_list timer_stats sched_debug scsi".split(" ")
    .map((name) => `/proc/${name}`),
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
];
const READ_ONLY = "bus fs irq sys sysrq-trigger".split(" ").map((name) => `/proc/${name}`);

/** Prints `path ro` or `path rw` for what is mounted at each path, the topmost one. */
const FLAGS = (paths: readonly string[]): string =>
  `for p in ${paths.join(" ")}; do
    sed -n "s#^[^ ]* [^ ]* [^ ]* [^ ]* \\($p r[ow]\\).*#\\1#p" /proc/self/mountinfo | sed -n '$p'; done`;

/** Declares the tests. */
export function privilegeContract(check: Check, surroundings: ExecutorSurroundings): void {
  const needsRoot = surroundings.realRoot ? undefined : "needs root";
  const needsIds = surroundings.manyIds ? undefined : "needs subordinate ids";

  check("run() hides what a step must not know of the kernel", async ({ run }) => {
    const there = MASKED.filter((path) => existsSync(path));
    const { stdout } = await run(`
      for p in ${there.join(" ")}; do
        if test -d $p; then ls -A $p | wc -l; else head -c 100 $p | wc -c; fi
        ! touch $p/new 2>/dev/null; done
      ls /proc/kcore /proc/sched_debug 2>/dev/null | wc -l`);
    const counts = stdout.trim().split("\n");
    assert.deepEqual(counts.slice(0, -1), there.map(() => "0"));
  });

  check("run() lets a step read the kernel's settings, not change them", async ({ run }) => {
    const there = READ_ONLY.filter((path) => existsSync(path));
    const { stdout } = await run(`${FLAGS([...there, "/sys"])}; cat /proc/sys/kernel/ostype`);
    assert.deepEqual(
      stdout.trim().split("\n"),
      [...there.map((path) => `${path} ro`), "/sys ro", "Linux"],
    );
  });

  check("run() gives every step the same devices", async ({ run }) => {
    const { stdout } = await run(`
      # Of the runtimes one makes it, where the kernel has no such file either.
      rm -f /dev/core; cd /dev; for f in *; do if test -L $f; then echo "$f -> $(readlink $f)"; else stat -c '%n %F %t,%T' $f; fi; done
      stat -c '%a' shm null`);
    assert.deepEqual(stdout.trim().split("\n"), [
      "fd -> /proc/self/fd",
      "full character special file 1,7",
      "mqueue directory 0,0",
      "null character special file 1,3",
      "ptmx -> pts/ptmx",
      "pts directory 0,0",
      "random character special file 1,8",
      "shm directory 0,0",
      "stderr -> /proc/self/fd/2",
      "stdin -> /proc/self/fd/0",
      "stdout -> /proc/self/fd/1",
      "tty character special file 5,0",
      "urandom character special file 1,9",
      "zero character special file 1,5",
      "1777",
      "666",
    ]);
  });

  check(
    "run() refuses system calls that docker refuses",
    async ({ run }) => {
      const { stdout } = await run(`
        sed -n 's/^Seccomp:\\t//p' /proc/self/status
        busybox linux64 -R true 2>/dev/null || echo refused`);
      assert.equal(stdout, "2\nrefused\n");
    },
    surroundings.filtersCalls ? undefined : "needs a container runtime and a seccomp profile",
  );

  check('run() with security "insecure" keeps nothing from a step', async ({ run }) => {
    const { stdout, entries } = await run(
      `
      sed -n 's/^Cap\\(Prm\\|Eff\\|Bnd\\):\\t//p; s/^Seccomp:\\t//p' /proc/self/status
      mount -t tmpfs t /tmp; touch /tmp/gone; echo x > /made
      ${FLAGS(["/proc/sys", "/proc/bus", "/sys"])}`,
      { security: "insecure" },
    );
    const lines = stdout.trim().split("\n");
    // All that root of the same user namespace has: real root, what this process has.
    const held = /^CapEff:\t(.*)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    if (surroundings.realRoot) assert.deepEqual(lines.slice(0, 3), [held, held, held]);
    assert.match(lines[0] ?? "", /^000001f/);
    assert.deepEqual(lines.slice(3), ["0", "/sys rw"]);
    assert.deepEqual(entries.map(({ path }) => path), ["made"]);
  });

  check('run() with security "insecure" lets a step use devices', async ({ run }) => {
    const { stdout } = await run(
      `
      mknod /zero c 1 5; head -c 1 /zero | wc -c; rm /zero
      ls /dev/fuse /dev/loop-control /dev/loop7 /dev/net/tun; stat -c '%n %t,%T %a' /dev/kmsg`,
      { security: "insecure" },
    );
    assert.deepEqual(stdout.trim().split("\n"), [
      "1",
      ...["/dev/fuse", "/dev/loop-control", "/dev/loop7", "/dev/net/tun"],
      "/dev/kmsg 1,b 600",
    ]);
    // The next step is no less fenced in.
    const next = await run(
      "mknod /zero c 1 5; head -c 1 /zero 2>/dev/null | wc -c; ls /dev/loop* 2>&1",
    );
    assert.match(next.stdout, /^0\n.*No such file/);
    assert.equal(statSync("/dev/null").mode & 0o777, 0o666);
  }, needsRoot);

  check('run() with security "insecure" serves users, or says who can', async ({ run }) => {
    const step = run("sed -n 's/^CapEff:\\t//p' /proc/self/status; id -u", {
      security: "insecure",
      user: "ada",
    });
    if (surroundings.filtersCalls) {
      assert.match((await step).stdout, /^000001f.*\n1000\n$/);
    } else {
      await assert.rejects(step, { code: "RUN_UNSUPPORTED", hint: /crun/ });
    }
  }, needsIds);
}
