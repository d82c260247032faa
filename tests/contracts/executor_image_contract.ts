/**
 * The part of the executors' contract on images that are odd, broken or made to do harm.
 *
 * @module
 */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemCalls } from "../../plugins/runtime/system_calls.ts";
import type { FileEntry } from "../../core/layer/file_entry.ts";
import { writeTar } from "../../core/layer/tar_writer.ts";
import { whiteoutEntry } from "../../core/layer/whiteout.ts";
import { elfFixture } from "../support/elf_fixture.ts";
import type { ExecutorSurroundings } from "../support/executor_surroundings.ts";
import { directory, file, other, symlink } from "../support/layer_entries.ts";
import type { StepFixture } from "../support/step_fixture.ts";
import type { Check } from "./executor_contract.ts";

const PASSWD = "eve:x:77:78::/home/eve:/bin/sh\n";
const FOREIGN_MACHINES: Readonly<Record<string, number>> = { x64: 183, arm64: 62 };

/** Unpacks a layer that somebody else made onto the fixture's root. @returns the directories of both. */
async function onTop(
  { session, path, lower }: StepFixture,
  entries: readonly FileEntry[],
  lowers: readonly string[] = [lower],
): Promise<string[]> {
  const [tarPath, unpacked] = [path(), path()];
  const pieces: Uint8Array[] = [];
  writeTar(entries, (piece) => pieces.push(piece.slice()));
  writeFileSync(tarPath, Buffer.concat(pieces));
  mkdirSync(unpacked);
  await session.unpack({ tarPath, lowers, directory: unpacked });
  return [unpacked, ...lowers];
}

