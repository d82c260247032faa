import assert from "node:assert/strict";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { foreignProgram } from "../../../plugins/runtime/foreign_program.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

/** The start of a program for a machine. */
function elf(machine: number, bigEndian = false): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.write("\x7fELF", "latin1");
  bytes[4] = 2;
  bytes[5] = bigEndian ? 2 : 1;
  if (bigEndian) bytes.writeUInt16BE(machine, 18);
  else bytes.writeUInt16LE(machine, 18);
  return bytes;
}

const AARCH64_HANDLER = (flags: string, state = "enabled"): string =>
  `${state}\ninterpreter /usr/bin/qemu-aarch64-static\nflags: ${flags}\noffset 0\n` +
  "magic 7f454c460201010000000000000000000200b700\nmask ffffffffffff00fffffffffffffffffffeffffff\n";

function fixture(files: Readonly<Record<string, string | Buffer>>): {
  readonly root: string;
  readonly binfmt: string;
} & Disposable {
  const directory = temporaryDirectory();
  const [root, binfmt] = [join(directory.path, "root"), join(directory.path, "binfmt")];
  mkdirSync(join(root, "bin"), { recursive: true });
  mkdirSync(binfmt);
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory.path, name);
    writeFileSync(path, content);
    chmodSync(path, 0o755);
  }
  return { root, binfmt, [Symbol.dispose]: () => directory[Symbol.dispose]() };
}

test("foreignProgram() names the machine of a program that the kernel cannot execute, and the package", () => {
  using fixed = fixture({
    "root/bin/sh": elf(183),
    "root/bin/old": elf(22, true),
    "root/bin/odd": elf(9999),
    "root/bin/own": elf(62),
    "root/bin/small": elf(3),
    "root/bin/script": "#!/bin/sh\n",
    "root/bin/short": "\x7fELF",
  });
  symlinkSync("/bin/sh", join(fixed.root, "bin/link"));
  const lookAt = (name: string, architecture = "x64"): readonly (string | undefined)[] => {
    const found = foreignProgram(
      { root: fixed.root, args: [name], environment: ["PATH=/bin"], workingDirectory: "/" },
      { architecture, binfmt: fixed.binfmt },
    );
    return [found?.path, found?.architecture];
  };
  assert.deepEqual(lookAt("sh"), ["/bin/sh", "arm64"]);
  assert.deepEqual(lookAt("/bin/link"), ["/bin/sh", "arm64"]);
  assert.deepEqual(lookAt("old"), ["/bin/old", "s390x"]);
  assert.deepEqual(lookAt("odd"), ["/bin/odd", "machine 9999"]);
  // What the kernel executes for it.
  assert.deepEqual(lookAt("script"), ["/bin/sh", "arm64"]);
  for (const name of ["own", "small", "short", "none"]) {
    assert.deepEqual(lookAt(name), [undefined, undefined], name);
  }
  assert.deepEqual(lookAt("sh", "arm64"), [undefined, undefined]);
  assert.deepEqual(lookAt("own", "arm64"), ["/bin/own", "amd64"]);
  // Nothing is known of what such a machine executes.
  assert.deepEqual(lookAt("sh", "sparc"), [undefined, undefined]);
});

test("foreignProgram() believes an emulator that the kernel has, and says what one lacks", () => {
  for (
    const [flags, state, fix] of [
      ["F", "enabled", undefined],
      ["PF", "enabled", undefined],
      ["", "enabled", /flag F/],
      ["F", "disabled", /install qemu-user-static.*qemu-aarch64/],
    ] as const
  ) {
    using fixed = fixture({
      "root/bin/sh": Buffer.concat([elf(183).fill(2, 16, 17)]),
      "binfmt/register": "",
      "binfmt/status": "enabled\n",
      "binfmt/qemu-aarch64": AARCH64_HANDLER(flags, state),
    });
    const step = {
      ...{ root: fixed.root, args: ["/bin/sh"], environment: [], workingDirectory: "/" },
    };
    const surroundings = { architecture: "x64", binfmt: fixed.binfmt };
    const found = foreignProgram(step, surroundings);
    if (fix === undefined) assert.equal(found, undefined);
    else assert.match(found?.fix ?? "", fix);
    // The handler is for that machine alone.
    writeFileSync(join(fixed.root, "bin/sh"), elf(243));
    assert.match(foreignProgram(step, surroundings)?.fix ?? "", /qemu-riscv64/);
  }
});
