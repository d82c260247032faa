/**
 * One step from request to layer, inside a worker.
 *
 * @module
 */
import { mkdirSync, renameSync } from "node:fs";
import { LayerwrightError, systemErrorCode } from "../../core/errors.ts";
import type { RunRequest, RunResult } from "../../core/mod.ts";
import { writeLayer } from "../../core/layer/mod.ts";
import { chooseProgram } from "./choose_program.ts";
import { hasRoom } from "./disk_room.ts";
import { READ_ONLY_PATHS } from "./mount_plan.ts";
import { makeUpper, mountOverlay, unmount } from "./overlay.ts";
import { foreignProgram } from "./foreign_program.ts";
import type { OutputSink, RunningStep, StepRuntime } from "./prepared_step.ts";
import { removeTree } from "./remove_tree.ts";
import { resolveInRoot } from "./resolve_in_root.ts";
import { inputKind } from "./step_input.ts";
import { relaySockets } from "./socket_relay.ts";
import { stepDevices } from "./step_devices.ts";
import { prepareMounts } from "./step_mounts.ts";
import { Stubs } from "./stub_layer.ts";
import { checkUlimits, limitsOfProcess, withUlimitHint } from "./ulimits.ts";
import { scanUpper } from "./upper_layer.ts";
import { resolveUser } from "./users.ts";
import type { WorkerContext } from "./worker_context.ts";

/** How long a step that ran out of time may take to end by itself. */
const GRACE_MS = 2000;

/** 24 days. A timer that is set for longer goes off at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** As shells and runtimes have it. */
const CANNOT_EXECUTE = 126;
const NO_ROOM = "the disk of the store is full: the files of the failed step are not kept";

/** What a step runs with. */
export interface StepSurroundings {
  readonly context: WorkerContext;
  readonly runtime: StepRuntime;
  /** Names the step within its session. */
  readonly name: string;
  /** See {@link PreparedStep.entrances}. */
  readonly entrances: readonly string[];
  readonly output: OutputSink;
  /** Ends the step. */
  readonly signal: AbortSignal;
}

/**
 * Runs a step and, when it exits with 0, makes its layer.
 *
 * @throws {LayerwrightError} `BUILD_CANCELLED`; `RUN_UNSUPPORTED`, `RUN_USER_UNKNOWN`, `FILE_MISSING` for what the
 * request asks for and cannot be had; `LAYER_NAME_RESERVED`, `LAYER_INVALID` for changes no layer can hold.
 */
export async function runStep(
  request: RunRequest,
  surroundings: StepSurroundings,
): Promise<RunResult> {
  const { context, name } = surroundings;
  const directory = `${context.options.workDirectory}/${name}`;
  const scratch = `${context.memory}/${name}`;
  mkdirSync(directory);
  mkdirSync(scratch);
  let isOver = false;
  try {
    const result = await runPrepared(request, surroundings, { directory, scratch });
    isOver = true;
    return result;
  } finally {
    removeTree(scratch);
    // Disks are slow to remove directories; meanwhile the engine can do what comes after a step.
    if (isOver) setImmediate(() => removeTree(directory));
    else removeTree(directory);
  }
}

