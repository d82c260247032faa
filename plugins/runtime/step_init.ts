/**
 * The first process of a step's namespaces under the `util` runtime: mounts the root's file systems, makes it the root,
 * drops privileges, starts the step and ends with it. Runs as a program of its own.
 *
 * @module
 */
import { spawn, spawnSync } from "node:child_process";
import { openSync, statSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { CAPABILITIES } from "./capabilities.ts";
import { requireTool } from "./find_tool.ts";
import { splitLoaderVariables } from "./loader_variables.ts";
import { MS_MOVE } from "./mount_flags.ts";
import type { PreparedStep } from "./prepared_step.ts";
import { isOfUnknownFormat } from "./program_file.ts";
import { resolveInRoot } from "./resolve_in_root.ts";
import { mountStep } from "./step_mounter.ts";
import { exitCodeOf } from "./step_process.ts";
import { systemCalls } from "./system_calls.ts";
import { type InitOptions, TERMINATE_LINE } from "./util_runtime.ts";

/** As shells have it. */
const CANNOT_EXECUTE = 126;

/** Where the step's root is seen from here once it covers the root of the mount namespace. */
const COVERING_ROOT = "/..";

function setHostname(hostname: string): void {
  try {
    writeFileSync("/proc/sys/kernel/hostname", hostname);
  } catch {
    // The file belongs to the host's root; the call behind hostname(1) asks for root of the user namespace only.
    const { status } = spawnSync("hostname", [hostname], { stdio: "ignore" });
    if (status !== 0) throw new Error("cannot set the host name: install hostname(1)");
  }
}

/**
 * Moves the step's root over the root of this mount namespace. chroot(2) alone would not do: with CAP_SYS_CHROOT,
 * which steps have as under docker, a process can leave a chroot, and finds this same root then.
 */
function coverRoot(root: string): void {
  const wanted = statSync(root);
  process.chdir(root);
  systemCalls().mount(".", "/", "", MS_MOVE, "");
  process.chdir("/");
  const covering = statSync(COVERING_ROOT);
  if (covering.dev !== wanted.dev || covering.ino !== wanted.ino) {
    throw new Error("the step's root does not cover the host's");
  }
}

/** setpriv(1) has the bounding set, groups and gid; unshare(1) then has chroot, directory and uid, keeping those. */
function commandOf(step: PreparedStep, args: readonly string[], canSetGroups: boolean): string[] {
  const { uid, gid, groups } = step.user;
  const bounding = ["-all", ...CAPABILITIES.map((name) => `+${name.toLowerCase()}`)].join(",");
  const groupFlags = !canSetGroups
    ? ["--keep-groups"]
    : groups.length === 0
    ? ["--clear-groups"]
    : [`--groups=${groups.join(",")}`];
  // Absolute: PATH is already the step's.
  return [
    ...[requireTool("setpriv"), `--bounding-set=${bounding}`, `--regid=${gid}`, ...groupFlags],
    ...["--", requireTool("unshare"), `--root=${COVERING_ROOT}`, `--wd=${step.workingDirectory}`],
    ...uid === 0 ? [] : [`--setuid=${uid}`],
    ...["--", ...args],
  ];
}

/** Has a program of the image set what the programs of the host must not see. */
function throughEnv(root: string, variables: readonly string[], args: readonly string[]): string[] {
  if (variables.length === 0) return [...args];
  const env = ["/usr/bin/env", "/bin/env"].find((path) =>
    resolveInRoot(root, path).stats?.isFile() === true
  );
  if (env === undefined) {
    throw new Error(
      `the image has no env(1), and without a container runtime only that can set ${
        variables[0]
      }; install crun`,
    );
  }
  return [env, ...variables, ...args];
}

/** Starts the step; resolves with its exit code. */
function start({ step, canSetGroups }: InitOptions, lines: AsyncIterator<string>): Promise<number> {
  const { plain, loader } = splitLoaderVariables(step.environment);
  mountStep(step);
  if (isOfUnknownFormat(step)) {
    process.stderr.write(`${step.args[0]}: exec format error\n`);
    return Promise.resolve(CANNOT_EXECUTE);
  }
  setHostname(step.hostname);
  if (step.ownNetwork) spawnSync("ip", ["link", "set", "lo", "up"], { stdio: "ignore" });
  const [program = "", ...args] = commandOf(
    step,
    throughEnv(step.root, loader, step.args),
    canSetGroups,
  );
  // Not the host's: what a step has open it may chmod.
  const stdin = openSync(`${step.root}/dev/null`, "r");
  coverRoot(step.root);
  const child = spawn(program, args, {
    cwd: "/",
    env: Object.fromEntries(plain.map(splitVariable)),
    stdio: [stdin, "inherit", "inherit"],
  });
  void terminateOnRequest(lines, () => child.kill("SIGTERM"));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => resolve(exitCodeOf(code, signal)));
  });
}

function splitVariable(variable: string): [string, string] {
  const equals = variable.indexOf("=");
  return [variable.slice(0, equals), variable.slice(equals + 1)];
}

async function terminateOnRequest(
  lines: AsyncIterator<string>,
  terminate: () => void,
): Promise<void> {
  for (let next = await lines.next(); next.done !== true; next = await lines.next()) {
    if (next.value === TERMINATE_LINE) terminate();
  }
  // The worker is gone: nothing of the step may stay.
  process.exit(1);
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const first = await lines.next();
if (first.done === true) process.exit(1);
const options = JSON.parse(first.value) as InitOptions;
try {
  process.exit(await start(options, lines));
} catch (error) {
  writeFileSync(options.failurePath, (error as Error).message);
  process.exit(1);
}
