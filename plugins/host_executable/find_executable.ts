/**
 * Finds the file of a program by its name.
 *
 * @module
 */
import {
  accessSync,
  closeSync,
  constants,
  openSync,
  readSync,
  realpathSync,
  statSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { LayerwrightError } from "../../core/mod.ts";
import { executableKind } from "./elf.ts";
import { type Look, unseen } from "./look.ts";

/** What a search goes by: values of the process, passed in. */
export interface ExecutableSearch {
  /** Where to start looking for `node_modules/.bin`, upwards, in order. */
  readonly directories: readonly string[];
  /** `PATH`: directories, separated by colons. */
  readonly path: string;
  /** The runtime's own file: it stands for its name when nothing is installed beside the recipe. */
  readonly runtimePath: string;
  readonly look?: Look;
}

/**
 * Finds a program: a package's binary in `node_modules/.bin` here or above, the runtime itself, then `PATH`.
 *
 * The project's own version comes first so that one recipe gives one image, whichever runtime and whichever
 * global version of it builds. In `node_modules/.bin` only ELF files count: the scripts that packages put there
 * start a program, they are none.
 *
 * @param program A name, or an absolute path, which is taken as it is.
 * @returns The absolute path of the file, symbolic links followed.
 * @throws {LayerwrightError} `EXECUTABLE_NOT_FOUND` naming the places searched.
 */
export function findExecutable(program: string, search: ExecutableSearch): string {
  const { look = unseen } = search;
  const executableFile = (path: string): string | undefined => {
    look(path);
    return realExecutable(path);
  };
  if (program.startsWith("/")) {
    const file = executableFile(program);
    if (file !== undefined) return file;
    throw new LayerwrightError(
      "EXECUTABLE_NOT_FOUND",
      `Cannot add program "${program}": no executable file there`,
    );
  }
  for (const directory of search.directories) {
    for (let at = directory;; at = dirname(at)) {
      const file = executableFile(join(at, "node_modules/.bin", program));
      if (file !== undefined && kindOf(file) === "elf") return file;
      if (dirname(at) === at) break;
    }
  }
  if (basename(search.runtimePath).replace(/\.exe$/, "") === program) {
    const file = executableFile(search.runtimePath);
    if (file !== undefined) return file;
  }
  for (const directory of search.path.split(":")) {
    // A relative element is another place for each working directory.
    if (!directory.startsWith("/")) continue;
    const file = executableFile(join(directory, program));
    if (file !== undefined) return file;
  }
  throw new LayerwrightError(
    "EXECUTABLE_NOT_FOUND",
    `Cannot add program "${program}": not found`,
    {
      details: [
        ...search.directories.map((from) => `searched "node_modules/.bin" from "${from}" upwards`),
        `searched PATH: ${search.path || "(empty)"}`,
      ],
      hint: "install it, or give its absolute path",
    },
  );
}

/** What kind of program a file is, by its first bytes. */
export function kindOf(file: string): "elf" | "script" | "other" {
  const head = new Uint8Array(4);
  const fd = openSync(file, "r");
  try {
    return executableKind(head.subarray(0, readSync(fd, head, 0, head.length, 0)));
  } finally {
    closeSync(fd);
  }
}

function realExecutable(path: string): string | undefined {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile() ? realpathSync(path) : undefined;
  } catch {
    return undefined;
  }
}