async function runPrepared(
  request: RunRequest,
  { context, runtime, name, entrances, output, signal }: StepSurroundings,
  { directory, scratch }: { readonly directory: string; readonly scratch: string },
): Promise<RunResult> {
  const { lowers, epochSeconds } = request;
  const { userNamespace, links } = context;
  using undo = new DisposableStack();
  const below = mountOverlay({ directory, lowers, userNamespace, links });
  undo.defer(() => unmount(below));
  const user = resolveUser(request.user, below);
  context.checkMapped(user.uid, user.gid);
  const { ulimits = [] } = request;
  if (ulimits.length > 0) checkUlimits(ulimits, limitsOfProcess(userNamespace));
  const insecure = request.security === "insecure";
  const devices = stepDevices(context, scratch, insecure);
  await using relayed = await relaySockets(context, request.mounts, scratch);
  const asked = { ...request, mounts: relayed.mounts };
  const mounts = prepareMounts(context, asked, { below, directory, scratch, devices });
  undo.defer(() => mounts.release());

  const stubs = new Stubs(mounts.targets);
  const base = context.stubLayers.layerOf(stubs);
  const upper = makeUpper(`${directory}/upper`);
  const root = mountOverlay({
    ...{ directory, lowers, base, upper, userNamespace, links },
    devices: insecure,
  });
  const outcome = await (async () => {
    using mounted = new DisposableStack();
    mounted.defer(() => unmount(root));
    stubs.fillGaps(root);
    const isForPeople = request.terminal === true;
    const workingDirectory = isForPeople &&
        resolveInRoot(root, request.workingDirectory).stats?.isDirectory() !== true
      ? "/"
      : request.workingDirectory;
    checkWorkingDirectory(root, workingDirectory, mounts.targets.map(({ path }) => path));
    const running = runtime.start({
      name,
      root,
      args: chooseProgram(root, request),
      environment: environmentOf(request.environment, user.home),
      workingDirectory,
      user,
      hostname: request.hostname,
      ownNetwork: request.network === "none",
      sharesProcesses: context.options.sharesProcesses === true,
      insecure,
      ulimits,
      entrances,
      mounts: mounts.specs,
      readOnlyPaths: insecure ? [] : READ_ONLY_PATHS,
      ...isForPeople ? { input: inputKind() } : {},
      devices,
      scratch,
    }, output);
    try {
      return await supervise(running, request.timeoutMs, signal);
    } catch (error) {
      throw ulimits.length === 0 ? error : withUlimitHint(error, ulimits);
    }
  })();
  if (signal.aborted) {
    throw new LayerwrightError("BUILD_CANCELLED", "Cannot finish the step: it was cancelled");
  }
  if (outcome.exitCode === CANNOT_EXECUTE) refuseForeignProgram(request, below);
  const { layerPath, upperDirectory, failedDirectory } = request;
  if (outcome.exitCode !== 0 || outcome.timedOut) {
    if (failedDirectory === undefined) return { ...outcome, notes: [] };
    if (!hasRoom(directory)) return { ...outcome, notes: [NO_ROOM] };
    stubs.emptyGaps(upper);
    moveInto(upper, failedDirectory);
    return { ...outcome, notes: [] };
  }
  if (layerPath === undefined) return { ...outcome, notes: [] };
  const changes = scanUpper({ upper, below, stubs, epochSeconds });
  const layer = writeLayer(changes.entries, layerPath, { epochSeconds });
  if (upperDirectory !== undefined) {
    changes.settle();
    moveInto(upper, upperDirectory);
  }
  return { ...outcome, layer, notes: changes.notes };
}

/** Where binfmt_misc knows an emulator for it, a program of another platform runs and does not come here. */
function refuseForeignProgram(
  { args, environment, workingDirectory }: RunRequest,
  root: string,
): void {
  const foreign = foreignProgram({ root, args, environment, workingDirectory });
  if (foreign === undefined) return;
  const { path, architecture, fix } = foreign;
  throw new LayerwrightError(
    "RUN_FAILED",
    `Cannot run ${JSON.stringify(args[0])}: exec format error: ${path} is a program for ` +
      `${architecture}, and this machine is ${process.arch === "x64" ? "amd64" : process.arch}`,
    { hint: fix },
  );
}

/** Waits for the end, and brings it about when time is up or the build is. */
async function supervise(
  running: RunningStep,
  timeoutMs: number | undefined,
  signal: AbortSignal,
): Promise<{ exitCode: number; timedOut: boolean }> {
  let timedOut = false;
  const kill = (): void => running.kill();
  const timers: ReturnType<typeof setTimeout>[] = [];
  if (timeoutMs !== undefined) {
    timers.push(setTimeout(() => {
      timedOut = true;
      running.terminate();
      timers.push(setTimeout(kill, GRACE_MS));
    }, Math.min(timeoutMs, MAX_TIMER_MS)));
  }
  signal.addEventListener("abort", kill);
  if (signal.aborted) kill();
  try {
    return { exitCode: await running.exitCode, timedOut };
  } finally {
    timers.forEach(clearTimeout);
    signal.removeEventListener("abort", kill);
  }
}

/**
 * The environment as the step sees it. Every OCI runtime sets HOME when the image does not: programs rely on it.
 * Sorted by name, since Deno starts its children with a sorted one and `RUN env >file` must not tell who ran it.
 */
function environmentOf(environment: readonly string[], home: string): readonly string[] {
  const hasHome = environment.some((variable) => variable.startsWith("HOME="));
  const all = hasHome ? environment : [...environment, `HOME=${home}`];
  const nameOf = (variable: string): string => variable.slice(0, variable.indexOf("="));
  return [...all].sort((a, b) => nameOf(a) < nameOf(b) ? -1 : 1);
}

function checkWorkingDirectory(root: string, path: string, targets: readonly string[]): void {
  const { path: resolved, stats } = resolveInRoot(root, path);
  if (stats?.isDirectory() === true) return;
  // What is inside a mount shows only when it is mounted.
  if (stats === undefined && targets.some((target) => resolved.startsWith(`${target}/`))) return;
  throw new LayerwrightError(
    "FILE_MISSING",
    `Cannot run a step in ${JSON.stringify(path)}: ${
      stats === undefined ? "no such directory in the image" : "it is no directory"
    }`,
    { hint: "create it in a step before" },
  );
}

function moveInto(upper: string, destination: string): void {
  try {
    renameSync(upper, destination);
  } catch (error) {
    // Another build made the same one first; both are the same tree.
    if (!["EEXIST", "ENOTEMPTY"].includes(systemErrorCode(error) ?? "")) throw error;
  }
}
