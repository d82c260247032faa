/**
 * The part of the executors' contract on the step's root: mounts, devices, and what keeps the step inside.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { ExecutorSurroundings } from "../support/executor_surroundings.ts";
import { summaryOf } from "../support/step_fixture.ts";
import type { Check } from "./executor_contract.ts";

/** Declares the tests. */
export function rootContract(check: Check, surroundings: ExecutorSurroundings): void {
  const needsRoot = surroundings.realRoot ? undefined : "needs root";

  check(
    "run() mounts what it is asked to, and none of it is in the layer",
    async ({ run, path, lower }) => {
      const cache = path();
      mkdirSync(cache);
      writeFileSync(join(cache, "kept"), "kept\n");
      const { stdout, result } = await run(
        `
      cat /view/c /one /cache/kept /run/secrets/token; stat -c %a:%u /run/secrets/token
      touch /view/thrown /cache/made /memory/gone /cache/nested/in
      ! touch /ro/x 2>/dev/null; ! touch /one 2>/dev/null; ! touch /run/secrets/token 2>/dev/null
      df -k /memory | sed -n 's/^tmpfs *\\([0-9]*\\).*/\\1/p'`,
        {
          mounts: [
            {
              type: "layers",
              target: "/view",
              lowers: [lower],
              source: "/dir/inner",
              readWrite: true,
            },
            { type: "layers", target: "/one", lowers: [lower], source: "dir/a", readWrite: false },
            { type: "directory", target: "/ro", path: cache, readOnly: true },
            { type: "tmpfs", target: "/cache/nested", sizeBytes: 65536 },
            { type: "directory", target: "/cache", path: cache, readOnly: false },
            { type: "tmpfs", target: "/memory", sizeBytes: 1 << 20 },
            {
              type: "secret",
              target: "/run/secrets/token",
              base64: btoa("hush\n"),
              mode: 0o440,
              uid: 0,
              gid: 0,
            },
          ],
        },
      );
      assert.equal(stdout, "c\na\nkept\nhush\n440:0\n1024\n");
      assert.equal(result.layer?.entryCount, 0);
      assert.deepEqual(readdirSync(cache).sort(), ["kept", "made", "nested"]);
      assert.equal(existsSync(join(lower, "dir/inner/thrown")), false);
    },
  );

  check("run() leaves no trace of a target that the layers hide", async ({ run, lower }) => {
    const { upper } = await run(
      "rm /dir/a; rm -r /dir/inner; mkdir /dir/inner; ln -s ../gone/far /dir/dangling",
    );
    const lowers = [upper, lower];
    const mounts = ["/dir/a", "/dir/inner/deep/er", "/dir/dangling"].map((target) =>
      ({ type: "tmpfs", target }) as const
    );
    const { result, entries } = await run("touch /dir/a/x /dir/inner/deep/er/y /gone/far/z", {
      lowers,
      mounts,
    });
    assert.deepEqual(summaryOf(entries), []);
    assert.equal(result.layer?.entryCount, 0);
    const after = await run("ls /dir /dir/inner", { lowers });
    assert.equal(after.stdout, "/dir:\nb\ndangling\ninner\n\n/dir/inner:\n");
  });

  check("run() keeps what a step makes beside a mount's target", async ({ run }) => {
    const mounts = [{ type: "tmpfs", target: "/opt/tool/cache" }] as const;
    const { entries } = await run("echo x > /opt/tool/made", { mounts });
    assert.deepEqual(summaryOf(entries), [
      "directory 755 opt",
      "directory 755 opt/tool",
      "file 644 opt/tool/made",
    ]);
  });

  check("run() refuses mounts and settings it cannot do", async ({ run, lower }) => {
    const unsupported = { code: "RUN_UNSUPPORTED" };
    await assert.rejects(
      run("true", { mounts: [{ type: "tmpfs", target: "/dir/.." }] }),
      unsupported,
    );
    await assert.rejects(
      run("true", { mounts: [{ type: "tmpfs", target: "/dir/a" }] }),
      unsupported,
    );
    const missing = {
      type: "layers",
      target: "/x",
      lowers: [lower],
      source: "/none",
      readWrite: false,
    } as const;
    await assert.rejects(run("true", { mounts: [missing] }), { code: "FILE_MISSING" });
  });

  check(
    "run() follows links of the image inside the image only",
    async ({ run, lower, directory }) => {
      writeFileSync(join(directory, "outside"), "outside\n");
      const { upper } = await run(
        `ln -s ${directory}/outside /escape; ln -s /../../../../${directory}/dir /up`,
      );
      const lowers = [upper, lower];
      const mounts = [{ type: "tmpfs", target: "/up" }, {
        type: "tmpfs",
        target: "/escape",
      }] as const;
      const { result } = await run("touch /up/x /escape/y", { lowers, mounts });
      assert.equal(result.exitCode, 0);
      assert.equal(readFileSync(join(directory, "outside"), "utf8"), "outside\n");
      assert.equal(existsSync(join(directory, "dir")), false);
    },
  );

  check(
    "run() gives docker's capabilities and hides the host's kernel settings",
    async ({ run }) => {
      const { stdout } = await run(`
      sed -n 's/^Cap\\(Prm\\|Bnd\\|Amb\\):\\t//p; s/^NoNewPrivs:\\t/nnp /p' /proc/self/status
      ! echo x 2>/dev/null > /proc/sys/kernel/core_pattern; ! mount -t tmpfs t /tmp 2>/dev/null
      wc -c < /proc/keys; ls /proc/1/root 2>&1 | head -1; ls /proc | sed -n '/^[0-9]/p' | wc -l`);
      const lines = stdout.trim().split("\n");
      assert.deepEqual(lines.slice(0, 5), [
        "00000000a80425fb",
        "00000000a80425fb",
        "0000000000000000",
        "nnp 0",
        "0",
      ]);
      assert.ok(surroundings.sharesProcesses || Number(lines.at(-1)) < 10, stdout);
    },
  );

  check("run() opens no device that the step or the image made", async ({ run }) => {
    const { stdout } = await run(`
      mknod /tmp/zero c 1 5; mknod /dev/zero2 c 1 5
      for f in /tmp/zero /dev/zero2; do head -c 1 $f 2>/dev/null | wc -c; done
      chmod 600 /dev/null /proc/self/fd/0; head -c 1 /dev/zero | wc -c`);
    assert.equal(stdout, "0\n0\n1\n");
    assert.equal(lstatSync("/dev/null").mode & 0o777, 0o666);
    const { entries } = await run("mknod /disk b 7 9");
    assert.deepEqual(entries.map(({ path, devMajor, devMinor }) => [path, devMajor, devMinor]), [[
      "disk",
      7,
      9,
    ]]);
  }, needsRoot);

  check(
    "run() works above many layers, the same one twice among them",
    async ({ directory, run, lower }) => {
      const lowers = Array.from({ length: 200 }, (_, index) => {
        const layer = join(directory, `${index}-${"x".repeat(150)}:,`);
        mkdirSync(layer);
        writeFileSync(join(layer, `from-${index}`), "");
        return layer;
      });
      const { stdout } = await run("ls / | sed -n '/^from/p' | wc -l", {
        lowers: [...lowers, lower, lowers[7] ?? ""],
      });
      assert.equal(stdout, "200\n");
    },
  );

  check("run() refuses more layers than can be stacked", async ({ run }) => {
    const lowers = Array.from({ length: 500 }, (_, index) => `/none/${index}`);
    await assert.rejects(run("true", { lowers }), { code: "RUN_UNSUPPORTED" });
  });
}
