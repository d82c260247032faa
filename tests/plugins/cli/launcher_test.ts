import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const launcher = fileURLToPath(new URL("../../../bin/layerwright", import.meta.url));

/** A program that only says what it was called with. */
function fakeProgram(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\nprintf '%s\\n' "$0" "$@"\n`);
  chmodSync(path, 0o755);
}

/** Installs the launcher as `PACKAGE/bin/layerwright`, with the program it needs itself alone on the path. */
function installed(
  root: string,
): { run(path: string, ...args: string[]): { code: number | null; out: string; err: string } } {
  mkdirSync(join(root, "package/bin"), { recursive: true });
  mkdirSync(join(root, "path"), { recursive: true });
  copyFileSync(launcher, join(root, "package/bin/layerwright"));
  chmodSync(join(root, "package/bin/layerwright"), 0o755);
  symlinkSync("/usr/bin/readlink", join(root, "path/readlink"));
  return {
    run: (path, ...args) => {
      const { status, stdout, stderr } = spawnSync("/bin/sh", [join(root, path), ...args], {
        encoding: "utf8",
        env: { PATH: join(root, "path") },
      });
      return { code: status, out: stdout, err: stderr };
    },
  };
}

const skip = process.platform === "linux" ? false : "needs Linux";

test("bin/layerwright prefers the Bun beside it, then Bun on the path, then Deno (needs Linux)", {
  skip,
}, () => {
  using directory = temporaryDirectory();
  const root = directory.path;
  const { run } = installed(root);
  const main = join(root, "package/bin/main.ts");
  assert.deepEqual(run("package/bin/layerwright").code, 127);
  assert.match(run("package/bin/layerwright").err, /needs Bun .* or Deno/);
  fakeProgram(join(root, "path/deno"));
  assert.equal(
    run("package/bin/layerwright", "a b", "--x").out,
    `${root}/path/deno\nrun\n-A\n${main}\na b\n--x\n`,
  );
  fakeProgram(join(root, "path/bun"));
  assert.equal(
    run("package/bin/layerwright", "build").out,
    `${root}/path/bun\nrun\n${main}\nbuild\n`,
  );
  fakeProgram(join(root, "package/node_modules/.bin/bun"));
  assert.equal(
    run("package/bin/layerwright").out,
    `${root}/package/bin/../node_modules/.bin/bun\nrun\n${main}\n`,
  );
});

test(
  "bin/layerwright finds its package through links to its folders, whatever CDPATH says (needs Linux)",
  {
    skip,
  },
  () => {
    using directory = temporaryDirectory();
    const root = directory.path;
    const { run } = installed(root);
    fakeProgram(join(root, "path/bun"));
    symlinkSync("package/bin", join(root, "programs"));
    const called = `${root}/path/bun\nrun\n${root}/package/bin/main.ts\nplan\n`;
    assert.equal(run("programs/layerwright", "plan").out, called);
    mkdirSync(join(root, "elsewhere/bin"), { recursive: true });
    for (const [from, script] of [["package", "bin/layerwright"], ["package/bin", "layerwright"]]) {
      const { stdout } = spawnSync("/bin/sh", [script ?? "", "plan"], {
        cwd: join(root, from ?? ""),
        encoding: "utf8",
        env: { PATH: join(root, "path"), CDPATH: join(root, "elsewhere") },
      });
      assert.equal(stdout, called);
    }
  },
);

test(
  "bin/layerwright finds its package through the link that npm makes (needs Linux)",
  { skip },
  () => {
    using directory = temporaryDirectory();
    const root = directory.path;
    const { run } = installed(root);
    mkdirSync(join(root, "project/node_modules/.bin"), { recursive: true });
    symlinkSync(
      "../../../package/bin/layerwright",
      join(root, "project/node_modules/.bin/layerwright"),
    );
    fakeProgram(join(root, "project/node_modules/.bin/bun"));
    assert.equal(
      run("project/node_modules/.bin/layerwright", "plan").out,
      `${root}/project/node_modules/.bin/bun\nrun\n${root}/package/bin/main.ts\nplan\n`,
    );
  },
);
