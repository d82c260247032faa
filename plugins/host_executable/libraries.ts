/**
 * Finds the shared libraries of a program as the dynamic loader would: breadth first, each name once.
 *
 * `LD_LIBRARY_PATH` and `LD_PRELOAD` of the build are not asked: the image would need them too.
 *
 * @see ld.so(8), "DESCRIPTION"; glibc, elf/dl-load.c, `_dl_map_object`
 * @module
 */
import { realpathSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { LayerwrightError } from "../../core/mod.ts";
import { type ElfFile, readElf } from "./elf.ts";
import { type Look, unseen } from "./look.ts";
import { isMuslLoader, type LoaderPaths } from "./loader_paths.ts";

/** A file of this machine and where it goes. Both paths are absolute. */
export interface PlacedFile {
  readonly hostPath: string;
  readonly imagePath: string;
}

/** A library of a program. */
export interface PlacedLibrary extends PlacedFile {
  /** A further path in the image, for a library that the loader finds here only through its cache. */
  readonly linkPath?: string;
}

/** What loads a program. */
export interface Loader {
  /** The PT_INTERP of the program, which exists. */
  readonly interpreter: string;
  /** Where it looks besides the paths in files. */
  readonly paths: LoaderPaths;
  readonly look?: Look;
}

interface LoadedObject extends PlacedFile {
  readonly elf: ElfFile;
  /** What asked for it; absent for the program. */
  readonly loader?: LoadedObject;
}

/**
 * Finds everything that a program needs to be loaded, apart from the program and its interpreter.
 *
 * A library found by `$ORIGIN` is placed where the *moved* program will look for it; all others stay where they are.
 *
 * @param program The program with what its ELF headers say.
 * @throws {LayerwrightError} `EXECUTABLE_NOT_FOUND` listing every library that is missing; `ELF_INVALID` for a damaged one.
 */
export function findLibraries(
  program: PlacedFile & { readonly elf: ElfFile },
  { interpreter, paths, look = unseen }: Loader,
): PlacedLibrary[] {
  const musl = isMuslLoader(interpreter);
  look(interpreter);
  const systemDirectory = dirname(realpathSync(interpreter));
  const loaderElf = readElf(interpreter);
  const known = new Set([basename(interpreter), loaderElf.soname ?? ""]);
  const libraries: PlacedLibrary[] = [];
  const missing: string[] = [];
  const queue: LoadedObject[] = [program];
  for (const object of queue) {
    for (const name of object.elf.needed) {
      if (known.has(name) || (musl && isPartOfMusl(name))) continue;
      known.add(name);
      const found = search(name, object, { paths, musl, look });
      if (found === undefined) {
        missing.push(`"${name}", needed by "${object.hostPath}"`);
        continue;
      }
      const { elf, hostPath, imagePath, configured } = found;
      if (elf.soname !== undefined) known.add(elf.soname);
      queue.push({ elf, hostPath, imagePath, loader: object });
      look(dirname(hostPath), true);
      const cached = configured && realpathSync(dirname(hostPath)) !== systemDirectory;
      libraries.push({
        hostPath,
        imagePath,
        ...(cached ? { linkPath: join(systemDirectory, name) } : {}),
      });
    }
  }
  if (missing.length > 0) {
    throw new LayerwrightError(
      "EXECUTABLE_NOT_FOUND",
      `Cannot add program "${program.hostPath}": ${
        missing.length === 1 ? "a library is" : `${missing.length} libraries are`
      } missing`,
      {
        details: missing,
        hint: "install them on this machine, or use a static build of the program",
      },
    );
  }
  return libraries;
}

interface Candidate extends PlacedFile {
  /** Found by a configuration file of this machine. */
  readonly configured: boolean;
}

function search(
  name: string,
  object: LoadedObject,
  { paths, musl, look }: {
    readonly paths: LoaderPaths;
    readonly musl: boolean;
    readonly look: Look;
  },
): (Candidate & { readonly elf: ElfFile }) | undefined {
  for (const candidate of candidates(name, object, paths, musl)) {
    look(candidate.hostPath);
    if (!statSync(candidate.hostPath, { throwIfNoEntry: false })?.isFile()) continue;
    const elf = readElf(candidate.hostPath);
    // As the loader: a library for another processor or word size does not end the search.
    if (
      elf.machine === object.elf.machine && elf.addressBits === object.elf.addressBits &&
      elf.littleEndian === object.elf.littleEndian
    ) {
      return { ...candidate, elf };
    }
  }
  return undefined;
}

function* candidates(
  name: string,
  object: LoadedObject,
  paths: LoaderPaths,
  musl: boolean,
): Generator<Candidate> {
  if (name.includes("/")) {
    // The empty name makes `join` leave the path as it is.
    yield* searchPath([name], object, "");
    return;
  }
  const chain: LoadedObject[] = [];
  for (let at: LoadedObject | undefined = object; at !== undefined; at = at.loader) chain.push(at);
  if (musl) {
    // musl hands both kinds down to the libraries of libraries.
    for (const at of chain) {
      yield* searchPath(at.elf.runpath.length > 0 ? at.elf.runpath : at.elf.rpath, at, name);
    }
  } else {
    if (object.elf.runpath.length === 0) {
      for (const at of chain) {
        if (at.elf.runpath.length === 0) yield* searchPath(at.elf.rpath, at, name);
      }
    }
    yield* searchPath(object.elf.runpath, object, name);
  }
  for (const configured of [true, false]) {
    for (const directory of configured ? paths.configured : paths.standard) {
      const path = join(directory, name);
      yield { hostPath: path, imagePath: path, configured };
    }
  }
}

/** Relative and empty elements mean the working directory: of a build that is nothing to go by. */
function* searchPath(
  directories: readonly string[],
  object: LoadedObject,
  name: string,
): Generator<Candidate> {
  for (const directory of directories) {
    const at = (origin: string): string => {
      return join(directory.replace(/\$ORIGIN\b|\$\{ORIGIN\}/g, () => origin), name);
    };
    const hostPath = at(dirname(object.hostPath));
    const imagePath = at(dirname(object.imagePath));
    if (hostPath.startsWith("/") && !hostPath.includes("$")) {
      yield { hostPath, imagePath, configured: false };
    }
  }
}

/** musl is one file, whatever parts of a C library a program asks for (`libc.musl-x86_64.so.1`, `libpthread.so.0`). */
function isPartOfMusl(name: string): boolean {
  return /^lib(?:c|pthread|rt|m|dl|util|xnet)\./.test(name);
}
