/**
 * Environment variables that make the dynamic loader or the C library read files of one's choice, or a shell run code:
 * where sh(1) is bash, it takes functions from the environment, and `echo` may be one.
 *
 * The host's own programs that lead to a step start in the host's root. Given the step's LD_PRELOAD, they would run
 * whatever file of that name the host has, as root: a cache mount is enough to plant one.
 *
 * @see glibc, sysdeps/generic/unsecvars.h: what the loader itself drops for setuid programs
 * @module
 */

const NAMES: ReadonlySet<string> = new Set([
  "BASHOPTS",
  "GCONV_PATH",
  "GETCONF_DIR",
  "GLIBC_TUNABLES",
  "HOSTALIASES",
  "LANGUAGE",
  "LOCALDOMAIN",
  "LOCPATH",
  "NIS_PATH",
  "NLSPATH",
  "PS4",
  "RESOLV_HOST_CONF",
  "RES_OPTIONS",
  "SHELLOPTS",
  "TMPDIR",
  "TZ",
  "TZDIR",
]);
const PREFIXES: readonly string[] = ["BASH_FUNC_", "LD_", "MALLOC_"];

/** An environment in two parts. */
export interface SplitEnvironment {
  /** Safe to give to a program of the host. */
  readonly plain: readonly string[];
  /** To be set only inside the step's root. */
  readonly loader: readonly string[];
}

/**
 * Splits `NAME=value` lines.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { splitLoaderVariables } from "./loader_variables.ts";
 * const { plain, loader } = splitLoaderVariables(["PATH=/bin", "LD_PRELOAD=/x.so"]);
 * assert.deepEqual([plain, loader], [["PATH=/bin"], ["LD_PRELOAD=/x.so"]]);
 * ```
 */
export function splitLoaderVariables(environment: readonly string[]): SplitEnvironment {
  const steersLoader = (variable: string): boolean => {
    const name = variable.slice(0, variable.indexOf("="));
    return NAMES.has(name) || PREFIXES.some((prefix) => name.startsWith(prefix));
  };
  return {
    plain: environment.filter((variable) => !steersLoader(variable)),
    loader: environment.filter(steersLoader),
  };
}
