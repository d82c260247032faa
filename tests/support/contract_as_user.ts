/**
 * A test file run once more as a user who has nothing but user namespaces.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { host } from "../../core/host/mod.ts";
import { asUser, cannotBecomeUser } from "./as_user.ts";
import { startChild } from "./child.ts";
import { programPath } from "./program_path.ts";
import { temporaryDirectory } from "./temporary_directory.ts";

/** What is otherwise around that user; done by root in a mount namespace that ends with the tests. */
export type UserSurroundings =
  /** The user has a range of ids. */
  | "subordinate-ids"
  /** Parts of /proc are covered, as in containers. */
  | "covered-proc";

const PREPARATIONS: Readonly<Record<UserSurroundings, string>> = {
  "subordinate-ids": 'mount --bind "$0" /etc/subuid && mount --bind "$0" /etc/subgid',
  "covered-proc": "mount -t tmpfs -o ro none /proc/fs && mount --bind /dev/null /proc/keys",
};
const SUBORDINATE_IDS = "nobody:100000:65536\n65534:100000:65536\n";

/** Declares the test. @param file Below `tests/contracts`. */
export function contractAsUser(file: string, surroundings?: UserSurroundings): void {
  const skip = cannotBecomeUser ?? (surroundings && cannotPrepare(surroundings)) ??
    (surroundings && isRepeated(file)) ?? false;
  const where = surroundings === undefined ? "without privileges" : `with ${surroundings}`;
  const name = `${file} passes for a user ${where}${skip === false ? "" : ` (${skip})`}`;
  test(name, { skip, timeout: 120_000 }, async () => {
    using home = temporaryDirectory();
    const command = asUser(contractCommand(file), home.path);
    using ids = temporaryDirectory();
    await using child = startChild(
      surroundings === undefined ? command : prepared(surroundings, command, ids.path),
    );
    await child.succeeded();
    if (surroundings === "subordinate-ids") {
      // Of ids that nobody has here, and so root's to remove.
      spawnSync("find", [home.path, "-mindepth", "1", "-delete"], { stdio: "ignore" });
    }
  });
}

/** Whoever runs a step, what is around the user is the worker's; the runtime's part of that one executor shows. */
function isRepeated(file: string): string | undefined {
  return host.runtime === "deno" && /executor_(runc|util)/.test(file)
    ? "runs under Bun; under Deno executor_oci does"
    : undefined;
}

/** argv that runs a test file on this runtime. @param file Below `tests/contracts`. */
export function contractCommand(file: string): string[] {
  const path = fileURLToPath(new URL(`../contracts/${file}`, import.meta.url));
  return host.runtime === "deno"
    ? [process.execPath, "test", "-A", "--no-check", "--no-lock", path]
    : [process.execPath, "test", "--timeout", "120000", path];
}

/** argv that prepares the surroundings and runs a command in them. */
function prepared(
  surroundings: UserSurroundings,
  command: readonly string[],
  directory: string,
): string[] {
  const ids = join(directory, "ids");
  writeFileSync(ids, SUBORDINATE_IDS);
  const script = `${PREPARATIONS[surroundings]} && exec "$@"`;
  const shell = ["sh", "-c", script, ids, ...command];
  return ["unshare", "--mount", "--propagation", "private", "--", ...shell];
}

function cannotPrepare(surroundings: UserSurroundings): string | undefined {
  using directory = temporaryDirectory();
  const [program = "", ...args] = prepared(surroundings, ["true"], directory.path);
  const { status } = spawnSync(program, args, { stdio: "ignore" });
  if (status !== 0) return "needs mount namespaces";
  return surroundings === "subordinate-ids" && programPath("newuidmap") === undefined
    ? "needs newuidmap"
    : undefined;
}
