/**
 * What an engine can do on this machine, and why not more.
 *
 * @module
 */
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { EngineParts } from "../build/engine_parts.ts";
import { LayerwrightError } from "../errors.ts";
import type { Executor, ExecutorProbe, ProbeFinding } from "../execute/executor.ts";
import { executorsNamed } from "../execute/runner_pool.ts";

/** What an executor said of itself. */
export interface ProbedExecutor extends ExecutorProbe {
  readonly name: string;
}

/** What {@link Engine.probe} found. */
export interface EngineProbe {
  /** In the order they are asked. Those that were not asked, since another one was named, are left out. */
  readonly executors: readonly ProbedExecutor[];
  /** The name of the one that would run steps; undefined: none can. */
  readonly chosen: string | undefined;
  /** The folder of the store: whether steps of this machine can have their files there, on which file system. */
  readonly store: ProbeFinding & { readonly home: string };
}

/** Upper directories of an overlay cannot be on these, or SQLite cannot lock its files there. */
const UNFIT: readonly string[] = [
  ...["overlay", "nfs", "nfs4", "cifs", "smb3", "9p"],
  ...["vfat", "exfat", "msdos", "ecryptfs"],
];

/** Asks every executor that may be chosen. */
export async function probeEngine(
  { executors, home }: Pick<EngineParts, "executors" | "home">,
  name?: string,
): Promise<EngineProbe> {
  const store = probeStore(resolve(home));
  const probed: ProbedExecutor[] = [];
  for (const executor of executorsNamed(executors, name)) {
    probed.push(await probeExecutor(executor));
  }
  let chosen: string | undefined;
  for (const { name, usable, required, snapshotVariant } of probed) {
    const isElsewhere = snapshotVariant === undefined;
    if (usable && (store.found || isElsewhere)) chosen = name;
    if (usable || required === true) break;
  }
  return { executors: probed, chosen, store };
}

/** One that cannot even be asked says why. */
async function probeExecutor(executor: Executor): Promise<ProbedExecutor> {
  const { name } = executor;
  try {
    return { name, ...await executor.probe() };
  } catch (error) {
    if (!(error instanceof LayerwrightError)) throw error;
    const detail = [error.message, ...error.details].join("; ");
    const fix = error.hint === undefined ? {} : { fix: error.hint };
    return {
      ...{ name, usable: false, required: true },
      findings: [{ name: "connection", found: false, detail, ...fix }],
    };
  }
}

function probeStore(home: string): EngineProbe["store"] {
  const name = "store";
  const there = nearestFolder(home);
  if (!mayWrite(there)) {
    return {
      ...{ home, name, found: false },
      detail: `${home} cannot be written by this user`,
      fix: "set LAYERWRIGHT_HOME to a folder of your own",
    };
  }
  const type = fileSystemOf(there);
  if (type === undefined || !UNFIT.includes(type)) {
    return { home, name, found: true, detail: type === undefined ? home : `${home} (${type})` };
  }
  return {
    ...{ home, name, found: false },
    detail: `${home} is on ${type}, which cannot hold the files of steps`,
    fix: "set LAYERWRIGHT_HOME to a folder on a disk, or on a tmpfs",
  };
}

/** The folder itself, or the one it would be made in. */
function nearestFolder(path: string): string {
  let there = path;
  while (!existsSync(there) && there !== dirname(there)) there = dirname(there);
  return there;
}

function mayWrite(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The type of the file system that a folder is on; undefined where the kernel does not list them. */
function fileSystemOf(there: string): string | undefined {
  let text: string;
  try {
    text = readFileSync("/proc/self/mountinfo", "utf8");
  } catch {
    return undefined;
  }
  let best = { length: -1, type: "" };
  for (const line of text.split("\n")) {
    // proc(5): id, parent, device, root, mount point, options, any number of fields, "-", type.
    const [head = "", tail = ""] = line.split(" - ");
    const point = (head.split(" ")[4] ?? "").replace(
      /\\([0-7]{3})/g,
      (_, octal) => String.fromCharCode(parseInt(octal, 8)),
    );
    const isAbove = there === point || there.startsWith(point.endsWith("/") ? point : `${point}/`);
    // Of two on the same point the later one hides the other.
    if (point !== "" && isAbove && point.length >= best.length) {
      best = { length: point.length, type: tail.split(" ")[0] ?? "" };
    }
  }
  return best.type === "" ? undefined : best.type;
}
