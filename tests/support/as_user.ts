/**
 * Programs run as a user without privileges.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { chownSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { programPath } from "./program_path.ts";

const NOBODY = 65534;

/** Why tests cannot become another user here; undefined when they can. */
export const cannotBecomeUser: string | undefined = (() => {
  if (process.getuid?.() !== 0 || programPath("setpriv") === undefined) {
    return "needs root and setpriv";
  }
  const self = fileURLToPath(import.meta.url);
  const [program = "", ...args] = asUser(["test", "-r", self], "/");
  return spawnSync(program, args).status === 0
    ? undefined
    : "needs a checkout that others can read";
})();

/** argv that runs a command as nobody. @param home A directory that becomes the user's. */
export function asUser(command: readonly string[], home: string): string[] {
  if (home !== "/") chownSync(home, NOBODY, NOBODY);
  return [
    ...["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", "--"],
    ...["env", `HOME=${home}`, `DENO_DIR=${home}/deno`, `TMPDIR=${home}`, ...command],
  ];
}