/** Declares the tests. */
export function imageContract(check: Check, surroundings: ExecutorSurroundings): void {
  const needsIds = surroundings.manyIds ? undefined : "needs subordinate ids";
  const needsRoot = surroundings.realRoot ? undefined : "needs root";

  check("run() reads users and groups through the image's own absolute links", async (fixture) => {
    const lowers = await onTop(fixture, [
      symlink("etc/group", "/usr/share/../share/group"),
      symlink("etc/passwd", "/../../usr/share/passwd"),
      directory("usr"),
      directory("usr/share"),
      file("usr/share/group", "eve:x:78:\nstaff:x:79:eve\n"),
      file("usr/share/passwd", PASSWD),
    ]);
    const { stdout, entries } = await fixture.run("id -u; id -g; id -G", { lowers, user: "eve" });
    assert.equal(stdout, "77\n78\n78 79\n");
    assert.deepEqual(entries, []);
  }, needsIds);

  check(
    "run() reads no users of this machine, whatever the links of the image",
    async (fixture) => {
      writeFileSync(join(fixture.directory, "passwd"), PASSWD);
      const lowers = await onTop(fixture, [symlink("etc/passwd", `${fixture.directory}/passwd`)]);
      await assert.rejects(fixture.run("true", { lowers, user: "eve" }), {
        code: "RUN_USER_UNKNOWN",
      });
    },
  );

  check(
    "run() follows links to resolv.conf, hosts and the working directory inside the image",
    async (fixture) => {
      const lowers = await onTop(fixture, [
        symlink("etc/hosts", "/gone/far/hosts"),
        symlink("etc/resolv.conf", "/../../run/systemd/resolve/stub-resolv.conf"),
        directory("real"),
        symlink("work", "/real"),
      ]);
      const { stdout, entries, result } = await fixture.run(
        "pwd -P; grep -c localhost /etc/hosts; ls -l /etc/resolv.conf | sed 's/.*-> //'; touch here",
        { lowers, workingDirectory: "/work" },
      );
      assert.equal(stdout, "/real\n2\n/../../run/systemd/resolve/stub-resolv.conf\n");
      assert.deepEqual(entries.map(({ path }) => path), ["real", "real/here"]);
      assert.deepEqual(result.notes, []);
    },
  );

  check(
    "unpack() takes no hard link through a link of the image to this machine",
    async (fixture) => {
      const outside = fixture.path();
      mkdirSync(outside);
      writeFileSync(join(outside, "key"), "outside\n");
      const link = symlink("a", outside);
      const below = await onTop(fixture, [link]);
      const hardLink = other("x", "hardlink", { linkTarget: "a/key" });
      await assert.rejects(onTop(fixture, [link, hardLink], below), { code: "LAYER_INVALID" });
      await assert.rejects(onTop(fixture, [hardLink], below), { code: "LAYER_INVALID" });
    },
  );

  check("unpack() takes a hard link through a link inside the image", async (fixture) => {
    const link = symlink("short", "/dir/inner");
    const below = await onTop(fixture, [link]);
    const hardLink = other("x", "hardlink", { linkTarget: "short/c" });
    const lowers = await onTop(fixture, [link, hardLink], below);
    const { stdout } = await fixture.run("cat /x; stat -c %h /x /dir/inner/c", { lowers });
    assert.equal(stdout, "c\n2\n2\n");
  });

  check(
    "run() refuses an image with links in the place of /dev, /proc and /sys",
    async (fixture) => {
      const outside = fixture.path();
      mkdirSync(outside);
      for (const [name, target] of [["dev", outside], ["proc", "/tmp"], ["sys", "tmp"]] as const) {
        const lowers = await onTop(fixture, [symlink(name, target)]);
        await assert.rejects(fixture.run("true", { lowers }), { code: "RUN_UNSUPPORTED" });
      }
      assert.deepEqual(readdirSync(outside), []);
    },
  );

  check(
    "run() removes nothing of this machine when a failed step has moved a stub",
    async (fixture) => {
      const outside = fixture.path();
      mkdirSync(join(outside, "stub"), { recursive: true });
      const lowers = await onTop(fixture, [whiteoutEntry("dir")]);
      const { result } = await fixture.run(`mv /dir /moved; ln -s ${outside} /dir; false`, {
        lowers,
        mounts: [{ type: "tmpfs", target: "/dir/stub" }],
        failedDirectory: fixture.path(),
      });
      assert.equal(result.exitCode, 1);
      assert.deepEqual(readdirSync(outside), ["stub"]);
    },
  );

  check("run() works on an image that has no etc, and adds none", async (fixture) => {
    const lowers = await onTop(fixture, [whiteoutEntry("etc")]);
    const { stdout, entries } = await fixture.run("cat /etc/hostname; id -u; ls /etc", { lowers });
    assert.equal(stdout, "buildkitsandbox\n0\nhostname\nhosts\nresolv.conf\n");
    assert.deepEqual(entries, []);
    await assert.rejects(fixture.run("true", { lowers, user: "ada" }), {
      code: "RUN_USER_UNKNOWN",
    });
  });

  check("unpack() leaves overlayfs's own attributes of a layer out", async (fixture) => {
    const y = Uint8Array.of(0x79);
    const planted = (name: string): FileEntry => directory(name, 0o755);
    const lowers = await onTop(fixture, [
      { ...planted("dir"), xattrs: { "trusted.overlay.opaque": y, "user.overlay.opaque": y } },
      {
        ...planted("dir/inner"),
        xattrs: {
          "trusted.overlay.redirect": Buffer.from("/etc"),
          "user.overlay.redirect": Buffer.from("/etc"),
          "user.kept": y,
        },
      },
      {
        ...file("tmp/f", ""),
        xattrs: { "user.overlay.whiteout": y, "trusted.overlay.metacopy": y },
      },
    ]);
    const { stdout } = await fixture.run("ls /dir /dir/inner /tmp", { lowers });
    assert.equal(stdout, "/dir:\na\nb\ninner\n\n/dir/inner:\nc\n\n/tmp:\nf\n");
    const kept = systemCalls().listXattrs(join(lowers[0] ?? "", "dir/inner"));
    assert.deepEqual(Object.keys(kept).filter((name) => /^(user|trusted)\./.test(name)), [
      "user.kept",
    ]);
  });

  check(
    "run() opens no device of the image's layers, and keeps setuid files as they are",
    async (fixture) => {
      const lowers = await onTop(fixture, [
        { ...other("disk", "block-device", { devMajor: 8, devMinor: 0 }), mode: 0o666 },
        { ...file("suid", "#!/bin/sh\n"), mode: 0o6755 },
        { ...other("zero", "character-device", { devMajor: 1, devMinor: 5 }), mode: 0o666 },
      ]);
      const { stdout, entries } = await fixture.run(
        "for f in /zero /disk; do head -c 1 $f 2>/dev/null | wc -c; done; stat -c %a /suid",
        { lowers },
      );
      assert.equal(stdout, "0\n0\n6755\n");
      assert.deepEqual(entries, []);
    },
    needsRoot,
  );

  check("names with any character go into a layer and come out of it", async (fixture) => {
    const names = [
      "a:b,c",
      "q\"u'o",
      "back\\slash",
      " lead",
      "new\nline",
      "-rf",
      "$(x)",
      "ü\u{1f980}",
    ];
    const odd = names.map((name) => directory(`odd/${name}`)).sort((a, b) =>
      a.path < b.path ? -1 : 1
    );
    const lowers = await onTop(fixture, [directory("odd"), ...odd]);
    const { entries, upper } = await fixture.run(
      'mkdir /copied; for f in /odd/* ; do touch "$f/in" "/copied/${f##*/}"; done; rm -r \'/odd/a:b,c\'',
      { lowers },
    );
    const paths = entries.map(({ path }) => path);
    for (const name of names) {
      assert.ok(paths.includes(`copied/${name}`), name);
      assert.ok(paths.includes(name === "a:b,c" ? `odd/.wh.${name}` : `odd/${name}/in`), name);
    }
    const { stdout } = await fixture.run("ls -a /copied | wc -l; ls /odd | wc -l", {
      lowers: [upper, ...lowers],
    });
    // ls shows a newline as "?" or as it is: one line more at most.
    assert.match(stdout, /^(10|11)\n[78]\n$/);
  });

  check("run() stacks 400 layers, and refuses 501", async (fixture) => {
    const layers = Array.from({ length: 500 }, (_, index) => {
      const layer = fixture.path();
      mkdirSync(layer);
      writeFileSync(join(layer, `from-${index}`), "");
      return layer;
    });
    for (const count of [128, 400]) {
      const lowers = [...layers.slice(0, count - 1), fixture.lower];
      const { stdout, entries } = await fixture.run("ls / | grep -c from; rm /from-0; touch /x", {
        lowers,
      });
      assert.equal(stdout, `${count - 1}\n`);
      assert.deepEqual(entries.map(({ path }) => path), [".wh.from-0", "x"]);
    }
    await assert.rejects(fixture.run("true", { lowers: [...layers, fixture.lower] }), {
      code: "RUN_UNSUPPORTED",
      message: /501 layers/,
    });
  });

  check(
    "run() says of a program for another platform what it is for, and what runs it",
    async (fixture) => {
      const machine = FOREIGN_MACHINES[process.arch] ?? 8;
      const content = { kind: "bytes", bytes: elfFixture({ machine }) } as const;
      const program = {
        ...file("bin/foreign"),
        mode: 0o755,
        content,
        sizeBytes: content.bytes.length,
      };
      const lowers = await onTop(fixture, [
        program,
        { ...file("bin/script", "#!/bin/foreign -x\n"), mode: 0o755 },
      ]);
      for (const command of ["foreign", "/bin/foreign", "script"]) {
        await assert.rejects(
          fixture.run([command], { lowers }),
          (error: Error & { hint?: string }) => {
            assert.match(
              error.message,
              /exec format error: \/bin\/foreign is a program for (arm64|amd64), /,
            );
            assert.match(error.hint ?? "", /qemu-user-static.*binfmt/);
            return true;
          },
        );
      }
    },
  );
}
