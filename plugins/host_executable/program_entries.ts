/**
 * A program and everything that it needs to be loaded, as entries.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { basename } from "node:path";
import type { FileEntry } from "../../core/layer/mod.ts";
import { LayerwrightError, type OpPlatform, type SourceOp } from "../../core/mod.ts";
import { type ElfFile, readElf } from "./elf.ts";
import { HOST_EXECUTABLE_SCHEME } from "./executable.ts";
import { findExecutable, kindOf } from "./find_executable.ts";
import { ImageFiles } from "./image_files.ts";
import { findLibraries } from "./libraries.ts";
import { loaderPaths } from "./loader_paths.ts";
import { type Look, unseen } from "./look.ts";

/** `e_machine` of each architecture, in the words of the OCI image index. */
const MACHINES: ReadonlyMap<string, number> = new Map([
  ["386", 3],
  ["ppc64le", 21],
  ["s390x", 22],
  ["arm", 40],
  ["amd64", 62],
  ["arm64", 183],
  ["riscv64", 243],
  ["loong64", 258],
]);

/**
 * The entries of a `host-executable://` source, sorted.
 *
 * @param look Is told of every file that the answer depends on.
 * @param contextDirectory Where the search for `node_modules/.bin` starts; it goes on from the working directory.
 * @throws {LayerwrightError} `EXECUTABLE_NOT_FOUND` for a program, interpreter or library that is missing; `ELF_INVALID`
 * for one that is damaged or no ELF file; `SOURCE_UNSUPPORTED` for a program of another platform.
 */
export function programEntries(
  op: SourceOp,
  contextDirectory: string,
  look: Look = unseen,
): FileEntry[] {
  const program = op.identifier.slice(`${HOST_EXECUTABLE_SCHEME}://`.length);
  const hostPath = findExecutable(program, {
    directories: [...new Set([contextDirectory, process.cwd()])],
    path: process.env.PATH ?? "",
    runtimePath: process.execPath,
    look,
  });
  const imagePath = op.attributes.as ?? `/usr/bin/${basename(program)}`;
  look(hostPath);
  checkKind(hostPath);
  const elf = readElf(hostPath);
  checkPlatform(hostPath, elf, op.platform);

  const files = new ImageFiles(look);
  const { interpreter } = elf;
  if (interpreter !== undefined) {
    look(interpreter);
    if (!existsSync(interpreter)) {
      throw new LayerwrightError(
        "EXECUTABLE_NOT_FOUND",
        `Cannot add program "${hostPath}": its interpreter "${interpreter}" is missing`,
        { hint: "use a build of the program for this machine's C library, or a static one" },
      );
    }
    files.addAsIs(interpreter);
    const paths = loaderPaths(interpreter, elf.addressBits, look);
    for (
      const library of findLibraries({ hostPath, imagePath, elf }, { interpreter, paths, look })
    ) {
      if (library.imagePath === library.hostPath) files.addAsIs(library.hostPath);
      else files.addFile(library.imagePath, library.hostPath);
      if (library.linkPath !== undefined) files.addLink(library.linkPath, library.imagePath);
    }
  }
  files.addFile(imagePath, hostPath);
  return files.entries();
}

function checkKind(hostPath: string): void {
  const kind = kindOf(hostPath);
  if (kind === "elf") return;
  throw new LayerwrightError(
    "ELF_INVALID",
    `Cannot add program "${hostPath}": ${
      kind === "script" ? 'it is a script (it starts with "#!")' : "it is not a Linux program"
    }`,
    {
      hint: kind === "script"
        ? "add its interpreter with executable(), and copy the script as a file"
        : "copy it as a file, or build the image on Linux",
    },
  );
}

function checkPlatform(hostPath: string, elf: ElfFile, platform: OpPlatform): void {
  const wanted = MACHINES.get(platform.architecture);
  if (platform.os === "linux" && wanted === elf.machine) return;
  const found = [...MACHINES].find(([, machine]) => machine === elf.machine)?.[0];
  throw new LayerwrightError(
    "SOURCE_UNSUPPORTED",
    `Cannot add program "${hostPath}" to an image for ${platform.os}/${platform.architecture}: ` +
      `it is for linux/${found ?? `machine ${elf.machine}`}`,
    { hint: "build on a machine of that platform, or copy the program from an image for it" },
  );
}
