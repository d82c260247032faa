/**
 * The part of the executors' contract on what surrounds a step: hosts, network, and steps that misbehave.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { summaryOf } from "../support/step_fixture.ts";
import type { Check } from "./executor_contract.ts";

/** Declares the tests. */
export function surroundingsContract(check: Check): void {
  networkContract(check);
  misbehaviourContract(check);
}

function networkContract(check: Check): void {
  check("run() adds hosts after its own lines, in their order", async ({ run }) => {
    const hosts = [
      { name: "db.test", address: "10.1.2.3" },
      { name: "db.test", address: "fe80::1" },
      { name: "other", address: "127.0.0.2" },
    ];
    const { stdout, result } = await run("cat /etc/hosts", { hosts });
    assert.equal(
      stdout,
      "127.0.0.1\tlocalhost buildkitsandbox\n::1\tlocalhost ip6-localhost ip6-loopback\n" +
        "10.1.2.3\tdb.test\nfe80::1\tdb.test\n127.0.0.2\tother\n",
    );
    assert.equal(result.layer?.entryCount, 0);
  });

  check("run() has the host's resolv.conf, and an empty one without network", async ({ run }) => {
    const own = existsSync("/etc/resolv.conf") ? readFileSync("/etc/resolv.conf", "utf8") : "";
    for (const network of ["default", "host"] as const) {
      assert.equal((await run("cat /etc/resolv.conf", { network })).stdout, own);
    }
    const none = await run("stat -c '%s %F' /etc/resolv.conf", { network: "none" });
    assert.equal(none.stdout, "0 regular empty file\n");
  });

  check('run() with network "none" lets programs of the step meet', async ({ run }) => {
    const { stdout } = await run(
      `
      busybox nc -l -p 80 -e echo hello & 
      until busybox nc -w 5 127.0.0.1 80 2>/dev/null; do sleep 0.02; done; wait`,
      { network: "none", timeoutMs: 20_000 },
    );
    assert.equal(stdout, "hello\n");
  });

  check("run() leaves out files of its own that the image has no place for", async (fixture) => {
    const { run, lower, path, directory } = fixture;
    const copy = (): string => {
      const root = path();
      cpSync(lower, root, { recursive: true, verbatimSymlinks: true });
      return root;
    };
    const read =
      "for f in hosts hostname resolv.conf; do echo $f; head -c 9 /etc/$f; done 2>/dev/null || true";
    // A directory stays what it is, and all others are there.
    const taken = copy();
    mkdirSync(join(taken, "etc/hosts/in"), { recursive: true });
    const besides = await run(`ls /etc/hosts; ${read}`, { lowers: [taken] });
    assert.match(besides.stdout, /^in\nhosts\nhostname\nbuildkitsresolv\.conf/);
    assert.deepEqual(besides.entries, []);
    // A link out of the root is one inside of it, and what it points to is no part of the layer.
    const linked = copy();
    const far = join(directory, "far-away");
    renameSync(join(linked, "etc"), join(linked, "real"));
    symlinkSync(`/../../..${far}`, join(linked, "etc"));
    const through = await run(read, { lowers: [linked] });
    assert.match(through.stdout, /^hosts\n127\.0\.0\.1hostname\nbuildkitsresolv\.conf\n/);
    assert.deepEqual([through.result.exitCode, through.entries], [0, []]);
    assert.equal(existsSync(far), false);
    // Nothing can be below a file.
    const blocked = copy();
    rmSync(join(blocked, "etc"), { recursive: true });
    writeFileSync(join(blocked, "etc"), "file\n");
    const beside = await run("cat /etc; echo >>/etc", { lowers: [blocked] });
    assert.deepEqual([beside.stdout, summaryOf(beside.entries)], ["file\n", ["file 644 etc"]]);
    await assert.rejects(
      run("true", { lowers: [blocked], mounts: [{ type: "tmpfs", target: "/etc/a/b" }] }),
      { code: "RUN_UNSUPPORTED", message: /"\/etc\/a\/b": the image has a file on the way/ },
    );
    const dangling = copy();
    symlinkSync("/run/gone/resolv.conf", join(dangling, "etc/resolv.conf"));
    const resolved = await run("cat /etc/resolv.conf; readlink /etc/resolv.conf", {
      lowers: [dangling],
    });
    assert.match(resolved.stdout, /\/run\/gone\/resolv\.conf\n$/);
    assert.deepEqual([resolved.result.exitCode, resolved.entries], [0, []]);
  });

  check("run() finds its working directory through links of the image", async ({ run, lower }) => {
    const { upper } = await run("ln -s /../dir /link; ln -s ../link/inner /dir/again");
    const { stdout, result } = await run("pwd -P; touch here", {
      lowers: [upper, lower],
      workingDirectory: "/dir/again",
    });
    assert.deepEqual([stdout, result.exitCode], ["/dir/inner\n", 0]);
  });
}

function misbehaviourContract(check: Check): void {
  check("run() ends daemons with the step, and has what they wrote", async ({ run, path }) => {
    const shared = path();
    writeFileSync(shared, "");
    const begun = Date.now();
    const { result, entries } = await run(
      `(trap '' HUP TERM INT; echo early >/early; echo x >>/shared; sleep 30; echo late >/late) >/dev/null 2>&1 &
      sleep 30 &
      until test -s /shared; do sleep 0.01; done`,
      { mounts: [{ type: "directory", target: "/shared", path: shared, readOnly: false }] },
    );
    assert.equal(result.exitCode, 0);
    assert.ok(Date.now() - begun < 25_000);
    assert.deepEqual(summaryOf(entries), ["file 644 early"]);
  });

  check("run() survives a step that removes all there is", async (fixture) => {
    const { run, path, lower } = fixture;
    const kept = path();
    writeFileSync(kept, "kept\n");
    const { result, entries, upper } = await run(
      ["/bin/busybox", "sh", "-c", "busybox rm -rf / 2>/dev/null; exit 0"],
      { mounts: [{ type: "directory", target: "/dir/kept", path: kept, readOnly: true }] },
    );
    assert.equal(result.exitCode, 0);
    assert.equal(readFileSync(kept, "utf8"), "kept\n");
    assert.deepEqual(readdirSync(lower).sort(), ["bin", "dir", "etc", "root", "tmp"]);
    assert.equal(existsSync(join(lower, "bin/busybox")), true);
    const removed = entries.map((entry) => entry.path);
    for (const name of [".wh.bin", ".wh.root", ".wh.tmp"]) assert.ok(removed.includes(name), name);
    // A lawful layer: another step runs on it, as far as there is anything to run.
    const after = await run(["/bin/sh"], { lowers: [upper, lower] });
    assert.equal(after.result.exitCode, 127);
    assert.equal(existsSync("/bin/sh") && existsSync("/etc"), true);
  });

  check("run() tells which signal ended a step", async ({ run }) => {
    const codes = [];
    for (const signal of ["TERM", "SEGV", "ABRT"]) {
      // Not the first process, which gets no signal that it has no handler for from inside of its pid namespace.
      codes.push((await run(`sh -c 'kill -${signal} $$'; exit $?`)).result.exitCode);
    }
    assert.deepEqual(codes, [143, 139, 134]);
  });

  check("run() says what it printed before the kernel killed it", async ({ run }) => {
    const { stdout, result, entries } = await run("echo before; sh -c 'kill -9 $$'; exit $?");
    assert.deepEqual([stdout, result.exitCode, entries], ["before\n", 137, []]);
  });
}
