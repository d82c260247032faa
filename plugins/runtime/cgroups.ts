/**
 * The control group of a step: limits of memory and processes for all that the step starts. Made by the engine's
 * process and not the worker, so that it can be removed however the worker ends.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { systemErrorCode } from "../../core/errors.ts";
import type { Resources, RunResult } from "../../core/mod.ts";
import { isProcessGone, processToken } from "../../core/store/process_token.ts";
import {
  type CgroupController,
  type CgroupPlace,
  findCgroupPlace,
  ownCgroupFiles,
} from "./cgroup_place.ts";

/** Limits of one step, in force until it is disposed. */
export interface StepLimits extends AsyncDisposable {
  /** Writing "0" to each of them puts a process in. */
  readonly entrances: readonly string[];
  /** A result, with what the limits did and which ones could not be set. */
  tellOf(result: RunResult): RunResult;
}

/** One controller's limit: the same number in the file of each version. */
interface Limit {
  readonly controller: CgroupController;
  readonly value: number;
  /** What it limits, for people. */
  readonly text: string;
}

const PREFIX = "layerwright.";
/** The files of the limits, by the version of control groups. */
const FILES: Readonly<Record<CgroupController, Readonly<Record<1 | 2, string>>>> = {
  memory: { 1: "memory.limit_in_bytes", 2: "memory.max" },
  pids: { 1: "pids.max", 2: "pids.max" },
};
/** The kernel lets go of processes some time after it ended them. */
const REMOVE_ATTEMPTS = 400;
const REMOVE_INTERVAL_MS = 10;
const FIX = "memory and pids limits need control groups that this user may write: build as root, " +
  "or start the build with `systemd-run --user --scope -p Delegate=yes …`";

let groupCount = 0;
const swept = new Set<string>();

/**
 * Makes the control groups for what a step may use.
 *
 * @param resources Nothing is made if it is undefined or empty.
 */
export function limitStep(resources: Resources = {}): StepLimits {
  const { memoryBytes, pids } = resources;
  const limits: Limit[] = [
    ...memoryBytes === undefined ? [] : [
      {
        controller: "memory",
        value: memoryBytes,
        text: `memory (${memoryBytes} bytes)`,
      } as const,
    ],
    ...pids === undefined
      ? []
      : [{ controller: "pids", value: pids, text: `pids (${pids})` } as const],
  ];
  const groups = new Set<string>();
  const notes: string[] = [];
  if (limits.length > 0) {
    const files = ownCgroupFiles();
    const name = `${PREFIX}${processToken()}.${++groupCount}`;
    for (const limit of limits) {
      const found = findCgroupPlace(limit.controller, files);
      const reason = "reason" in found ? found.reason : setLimit(found.place, name, limit, groups);
      if (reason !== undefined) {
        notes.push(`no limit of ${limit.text} for this step: ${reason}; ${FIX}`);
      }
    }
  }
  return {
    entrances: [...groups].map((group) => `${group}/cgroup.procs`),
    tellOf(result): RunResult {
      if (groups.size === 0 && notes.length === 0) return result;
      const outOfMemory = counted(groups, ["memory.oom_control", "memory.events"], "oom_kill");
      const killed = outOfMemory && result.exitCode === 0
        ? [`the kernel ended a process of this step: it was over ${memoryBytes} bytes of memory`]
        : [];
      const refused = counted(groups, ["pids.events"], "max")
        ? [`this step could not start a process: it has a limit of ${pids} at a time`]
        : [];
      return {
        ...result,
        ...outOfMemory ? { outOfMemory } : {},
        notes: [...result.notes, ...notes, ...killed, ...refused],
      };
    },
    async [Symbol.asyncDispose](): Promise<void> {
      for (const group of groups) await removeGroup(group);
    },
  };
}

/** @returns why it cannot be set. */
function setLimit(
  { version, directory }: CgroupPlace,
  name: string,
  { controller, value }: Limit,
  groups: Set<string>,
): string | undefined {
  const group = `${directory}/${name}`;
  // Of version 2, memory and pids have one group.
  const isNew = !groups.has(group);
  const undo = (): void => {
    if (isNew && groups.delete(group)) void removeGroup(group);
  };
  try {
    sweep(directory);
    mkdirSync(group, { recursive: true });
    groups.add(group);
    writeFile(`${group}/${FILES[controller][version]}`, value);
    if (controller === "memory") keepFromSwap(group, version, value);
    // A process that cannot get in has to be known of before the step is started. Not by opening the file: who may
    // move a process depends on where it comes from.
    const script = 'echo 0 >"$1"';
    const { status } = spawnSync("/bin/sh", ["-c", script, "sh", `${group}/cgroup.procs`], {
      stdio: "ignore",
    });
    if (status === 0) return undefined;
    undo();
    return `no process can be put below ${directory}, or none fits`;
  } catch (error) {
    undo();
    return `${directory} cannot be written (${systemErrorCode(error) ?? (error as Error).message})`;
  }
}

/** Limits of memory are no limits while there is swap. Kernels without swap accounting have no such files. */
function keepFromSwap(group: string, version: 1 | 2, value: number): void {
  const [file, text] = version === 1
    ? [`${group}/memory.memsw.limit_in_bytes`, value]
    : [`${group}/memory.swap.max`, 0];
  if (existsSync(file)) writeFile(file, text);
}

/** Never creates a file: what is no control group must not look like one. */
function writeFile(path: string, value: number): void {
  writeFileSync(path, String(value), { flag: "r+" });
}

/** Whether something has happened in a group. The versions count in different files with the same words. */
function counted(groups: ReadonlySet<string>, names: readonly string[], word: string): boolean {
  const isCounted = new RegExp(`^${word} [1-9]`, "m");
  return [...groups].some((group) =>
    names.some((name) => {
      try {
        return isCounted.test(readFileSync(`${group}/${name}`, "utf8"));
      } catch {
        return false;
      }
    })
  );
}

/** Removes what a killed engine left. Its steps ended with it: their groups are empty, or their end is near. */
function sweep(directory: string): void {
  if (swept.has(directory)) return;
  swept.add(directory);
  for (const name of readdirSync(directory)) {
    const token = name.startsWith(PREFIX) ? name.slice(PREFIX.length).split(".")[0] : undefined;
    if (token !== undefined && isProcessGone(token)) void removeGroup(`${directory}/${name}`);
  }
}

/** Ends whatever is left in a group. Gives up when the kernel does not let go: the next build tries again. */
async function removeGroup(group: string): Promise<void> {
  for (let attempt = 0; attempt < REMOVE_ATTEMPTS; attempt++) {
    try {
      return rmdirSync(group);
    } catch (error) {
      if (systemErrorCode(error) !== "EBUSY") return;
    }
    for (const pid of processesIn(group)) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended meanwhile.
      }
    }
    await wait(REMOVE_INTERVAL_MS);
  }
}

function processesIn(group: string): number[] {
  try {
    // 0 stands for a process of a pid namespace that is not seen from here.
    return readFileSync(`${group}/cgroup.procs`, "utf8").split("\n").map(Number)
      .filter((pid) => pid > 0);
  } catch {
    return [];
  }
}
