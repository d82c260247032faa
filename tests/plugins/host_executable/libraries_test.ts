import assert from "node:assert/strict";
import { mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { parseElf, readElf } from "../../../plugins/host_executable/elf.ts";
import { findLibraries, type PlacedLibrary } from "../../../plugins/host_executable/libraries.ts";
import type { LoaderPaths } from "../../../plugins/host_executable/loader_paths.ts";
import { type ElfFixture, elfFixture } from "../../support/elf_fixture.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const self = process.platform === "linux" ? readElf(realpathSync(process.execPath)) : undefined;
const interpreter = self?.interpreter ?? "";
const skip = interpreter === "" && "needs a dynamically linked runtime on Linux";

/** Writes fixtures for this machine below `root` and finds the libraries of the one at `/app/bin/program`. */
function find(
  root: string,
  files: Readonly<Record<string, ElfFixture>>,
  paths: LoaderPaths = NO_PATHS,
): PlacedLibrary[] {
  for (const [path, fixture] of Object.entries(files)) {
    const { machine = 62, littleEndian = true, addressBits = 64 } = self ?? {};
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), elfFixture({ machine, littleEndian, addressBits, ...fixture }));
  }
  const hostPath = join(root, "app/bin/program");
  return findLibraries(
    { hostPath, imagePath: "/usr/bin/program", elf: readElf(hostPath) },
    { interpreter, paths },
  );
}

const NO_PATHS: LoaderPaths = { configured: [], standard: [] };

const hostPaths = (libraries: readonly PlacedLibrary[]): string[] =>
  libraries.map((library) => library.hostPath);

test("findLibraries() places what $ORIGIN of the program finds where the moved program looks", {
  skip,
}, () => {
  using root = temporaryDirectory();
  const libraries = find(root.path, {
    "app/bin/program": { needed: ["liba.so"], runpath: "$ORIGIN/../lib/x:${ORIGIN}" },
    "app/lib/x/liba.so": { needed: ["libb.so"], runpath: "$ORIGIN/inner" },
    "app/lib/x/inner/libb.so": {},
  });
  assert.deepEqual(libraries, [
    { hostPath: join(root.path, "app/lib/x/liba.so"), imagePath: "/usr/lib/x/liba.so" },
    { hostPath: join(root.path, "app/lib/x/inner/libb.so"), imagePath: "/usr/lib/x/inner/libb.so" },
  ]);
});

test("findLibraries() leaves what an absolute path finds where it is", { skip }, () => {
  using root = temporaryDirectory();
  const path = join(root.path, "opt/liba.so");
  const libraries = find(root.path, {
    "app/bin/program": {
      needed: ["liba.so", join(root.path, "opt/libb.so")],
      runpath: join(root.path, "opt"),
    },
    "opt/liba.so": {},
    "opt/libb.so": {},
  });
  assert.deepEqual(libraries[0], { hostPath: path, imagePath: path });
  assert.equal(libraries[1]?.imagePath, join(root.path, "opt/libb.so"));
});

test(
  "findLibraries() hands an rpath down to libraries of libraries, a runpath not",
  { skip },
  () => {
    const files = (key: "rpath" | "runpath"): Record<string, ElfFixture> => ({
      "app/bin/program": { needed: ["liba.so"], [key]: "$ORIGIN/../lib" },
      "app/lib/liba.so": { needed: ["libnever-installed.so"] },
      "app/lib/libnever-installed.so": {},
    });
    using inherited = temporaryDirectory();
    assert.equal(find(inherited.path, files("rpath")).length, 2);
    using own = temporaryDirectory();
    assert.throws(() => find(own.path, files("runpath")), {
      code: "EXECUTABLE_NOT_FOUND",
      details: [`"libnever-installed.so", needed by "${own.path}/app/lib/liba.so"`],
    });
  },
);

test("findLibraries() ignores the rpath of a file that has a runpath", { skip }, () => {
  using root = temporaryDirectory();
  const libraries = find(root.path, {
    "app/bin/program": { needed: ["liba.so"], rpath: "$ORIGIN/old", runpath: "$ORIGIN/new" },
    "app/bin/old/liba.so": {},
    "app/bin/new/liba.so": {},
  });
  assert.deepEqual(hostPaths(libraries), [join(root.path, "app/bin/new/liba.so")]);
});

