/**
 * Programs run as a user without privileges who has subordinate ids, as a desktop user has.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { asUser, cannotBecomeUser } from "./as_user.ts";
import { programPath } from "./program_path.ts";
import { temporaryDirectory } from "./temporary_directory.ts";

const TOOLS = ["unshare", "mount", "newuidmap", "newgidmap"];

/** Why tests cannot become such a user here; undefined when they can. */
export const cannotHaveIds: string | undefined = (() => {
  if (cannotBecomeUser !== undefined) return cannotBecomeUser;
  const missing = TOOLS.find((name) => programPath(name) === undefined);
  if (missing !== undefined) return `needs ${missing}`;
  if (!["/etc/subuid", "/etc/subgid"].every((path) => existsSync(path))) {
    return "needs /etc/subuid and /etc/subgid";
  }
  using home = temporaryDirectory();
  const own = ["unshare", "--user", "--map-auto", "--map-root-user", "true"];
  const [program = "", ...args] = asUserWithIds(own, home.path);
  return spawnSync(program, args).status === 0 ? undefined : "needs user namespaces for users";
})();

/**
 * argv that runs a command as nobody with 65,536 subordinate ids; what the machine says of ids is not changed.
 *
 * @param home A directory that becomes the user's.
 * @param ids False for a user who has none, whatever the machine gives him.
 */
export function asUserWithIds(
  command: readonly string[],
  home: string,
  ids = true,
): string[] {
  const file = join(home, "subordinate-ids");
  writeFileSync(file, ids ? "nobody:200000:65536\n" : "");
  const mounts = 'mount --bind "$1" /etc/subuid && mount --bind "$1" /etc/subgid && shift';
  return [
    ...["unshare", "--mount", "sh", "-c", `${mounts} && exec "$@"`, "sh", file],
    // Its temporary folder is closed to his subordinate ids.
    ...asUser(["env", "TMPDIR=/tmp", ...command], home),
  ];
}
