/**
 * A tree with everything that a layer can hold, through our layers, then through GNU tar and umoci, and back on disk:
 * the same tree. 127 layers, 20,000 files, a path of 4,000 bytes, hard links, xattrs, setuid, FIFOs, devices, and a
 * sparse file of 5 GiB.
 */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, statfsSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { host } from "../../core/host/mod.ts";
import { image, inlineFile } from "../../mod.ts";
import { programPath } from "../support/program_path.ts";
import { tempEngine } from "../support/temp_engine.ts";

const GIB = 2 ** 30;
const LAYERS = 127;

/** Why the test cannot run here, if it cannot. */
function obstacle(): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "needs root on Linux";
  for (const tool of ["umoci", "tar", "setfattr", "getfattr", "setcap"]) {
    if (programPath(tool) === undefined) return `needs ${tool}`;
  }
  const { bavail, bsize } = statfsSync(tmpdir());
  if (bavail * bsize < 40 * GIB) return "needs 40 GiB of free disk";
  return undefined;
}

// The large file takes a minute: once is enough, the code that reads and writes it is the same.
const LARGE_BYTES = host.runtime === "bun" ? 5 * GIB : 5 * 2 ** 20;

function shell(script: string, cwd: string): string {
  return execFileSync("sh", ["-euc", script], {
    cwd,
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    env: { ...process.env, LC_ALL: "C" },
  });
}

const MAKE_TREE = `
umask 022
mkdir many; cd many
for d in $(seq 0 99); do mkdir $d; for f in $(seq 0 199); do echo "$d/$f" > $d/$f; done; done
cd ..
mkdir odd; cd odd
echo first > hard-b; ln hard-b hard-a; mkdir below; ln hard-b below/hard-c
ln -s ../many/1/1 link; ln -s /nowhere dangling
echo x > setuid; chmod 6755 setuid; mkdir sticky; chmod 1777 sticky; mkdir closed; chmod 0700 closed
mkfifo fifo; mknod null c 1 3; mknod loop b 7 200
echo x > xattr; setfattr -n user.note -v "a value" xattr; setfattr -n user.bytes -v 0x00ff0a xattr
cp /bin/true capable; setcap cap_net_raw+ep capable
echo x > "$(printf 'new\\nline')"; echo x > 'ünïcode ☃'; echo x > "$(printf 'a%.0s' $(seq 200))"
: > empty; mkdir empty-dir
cd ..
deep=$(printf 'd%.0s' $(seq 199))
( n=0; while [ $n -lt 19 ]; do mkdir $deep; cd $deep; n=$((n + 1)); done; echo deep > "$(printf 'f%.0s' $(seq 199))" )
truncate -s ${LARGE_BYTES} large; printf middle | dd of=large bs=1 seek=${
  LARGE_BYTES / 2
} conv=notrunc status=none
`;

/** Type, mode, owner, size, link target and link count of every entry, xattrs, and digests of the small files. */
const DESCRIBE_TREE = `
find . -mindepth 1 -printf '%P\\0%y %m %U %G %l %n ' \\( -type f -printf '%s\\0' -o -printf '\\0' \\) | sort -z | tr '\\0' '\\n' | sha256sum
find . -mindepth 1 | wc -l
getfattr -R -h -d -m - --absolute-names odd | sha256sum
find . -type f -size -1000k -print0 | sort -z | xargs -0 sha256sum | sha256sum
cmp -n 100000000 large /dev/zero 2>&1 | grep -c differ || true
dd if=large bs=1 skip=${LARGE_BYTES / 2} count=6 status=none
`;

const reason = obstacle();
test(
  `a tree with everything survives ${LAYERS} layers, GNU tar and umoci${
    reason === undefined ? "" : ` (${reason})`
  }`,
  {
    skip: reason !== undefined,
    timeout: 600_000,
  },
  async () => {
    using lw = tempEngine();
    shell(MAKE_TREE, lw.context);
    const expected = shell(DESCRIBE_TREE, lw.context);
    assert.ok(Number(expected.split("\n")[1]) > 20_000);

    let recipe = image().from("scratch").copy(".", "/tree", { mode: "preserve" });
    for (let layer = 2; layer <= LAYERS; layer++) {
      recipe = recipe.copy(
        inlineFile("n", `${layer}`),
        `/layers/${layer}`,
      );
    }
    const layout = join(lw.home, "..", "layout");
    const unpacked = join(lw.home, "..", "tar");
    mkdirSync(unpacked);
    // Straight into tar: the archive is as large as the large file, and need not be on disk as well.
    shell("mkfifo pipe", join(lw.home, ".."));
    const tar = spawn("sh", [
      "-ec",
      "tar --xattrs --xattrs-include='*' --numeric-owner -xpf - < ../pipe",
    ], { cwd: unpacked, stdio: "inherit" });
    const extracted = new Promise((resolve) => tar.once("exit", resolve));
    const pipe = openSync(join(lw.home, "..", "pipe"), "w");
    const write = (bytes: Uint8Array): void => {
      for (let done = 0; done < bytes.length;) done += writeSync(pipe, bytes, done);
    };
    await lw.build(recipe, {
      tags: ["odd:1"],
      outputs: [{ type: "oci", dest: `${layout}/` }, { type: "tar", dest: "-", write }],
    });
    closeSync(pipe);
    assert.equal(await extracted, 0);
    assert.equal(shell(DESCRIBE_TREE, join(unpacked, "tree")), expected, "GNU tar");
    shell("rm -rf tree layers", unpacked);

    const bundle = join(lw.home, "..", "bundle");
    shell(`umoci unpack --image "${layout}:1" "${bundle}"`, lw.context);
    assert.equal(shell(DESCRIBE_TREE, join(bundle, "rootfs/tree")), expected, "umoci");
    assert.equal(shell("ls | wc -l", join(bundle, "rootfs/layers")).trim(), String(LAYERS - 1));
  },
);