test("findLibraries() goes on after a library for another word size, byte order or processor", {
  skip,
}, () => {
  using root = temporaryDirectory();
  const libraries = find(root.path, {
    "app/bin/program": { needed: ["liba.so"], runpath: "$ORIGIN/1:$ORIGIN/2:$ORIGIN/3:$ORIGIN/4" },
    "app/bin/1/liba.so": { addressBits: self?.addressBits === 64 ? 32 : 64 },
    "app/bin/2/liba.so": { littleEndian: self?.littleEndian !== true },
    "app/bin/3/liba.so": { machine: 2 },
    "app/bin/4/liba.so": {},
  });
  assert.deepEqual(hostPaths(libraries), [join(root.path, "app/bin/4/liba.so")]);
});

test(
  "findLibraries() loads a name once, also when it is another library's soname",
  { skip },
  () => {
    using root = temporaryDirectory();
    const libraries = find(root.path, {
      "app/bin/program": { needed: ["liba-1.2.so", "liba.so", "liba-1.2.so"], runpath: "$ORIGIN" },
      "app/bin/liba-1.2.so": { soname: "liba.so", needed: ["liba.so"] },
      "app/bin/liba.so": {},
    });
    assert.deepEqual(hostPaths(libraries), [join(root.path, "app/bin/liba-1.2.so")]);
  },
);

test("findLibraries() lists every missing library with who needs it", { skip }, () => {
  using root = temporaryDirectory();
  assert.throws(
    () =>
      find(root.path, {
        "app/bin/program": {
          needed: ["libnone-1.so", "liba.so", "./libnone-2.so"],
          runpath: "$ORIGIN::.:$LIB/x",
        },
        "app/bin/liba.so": { needed: ["libnone-3.so"] },
      }),
    {
      code: "EXECUTABLE_NOT_FOUND",
      message: /3 libraries are missing/,
      details: [
        `"libnone-1.so", needed by "${root.path}/app/bin/program"`,
        `"./libnone-2.so", needed by "${root.path}/app/bin/program"`,
        `"libnone-3.so", needed by "${root.path}/app/bin/liba.so"`,
      ],
    },
  );
});

test(
  "findLibraries() rejects a library that is no ELF file: a program must not pick files to copy",
  { skip },
  () => {
    using root = temporaryDirectory();
    const secret = join(root.path, "secret");
    writeFileSync(secret, "password");
    assert.throws(() => find(root.path, { "app/bin/program": { needed: [secret] } }), {
      code: "ELF_INVALID",
      message: /secret/,
    });
  },
);

test(
  "findLibraries() rejects an interpreter that is no ELF file, for the same reason",
  { skip },
  () => {
    using root = temporaryDirectory();
    const hostPath = join(root.path, "secret");
    writeFileSync(hostPath, "password");
    const bytes = elfFixture();
    const elf = parseElf(
      { sizeBytes: bytes.length, read: (at, n) => bytes.subarray(at, at + n) },
      "x",
    );
    assert.throws(
      () =>
        findLibraries({ hostPath, imagePath: "/x", elf }, {
          interpreter: hostPath,
          paths: NO_PATHS,
        }),
      {
        code: "ELF_INVALID",
      },
    );
  },
);

test("findLibraries() takes every part of musl for its loader", { skip }, () => {
  using root = temporaryDirectory();
  const loader = join(root.path, "ld-musl-x86_64.so.1");
  writeFileSync(loader, elfFixture());
  const bytes = elfFixture({ needed: ["libc.musl-x86_64.so.1", "libpthread.so.0", "libc.so"] });
  const elf = parseElf(
    { sizeBytes: bytes.length, read: (at, n) => bytes.subarray(at, at + n) },
    "x",
  );
  assert.deepEqual(
    findLibraries({ hostPath: "/x", imagePath: "/x", elf }, {
      interpreter: loader,
      paths: NO_PATHS,
    }),
    [],
  );
});

test(
  "findLibraries() links a library of the loader's cache, which the image lacks, to where the loader looks",
  { skip },
  () => {
    using root = temporaryDirectory();
    const standard = dirname(realpathSync(interpreter));
    const libraries = find(root.path, {
      "app/bin/program": { needed: ["liba.so", "libb.so"] },
      "opt/liba.so": {},
      "usr/libb.so": {},
    }, { configured: [join(root.path, "opt")], standard: [join(root.path, "usr")] });
    const [a, b] = [join(root.path, "opt/liba.so"), join(root.path, "usr/libb.so")];
    assert.deepEqual(libraries, [
      { hostPath: a, imagePath: a, linkPath: join(standard, "liba.so") },
      { hostPath: b, imagePath: b },
    ]);
  },
);
