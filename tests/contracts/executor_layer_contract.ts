/**
 * The part of the executors' contract on layers: what a step changed, and the directory of its changes.
 *
 * @module
 */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemCalls } from "../../plugins/runtime/system_calls.ts";
import { writeTar } from "../../core/layer/tar_writer.ts";
import { writeLayer } from "../../core/layer/write_layer.ts";
import { summaryOf } from "../support/step_fixture.ts";
import type { Check } from "./executor_contract.ts";

/** All that a step can see of its files but times, by path. */
const LISTING = "find / -xdev -path /proc -prune -o -path /sys -prune -o -path /dev -prune -o " +
  "-exec stat -c '%n|%F|%a|%u|%g|%s|%N' {} + | sort; " +
  "find / -xdev -type f -exec sha256sum {} + | sort";

/** Times of all files, by path; those of mounts aside. */
const TIMES = "find / -xdev -path /proc -prune -o -path /sys -prune -o -path /dev -prune -o " +
  "-path '/etc/*' -prune -o -exec stat -c '%n %Y' {} + | sort";

/** Declares the tests. */
export function layerContract(check: Check): void {
  check("run() gives an empty layer for a step that changes nothing", async ({ run }) => {
    const { result, entries } = await run("cat /etc/hosts /etc/resolv.conf; ls -R /dir /dev");
    assert.equal(result.exitCode, 0);
    assert.equal(result.layer?.entryCount, 0);
    assert.deepEqual(entries, []);
    assert.deepEqual(result.notes, []);
  });

  check("run() writes what was made, changed and removed, with its parents", async ({ run }) => {
    const { entries } = await run(`
      echo new > /dir/inner/new; chmod 4750 /dir/inner/new; echo more >> /dir/a; rm /dir/b
      ln -s ../nowhere /dir/link; mkfifo /dir/pipe; mkdir -m 1770 /made; touch /tmp/x`);
    assert.deepEqual(summaryOf(entries), [
      "directory 755 dir",
      "file 0 dir/.wh.b",
      "file 644 dir/a",
      "directory 755 dir/inner",
      "file 4750 dir/inner/new",
      "symlink dir/link -> ../nowhere",
      "fifo 644 dir/pipe",
      "directory 1770 made",
      "directory 1777 tmp",
      "file 644 tmp/x",
    ]);
    assert.deepEqual(new Set(entries.map(({ mtimeSeconds }) => mtimeSeconds)), new Set([0]));
  });

  check("run() removes a directory by one whiteout", async ({ run }) => {
    const { entries } = await run("rm -r /dir");
    assert.deepEqual(summaryOf(entries), ["file 0 .wh.dir"]);
  });

  check("run() names what is gone from a directory made anew", async ({ run }) => {
    const { entries } = await run(
      "rm -r /dir; mkdir /dir; echo other > /dir/b; mkdir /dir/inner; chmod 700 /dir",
    );
    assert.deepEqual(summaryOf(entries), [
      "directory 700 dir",
      "file 0 dir/.wh.a",
      "file 644 dir/b",
      "directory 755 dir/inner",
      "file 0 dir/inner/.wh.c",
    ]);
  });

  check("run() gives a replaced file the type it has now", async ({ run }) => {
    const { entries } = await run("rm /dir/a; mkdir /dir/a; rm -r /dir/inner; ln -s a /dir/inner");
    assert.deepEqual(summaryOf(entries), [
      "directory 755 dir",
      "directory 755 dir/a",
      "symlink dir/inner -> a",
    ]);
  });

  check("run() leaves out what a step put back", async ({ run }) => {
    const { entries } = await run(`
      chmod 600 /dir/a; chmod 644 /dir/a; mv /dir/inner/c /dir/inner/d; mv /dir/inner/d /dir/inner/c
      touch /dir/new; rm /dir/new; cp /dir/b /tmp/b; rm /dir/b; cp /tmp/b /dir/b; rm /tmp/b; touch /root`);
    assert.deepEqual(summaryOf(entries), []);
  });

  check("run() keeps a change that only content shows", async ({ run }) => {
    const { entries } = await run("echo A > /dir/a");
    assert.deepEqual(summaryOf(entries), ["directory 755 dir", "file 644 dir/a"]);
  });

  check("run() keeps hard links, with the file that a new name is of", async ({ run }) => {
    const { entries } = await run("ln /dir/b /linked; echo x > /one; ln /one /two");
    assert.deepEqual(summaryOf(entries), [
      "directory 755 dir",
      "file 644 dir/b",
      "hardlink linked -> dir/b",
      "file 644 one",
      "hardlink two -> one",
    ]);
  });

  check("run() renames a directory of the layers below", async ({ run }) => {
    const { entries } = await run("mv /dir /moved");
    assert.deepEqual(summaryOf(entries), [
      "file 0 .wh.dir",
      "directory 755 moved",
      "file 644 moved/a",
      "file 644 moved/b",
      "directory 755 moved/inner",
      "file 644 moved/inner/c",
    ]);
  });

  check("run() keeps the xattrs of a file it changes", async ({ run, lower }) => {
    const { upper } = await run("echo x > /dir/a");
    systemCalls().setXattr(join(upper, "dir/a"), "user.note", Uint8Array.of(1, 0, 2));
    const { entries } = await run("chmod 600 /dir/a", { lowers: [upper, lower] });
    const changed = entries.find(({ path }) => path === "dir/a");
    assert.deepEqual({ ...changed?.xattrs }, { "user.note": Uint8Array.of(1, 0, 2) });
  });

  check("run() refuses a name that means a removed file", async ({ run }) => {
    await assert.rejects(run("touch /dir/.wh.a"), { code: "LAYER_NAME_RESERVED" });
  });

  check("run() refuses names that are not UTF-8", async ({ run, workDirectory }) => {
    const invalid = { code: "LAYER_INVALID" };
    await assert.rejects(run("touch \"$(printf '/dir/\\377')\""), invalid);
    await assert.rejects(run("ln -s \"$(printf '\\377')\" /dir/link"), invalid);
    assert.deepEqual(readdirSync(workDirectory).filter((name) => name.startsWith("step")), []);
  });

  check(
    "run() leaves a directory that is the layer, unpacked",
    async ({ run, session, lower, directory }) => {
      const first = await run(
        `
      rm -r /dir/inner; mkdir /dir/inner; echo 1 > /dir/inner/n; rm /dir/a; echo 2 >> /dir/b
      ln /dir/b /dir/b2; touch -d @5 /old; chmod 711 /root; mkdir -p /x/y/z`,
        { epochSeconds: 9 },
      );
      const unpacked = join(directory, "unpacked");
      mkdirSync(unpacked);
      const tarPath = join(directory, "first.tar");
      const rewritten = writeLayer(first.entries, tarPath, { epochSeconds: 9 });
      assert.equal(rewritten.diffId, first.result.layer?.diffId);
      await session.unpack({ tarPath, lowers: [lower], directory: unpacked });
      const seen = [];
      for (const top of [first.upper, unpacked]) {
        const { stdout, result } = await run(`${LISTING}; ${TIMES}`, { lowers: [top, lower] });
        assert.equal(result.layer?.entryCount, 0);
        seen.push(stdout);
      }
      assert.equal(seen[0], seen[1]);
      assert.match(seen[0] ?? "", /^\/old 5$/m);
      assert.match(seen[0] ?? "", /^\/x\/y\/z 9$/m);
    },
  );

  check(
    "unpack() takes parents and link targets from the layers below",
    async ({ session, run, lower, path: newPath }) => {
      const { upper } = await run("chmod 700 /dir/inner; ln -s dir/inner /short");
      const lowers = [upper, lower];
      const entry = { mode: 0o600, uid: 0, gid: 0, sizeBytes: 0, mtimeSeconds: 0 } as const;
      const tarPath = newPath();
      const pieces: Uint8Array[] = [];
      // Not what we would write: parents left out, one of them a link below, a hard link across layers.
      writeTar([
        { ...entry, type: "file", path: "short/through" },
        { ...entry, type: "hardlink", path: "linked", linkTarget: "dir/a" },
        { ...entry, type: "file", path: "dir/inner/.wh.c", mode: 0 },
        { ...entry, type: "file", path: "fresh/.wh..wh..opq", mode: 0 },
      ], (piece) => pieces.push(piece.slice()));
      writeFileSync(tarPath, Buffer.concat(pieces));
      const unpacked = newPath();
      mkdirSync(unpacked);
      await session.unpack({ tarPath, lowers, directory: unpacked });
      const { stdout } = await run(
        "ls /dir/inner; stat -c %a /dir/inner; readlink /short; ls -d /fresh; cat /linked; stat -c %h /dir/a",
        { lowers: [unpacked, ...lowers] },
      );
      assert.equal(stdout, "through\n700\ndir/inner\n/fresh\na\n2\n");
    },
  );
}
