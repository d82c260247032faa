/**
 * The directories a dynamic loader searches when a program names none itself.
 *
 * @module
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Look, unseen } from "./look.ts";

/** Where a loader looks after the paths in the program, in order. */
export interface LoaderPaths {
  /** Directories that a configuration file names; an image without the loader's cache does not have them. */
  readonly configured: readonly string[];
  /** Directories compiled into the loader. */
  readonly standard: readonly string[];
}

/** `include` in a file that is included: ldconfig has no limit, a loop of files would have no end. */
const INCLUDE_DEPTH_LIMIT = 8;

/** True for musl's loader, whose rules differ from glibc's. */
export function isMuslLoader(interpreter: string): boolean {
  return basename(interpreter).startsWith("ld-musl-");
}

/**
 * What the loader at `interpreter` searches on this machine.
 *
 * The processor's own variants (`glibc-hwcaps`) are left out on purpose: an image must run on other processors
 * too, and be the same whichever machine builds it.
 *
 * @see ld.so(8), ldconfig(8); musl, ldso/dynlink.c, `load_library`
 */
export function loaderPaths(
  interpreter: string,
  addressBits: 32 | 64,
  look: Look = unseen,
): LoaderPaths {
  if (isMuslLoader(interpreter)) {
    const architecture = basename(interpreter).slice("ld-musl-".length).replace(/\.so\.1$/, "");
    const configured = readLines(`/etc/ld-musl-${architecture}.path`, look).flatMap((line) =>
      line.split(":")
    );
    return {
      configured: configured.filter((directory) => directory.startsWith("/")),
      standard: ["/lib", "/usr/local/lib", "/usr/lib"],
    };
  }
  return {
    configured: parseLoaderConfig("/etc/ld.so.conf", look),
    // The loader's own directory is the C library's, and compiled in under every layout of a distribution.
    standard: [
      dirname(interpreter),
      ...(addressBits === 64 ? ["/lib64", "/usr/lib64"] : []),
      "/lib",
      "/usr/lib",
    ],
  };
}

/**
 * The directories in a file in the manner of `/etc/ld.so.conf`, those of included files in place.
 * A file that does not exist names none.
 */
export function parseLoaderConfig(path: string, look: Look = unseen, depth = 0): string[] {
  return readLines(path, look).flatMap((line) => {
    const include = /^include\s+(.+)$/.exec(line)?.[1];
    if (include !== undefined) {
      if (depth === INCLUDE_DEPTH_LIMIT) return [];
      return include.split(/\s+/).flatMap((pattern) => {
        return expand(pattern.startsWith("/") ? pattern : join(dirname(path), pattern), look);
      }).flatMap((file) => parseLoaderConfig(file, look, depth + 1));
    }
    // "hwcap 1 nosegneg" and, in very old files, "/usr/lib=libc6".
    const directory = line.replace(/=.*$/, "").replace(/\/+$/, "");
    return directory.startsWith("/") ? [directory] : [];
  });
}

function readLines(path: string, look: Look): string[] {
  look(path);
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8").split("\n")
    .map((line) => line.replace(/#.*$/, "").trim())
    .filter((line) => line !== "");
}

/** Files that match a pattern with `*` and `?` in its last component: all that configurations use. */
function expand(pattern: string, look: Look): string[] {
  const name = basename(pattern);
  if (!/[*?]/.test(name)) return [pattern];
  const directory = dirname(pattern);
  look(directory);
  if (!existsSync(directory)) return [];
  const expression = new RegExp(
    `^${
      name.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", "[^/]*").replaceAll("?", "[^/]")
    }$`,
  );
  return readdirSync(directory)
    .filter((file) => expression.test(file) && !file.startsWith("."))
    // By code unit: the locale of the build must not decide which library is found first.
    .sort((a, b) => a < b ? -1 : a > b ? 1 : 0)
    .map((file) => join(directory, file));
}
