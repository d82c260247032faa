/** The recipes of another checkout, somebody else's, give the digests that this one gives. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readdirSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { executorLadder } from "../../plugins/runtime/mod.ts";
import { asUser, cannotBecomeUser } from "../support/as_user.ts";
import { programPath } from "../support/program_path.ts";
import { runtimeCommands } from "../support/runtimes.ts";
import { temporaryDirectory } from "../support/temporary_directory.ts";

const CHECKOUT = fileURLToPath(new URL("../..", import.meta.url));
const PARTS = ["core", "plugins", "recipes", "mod.ts", "deno.json", "package.json"];
const OFFLINE = ["hello", "static_site"];
const DIGEST = /^sha256:[0-9a-f]{64}\n$/;

/** Where, how and by whom recipes are run. */
interface Surroundings {
  readonly umask: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly asNobody?: boolean;
  readonly thisRuntimeOnly?: boolean;
}

const HERE: Surroundings = {
  umask: "022",
  environment: { TZ: "UTC", LANG: "C.UTF-8", LC_ALL: "C.UTF-8" },
  // The other runtime is asked elsewhere.
  thisRuntimeOnly: true,
};
const ELSEWHERE: readonly Surroundings[] = [
  {
    umask: "077",
    environment: { TZ: "Pacific/Kiritimati", LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8" },
  },
  { umask: "002", environment: { TZ: "America/St_Johns", LANG: "C", LC_ALL: "C" } },
];

function runChecked(command: readonly string[], environment: Record<string, string>): string {
  const [program = "", ...args] = command;
  const env = { ...process.env, ...environment };
  const { stdout, stderr, status } = spawnSync(program, args, {
    encoding: "utf8",
    env,
    cwd: "/",
    timeout: 60_000,
  });
  assert.equal(status, 0, `${command.join(" ")}: ${stderr}`);
  return stdout;
}

const withUmask = (umask: string, command: readonly string[]): string[] => [
  ...["sh", "-c", 'umask "$1"; shift; exec "$@"', "sh", umask],
  ...command,
];

/** What a checkout's recipes print on each runtime, this one first, each time with an empty store. */
function digestsIn(
  checkout: string,
  recipes: readonly string[],
  { umask, environment, asNobody = false, thisRuntimeOnly = false }: Surroundings,
): Record<string, string[]> {
  const digests = recipes.map((name): [string, string[]] => [
    name,
    runtimeCommands(join(checkout, "recipes", `${name}.ts`)).slice(
      0,
      thisRuntimeOnly ? 1 : undefined,
    ).map((command) => {
      using home = temporaryDirectory();
      const umasked = withUmask(umask, command);
      return runChecked(asNobody ? asUser(umasked, home.path) : umasked, {
        ...environment,
        LAYERWRIGHT_HOME: join(home.path, "store"),
      });
    }),
  ]);
  return Object.fromEntries(digests);
}

/** Copies the checkout as a clone under that umask would be, owned by nobody if nobody is to use it. */
function cloneInto(folder: string, { umask, asNobody = false }: Surroundings): string {
  const clone = join(folder, "another folder ü");
  mkdirSync(clone);
  const sources = PARTS.map((part) => join(CHECKOUT, part));
  runChecked(withUmask(umask, ["cp", "-R", ...sources, clone]), {});
  symlinkSync(join(CHECKOUT, "node_modules"), join(clone, "node_modules"));
  const mask = Number.parseInt(umask, 8);
  for (const path of pathsBelow(clone)) {
    // What `cp` leaves out; it adds nothing.
    chmodSync(path, ((statSync(path).mode & 0o111) === 0 ? 0o666 : 0o777) & ~mask);
  }
  if (asNobody) { for (const path of [folder, clone, ...pathsBelow(clone)]) give(path); }
  return clone;
}

function pathsBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isSymbolicLink()) return [];
    return entry.isDirectory() ? [path, ...pathsBelow(path)] : [path];
  });
}

function give(path: string): void {
  chownSync(path, 65_534, 65_534);
}

/** Checks that all are the same, and gives the one of each recipe. */
function onlyOne(digests: Record<string, string[]>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(digests).map(([name, found]) => {
      assert.equal(new Set(found).size, 1, `${name}: ${found.join(" ")}`);
      assert.match(found[0] ?? "", DIGEST);
      return [name, found[0] ?? ""];
    }),
  );
}

const isPosix = process.platform !== "win32";

test("another checkout gives the same digests, in another folder, time zone, locale and umask", {
  skip: !isPosix && "needs a POSIX shell",
  timeout: 120_000,
}, () => {
  const here = onlyOne(digestsIn(CHECKOUT, OFFLINE, HERE));
  for (const surroundings of ELSEWHERE) {
    using folder = temporaryDirectory();
    const clone = cloneInto(folder.path, surroundings);
    assert.deepEqual(onlyOne(digestsIn(clone, OFFLINE, surroundings)), here);
  }
});

test(
  `another user's checkout gives the same digests${
    cannotBecomeUser === undefined ? "" : ` (${cannotBecomeUser})`
  }`,
  { skip: cannotBecomeUser !== undefined, timeout: 120_000 },
  () => {
    const here = onlyOne(digestsIn(CHECKOUT, OFFLINE, HERE));
    for (const surroundings of ELSEWHERE) {
      using folder = temporaryDirectory();
      const theirs = { ...surroundings, asNobody: true };
      const clone = cloneInto(folder.path, theirs);
      assert.deepEqual(onlyOne(digestsIn(clone, OFFLINE, theirs)), here);
    }
  },
);

const probes = await Promise.all(executorLadder().map((executor) => executor.probe()));
const noRun = !probes.some(({ usable }) => usable) || programPath("sh") === undefined;

test(
  "another checkout gives the same digest of a recipe that runs a program (needs an executor)",
  { skip: noRun && "needs an executor", timeout: 120_000 },
  () => {
    const here = onlyOne(digestsIn(CHECKOUT, ["app"], HERE));
    const [elsewhere] = ELSEWHERE;
    if (elsewhere === undefined) throw new Error("nowhere else");
    using folder = temporaryDirectory();
    const clone = cloneInto(folder.path, elsewhere);
    assert.deepEqual(onlyOne(digestsIn(clone, ["app"], elsewhere)), here);
  },
);
