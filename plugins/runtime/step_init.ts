/**
 * The first process of a step's namespaces under the `util` runtime: mounts the root's file systems, makes it the root,
 * drops privileges, starts the step and ends with it. Runs as a program of its own.
 *
 * @module
 */
import { spawn, spawnSync } from "node:child_process";
import { fchownSync, openSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { CAPABILITIES } from "./capabilities.ts";
import { requireTool } from "./find_tool.ts";
import { splitLoaderVariables } from "./loader_variables.ts";
import { foreignProgram } from "./foreign_program.ts";
import { MS_MOVE } from "./mount_flags.ts";
import type { PreparedStep } from "./prepared_step.ts";
import { isOfUnknownFormat } from "./program_file.ts";
import { raiseLoopback } from "./raise_loopback.ts";
import { resolveInRoot } from "./resolve_in_root.ts";
import { mountStep } from "./step_mounter.ts";
import { inputPath } from "./step_input.ts";
import { exitCodeOf } from "./step_process.ts";
import { systemCalls } from "./system_calls.ts";
import { prlimitFlags } from "./ulimits.ts";
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

/** Goes into control groups, and then on as another program. */
const ENTER_CGROUPS =
  'while [ "$1" != -- ]; do echo 0 >"$1" || exit 125; shift; done; shift; exec "$@"';

/** setpriv(1) has the bounding set, groups and gid; unshare(1) then has chroot, directory and uid, keeping those. */
function commandOf(step: PreparedStep, args: readonly string[], canSetGroups: boolean): string[] {
  const { uid, gid, groups } = step.user;
  const bounding = ["-all", ...CAPABILITIES.map((name) => `+${name.toLowerCase()}`)].join(",");
  const boundingFlags = step.insecure ? [] : [`--bounding-set=${bounding}`];
  const groupFlags = !canSetGroups
    ? ["--keep-groups"]
    : groups.length === 0
    ? ["--clear-groups"]
    : [`--groups=${groups.join(",")}`];
  const limits = prlimitFlags(step.ulimits);
  // Absolute: PATH is already the step's.
  return [
    ...step.entrances.length === 0
      ? []
      : ["/bin/sh", "-c", ENTER_CGROUPS, "sh", ...step.entrances, "--"],
    ...limits.length === 0 ? [] : [requireTool("prlimit"), ...limits, "--"],
    ...[requireTool("setpriv"), ...boundingFlags, `--regid=${gid}`, ...groupFlags],
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

/** Starts the step; resolves with its exit code. @param lines Ask for its end, where there is room for them. */
function start(
  { step, canSetGroups }: InitOptions,
  lines: AsyncIterator<string> | undefined,
): Promise<number> {
  const { plain, loader } = splitLoaderVariables(step.environment);
  mountStep(step);
  if (isOfUnknownFormat(step) || foreignProgram(step) !== undefined) {
    process.stderr.write(`${step.args[0]}: exec format error\n`);
    return Promise.resolve(CANNOT_EXECUTE);
  }
  setHostname(step.hostname);
  if (step.ownNetwork) raiseLoopback();
  const [program = "", ...args] = commandOf(
    step,
    throughEnv(step.root, loader, step.args),
    canSetGroups,
  );
  // Not the host's: what a step has open it may chmod.
  const stdin = step.input === "terminal"
    ? "inherit"
    : openSync(step.input === "stream" ? inputPath(step) : `${step.devices}/null`, "r");
  if (step.input === "terminal") giveTerminal(step);
  coverRoot(step.root);
  const child = spawn(program, args, {
    cwd: "/",
    env: Object.fromEntries(plain.map(splitVariable)),
    stdio: [stdin, "inherit", "inherit"],
  });
  if (lines !== undefined) void terminateOnRequest(lines, () => child.kill("SIGTERM"));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => resolve(exitCodeOf(code, signal)));
  });
}

/** The terminal was made for the step: without it being the user's, `echo >/dev/stderr` would fail. */
function giveTerminal({ user }: PreparedStep): void {
  try {
    fchownSync(0, user.uid, user.gid);
  } catch {
    // A user namespace of one id: it is that user's.
  }
}

function splitVariable(variable: string): [string, string] {
  const equals = variable.indexOf("=");
  return [variable.slice(0, equals), variable.slice(equals + 1)];
}

async function firstOf(lines: AsyncIterator<string>): Promise<string> {
  const first = await lines.next();
  return first.done === true ? process.exit(1) : first.value;
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

// A step on a terminal has our stdin to itself.
const optionsFile = process.argv[2];
const lines = optionsFile === undefined
  ? createInterface({ input: process.stdin })[Symbol.asyncIterator]()
  : undefined;
const first = lines === undefined ? readFileSync(optionsFile ?? "", "utf8") : await firstOf(lines);
const options = JSON.parse(first) as InitOptions;
try {
  process.exit(await start(options, lines));
} catch (error) {
  writeFileSync(options.failurePath, (error as Error).message);
  process.exit(1);
}
