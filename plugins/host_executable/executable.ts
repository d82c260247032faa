/**
 * `executable()`: a program of the machine that builds, as something to copy from.
 *
 * @module
 */
import { LayerwrightError, source, type SourceValue } from "../../core/mod.ts";

/** The scheme of the identifiers that {@link executable} makes. */
export const HOST_EXECUTABLE_SCHEME = "host-executable";

const NAME = /^[A-Za-z0-9][A-Za-z0-9._+-]*$/;
// "/a//b", "/a/../b" and "/a/" would be other spellings of one place, and other digests.
const FILE_PATH = /^(?:\/(?!\.{1,2}(?:\/|$))[^/\0]+)+$/;

/** Settings of {@link executable}. */
export interface ExecutableOptions {
  /** Where the program goes in the image, absolute; `/usr/bin/` and its name unless given. */
  readonly as?: string;
}

/**
 * A program of the machine that builds, with its interpreter and all libraries it is linked with: enough to run
 * it in an image made from scratch. Nothing is read before the build.
 *
 * Files that a program opens by itself (plugins, locale data, `/etc`) are not part of it.
 *
 * @param program A name, found in `node_modules/.bin`, as the runtime itself, or on `PATH`; an absolute path; a `file:` URL.
 * @throws {LayerwrightError} `OPTION_INVALID` for a relative path.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { executable } from "./executable.ts";
 * assert.equal(executable("bun").identifier, "host-executable://bun");
 * assert.throws(() => executable("./tool"), { code: "OPTION_INVALID" });
 * ```
 */
export function executable(program: string | URL, options: ExecutableOptions = {}): SourceValue {
  const name = typeof program === "string"
    ? program
    : program.protocol === "file:"
    ? process.getBuiltinModule("node:url").fileURLToPath(program)
    : program.href;
  if (!NAME.test(name) && !FILE_PATH.test(name)) {
    throw new LayerwrightError(
      "OPTION_INVALID",
      `Cannot use executable(${JSON.stringify(name)}): neither a name nor an absolute path`,
      { hint: 'write executable(new URL("./tool", import.meta.url)) for a file beside the recipe' },
    );
  }
  const { as } = options;
  if (as === undefined) return source(`${HOST_EXECUTABLE_SCHEME}://${name}`);
  if (!FILE_PATH.test(as)) {
    throw new LayerwrightError(
      "OPTION_INVALID",
      `Cannot place ${name} at ${JSON.stringify(as)}: not the absolute path of a file`,
    );
  }
  return source(`${HOST_EXECUTABLE_SCHEME}://${name}`, { as });
}
