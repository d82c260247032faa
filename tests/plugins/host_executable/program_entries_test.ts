import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import type { FileEntry } from "../../../core/layer/file_entry.ts";
import { comparePaths } from "../../../core/layer/path_order.ts";
import type { SourceOp } from "../../../core/graph/op.ts";
import { readElf } from "../../../plugins/host_executable/elf.ts";
import { executable } from "../../../plugins/host_executable/executable.ts";
import { programEntries } from "../../../plugins/host_executable/program_entries.ts";
import { elfFixture } from "../../support/elf_fixture.ts";
import { extractEntries } from "../../support/extract_entries.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const architecture = process.arch === "x64" ? "amd64" : process.arch;
const notLinux = process.platform !== "linux" && "needs Linux";
const notRoot = notLinux || (process.getuid?.() !== 0 && "needs root");
const noCompiler = notRoot || (spawnSync("cc", ["--version"]).status !== 0 && "needs a C compiler");

function sourceOp(
  program: string,
  options: { as?: string; architecture?: string } = {},
): SourceOp {
  const { as, ...platform } = options;
  const { identifier, attributes } = executable(program, as === undefined ? {} : { as });
  return {
    type: "source",
    identifier,
    attributes,
    platform: { os: "linux", architecture, ...platform },
  };
}

function entriesOf(op: SourceOp): FileEntry[] {
  return programEntries(op, process.cwd());
}

test("programEntries() gives the runtime at /usr/bin and its loader at the path it asks for", {
  skip: notLinux,
}, () => {
  const program = realpathSync(process.execPath);
  const entries = entriesOf(sourceOp(program));
  const at = `usr/bin/${basename(program)}`;
  const entry = entries.find(({ path }) => path === at);
  assert.equal(entry?.type, "file");
  assert.equal(entry?.mode, 0o755);
  const loader = (readElf(program).interpreter ?? "").split("/").slice(1);
  assert.ok(
    entries.some(({ path }) => path === loader[0]),
    "the first step to the loader is there",
  );
});

test("programEntries() gives sorted entries, owned by root, without times, parents first", {
  skip: notLinux,
}, () => {
  const entries = entriesOf(sourceOp(realpathSync(process.execPath)));
  const paths = entries.map(({ path }) => path);
  assert.deepEqual(paths, paths.toSorted(comparePaths));
  const directories = new Set(
    entries.filter(({ type }) => type === "directory").map(({ path }) => path),
  );
  for (const { path, type, mode, uid, gid, mtimeSeconds } of entries) {
    assert.deepEqual({ uid, gid, mtimeSeconds }, { uid: 0, gid: 0, mtimeSeconds: 0 });
    if (type === "directory") assert.equal(mode, 0o755);
    const slash = path.lastIndexOf("/");
    if (slash > 0) {
      assert.ok(directories.has(path.slice(0, slash)), `"${path}" is in a directory of the tree`);
    }
  }
});

for (const name of ["bun", "deno"]) {
  test(`programEntries() gives all that ${name} needs to start in an empty root (needs root)`, {
    skip: notRoot,
  }, () => {
    using root = temporaryDirectory();
    extractEntries(entriesOf(sourceOp(name)), root.path);
    const run = spawnSync("chroot", [root.path, `/usr/bin/${name}`, "--version"], {
      encoding: "utf8",
      env: { PATH: process.env.PATH },
    });
    assert.equal(run.status, 0, run.stderr);
    assert.match(run.stdout, /\d+\.\d+\.\d+/);
  });
}

test(
  "programEntries() moves a program with the libraries of its $ORIGIN (needs root, cc)",
  { skip: noCompiler },
  () => {
    using build = temporaryDirectory();
    const compile = (...args: string[]): void => {
      const cc = spawnSync("cc", args, { cwd: build.path, encoding: "utf8" });
      assert.equal(cc.status, 0, cc.stderr);
    };
    mkdirSync(join(build.path, "lib"));
    mkdirSync(join(build.path, "bin"));
    writeFileSync(join(build.path, "a.c"), "int answer(void) { return 42; }");
    writeFileSync(join(build.path, "p.c"), "int answer(void); int main(void) { return answer(); }");
    compile("-shared", "-fPIC", "-o", "lib/libanswer.so", "a.c", "-Wl,-soname,libanswer.so");
    compile("-o", "bin/p", "p.c", "-Llib", "-lanswer", "-Wl,-rpath,$ORIGIN/../lib");
    using root = temporaryDirectory();
    const entries = entriesOf(
      sourceOp(join(build.path, "bin/p"), { as: "/opt/app/bin/program" }),
    );
    assert.ok(
      entries.some(({ path, type }) => path === "opt/app/lib/libanswer.so" && type === "file"),
    );
    assert.ok(
      !entries.some(({ path }) => path.startsWith(build.path.slice(1, 4))),
      "no path of the build folder",
    );
    extractEntries(entries, root.path);
    mkdirSync(join(root.path, "proc"));
    // The loader learns its $ORIGIN from /proc/self/exe, which every container has.
    const script = 'mount -t proc proc "$0/proc" && exec chroot "$0" /opt/app/bin/program';
    const run = spawnSync("unshare", ["--mount", "sh", "-c", script, root.path], {
      encoding: "utf8",
    });
    assert.equal(run.status, 42, run.stderr);
  },
);

test(
  "programEntries() places a program below a link of its loader's path where the link leads",
  { skip: notLinux },
  () => {
    const entries = entriesOf(
      sourceOp(realpathSync(process.execPath), { as: "/lib64/tools/x" }),
    );
    for (const { path, type } of entries) {
      if (type !== "symlink") continue;
      assert.ok(
        !entries.some((other) => other.path.startsWith(`${path}/`)),
        `nothing below the link "${path}"`,
      );
    }
  },
);

test(
  "programEntries() rejects a script, and says what to add instead",
  { skip: notLinux },
  () => {
    using root = temporaryDirectory();
    const script = join(root.path, "tool");
    writeFileSync(script, "#!/bin/sh\n", { mode: 0o755 });
    assert.throws(() => entriesOf(sourceOp(script)), {
      code: "ELF_INVALID",
      message: /it is a script/,
      hint: /interpreter/,
    });
  },
);

test(
  "programEntries() rejects a program for another platform",
  { skip: notLinux },
  () => {
    using root = temporaryDirectory();
    const program = join(root.path, "tool");
    writeFileSync(program, elfFixture({ machine: 183 }), { mode: 0o755 });
    assert.throws(() => entriesOf(sourceOp(program, { architecture: "amd64" })), {
      code: "SOURCE_UNSUPPORTED",
      message: /for linux\/amd64: it is for linux\/arm64/,
    });
    const [entry] = (entriesOf(sourceOp(program, { architecture: "arm64" }))).slice(-1);
    assert.equal(entry?.path, "usr/bin/tool");
  },
);

test(
  "programEntries() rejects a program whose loader is missing",
  { skip: notLinux },
  () => {
    using root = temporaryDirectory();
    const program = join(root.path, "tool");
    const interpreter = join(root.path, "ld-musl-x86_64.so.1");
    writeFileSync(program, elfFixture({ interpreter, machine: 62 }), { mode: 0o755 });
    assert.throws(() => entriesOf(sourceOp(program, { architecture: "amd64" })), {
      code: "EXECUTABLE_NOT_FOUND",
      message: /interpreter .* is missing/,
    });
  },
);
