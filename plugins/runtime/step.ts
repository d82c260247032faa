/**
 * One step from request to layer, inside a worker.
 *
 * @module
 */
import { mkdirSync, renameSync } from "node:fs";
import { LayerwrightError, systemErrorCode } from "../../core/errors.ts";
import type { RunRequest, RunResult } from "../../core/mod.ts";
import { writeLayer } from "../../core/layer/mod.ts";
import { READ_ONLY_PATHS } from "./mount_plan.ts";
import { makeUpper, mountOverlay, unmount } from "./overlay.ts";
import type { OutputSink, RunningStep, StepRuntime } from "./prepared_step.ts";
import { removeTree } from "./remove_tree.ts";
import { resolveInRoot } from "./resolve_in_root.ts";
import { prepareMounts } from "./step_mounts.ts";
import { Stubs } from "./stub_layer.ts";
import { scanUpper } from "./upper_layer.ts";
import { resolveUser } from "./users.ts";
import type { WorkerContext } from "./worker_context.ts";

/** How long a step that ran out of time may take to end by itself. */
const GRACE_MS = 2000;

/** What a step runs with. */
export interface StepSurroundings {
  readonly context: WorkerContext;
  readonly runtime: StepRuntime;
  /** Names the step within its session. */
  readonly name: string;
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
  if (request.security === "insecure") {
    throw new LayerwrightError(
      "RUN_UNSUPPORTED",
      'Cannot run a step with security "insecure": not supported yet',
      {
        hint: 'remove the security setting of this step, or make it "sandbox"',
      },
    );
  }
  const { context, name } = surroundings;
  const directory = `${context.options.workDirectory}/${name}`;
  const scratch = `${context.memory}/${name}`;
  mkdirSync(directory);
  mkdirSync(scratch);
  try {
    return await runPrepared(request, surroundings, { directory, scratch });
  } finally {
    removeTree(scratch);
    removeTree(directory);
  }
}

async function runPrepared(
  request: RunRequest,
  { context, runtime, name, output, signal }: StepSurroundings,
  { directory, scratch }: { readonly directory: string; readonly scratch: string },
): Promise<RunResult> {
  const { lowers, epochSeconds } = request;
  const { userNamespace } = context;
  using undo = new DisposableStack();
  mkdirSync(`${directory}/below`);
  const below = mountOverlay({ directory: `${directory}/below`, lowers, userNamespace });
  undo.defer(() => unmount(below));
  const user = resolveUser(request.user, below);
  context.checkMapped(user.uid, user.gid);
  const mounts = prepareMounts(context, request, { below, directory, scratch });
  undo.defer(() => mounts.release());

  const stubs = new Stubs(mounts.targets);
  const base = makeUpper(`${directory}/stubs`);
  stubs.makeLayer(base);
  const upper = makeUpper(`${directory}/upper`);
  mkdirSync(`${directory}/step`);
  const root = mountOverlay({ directory: `${directory}/step`, lowers, base, upper, userNamespace });
  const outcome = await (async () => {
    using mounted = new DisposableStack();
    mounted.defer(() => unmount(root));
    stubs.fillGaps(root);
    checkWorkingDirectory(root, request.workingDirectory, mounts.targets.map(({ path }) => path));
    const running = runtime.start({
      name,
      root,
      args: request.args,
      environment: environmentOf(request.environment, user.home),
      workingDirectory: request.workingDirectory,
      user,
      hostname: request.hostname,
      ownNetwork: request.network === "none",
      mounts: mounts.specs,
      readOnlyPaths: READ_ONLY_PATHS,
      scratch,
    }, output);
    return await supervise(running, request.timeoutMs, signal);
  })();
  if (signal.aborted) {
    throw new LayerwrightError("BUILD_CANCELLED", "Cannot finish the step: it was cancelled");
  }
  const { layerPath, upperDirectory, failedDirectory } = request;
  if (outcome.exitCode !== 0 || outcome.timedOut) {
    if (failedDirectory !== undefined) moveInto(upper, failedDirectory);
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
    }, timeoutMs));
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
