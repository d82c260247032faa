/**
 * Builds with RUN steps, killed at random moments: the engine's process, the worker, the runtime, the step. Nothing of
 * them stays, the store is whole, and the next build is right.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { host } from "../../core/host/mod.ts";
import { processToken } from "../../core/store/process_token.ts";
import { executorLadder } from "../../plugins/runtime/mod.ts";
import { surroundingsOf } from "../support/executor_surroundings.ts";
import { killableImage, MARK_VARIABLE, runEngine } from "../support/killable_step.ts";
import { temporaryDirectory } from "../support/temporary_directory.ts";
import { validateStore } from "../support/validate_store.ts";

const ROUNDS = Number(process.env.LAYERWRIGHT_KILL_ROUNDS ?? 12);
const SEED = 20_262;
/** About how long the child works, and how long the other victims live. */
const LIVES_MS: Readonly<Record<Victim, number>> = {
  engine: 600,
  worker: 350,
  runtime: 250,
  step: 250,
};
const CHILD = fileURLToPath(new URL("../support/run_until_killed.ts", import.meta.url));

type Victim = "engine" | "worker" | "runtime" | "step";
const VICTIMS: readonly Victim[] = ["engine", "worker", "runtime", "step"];

interface Process {
  readonly pid: number;
  readonly victim: Victim;
}

/** All processes that belong to a home, but this one. */
function processesOf(home: string, engine: number | undefined): Process[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).flatMap((pid) => {
    if (pid === process.pid) return [];
    const [environment, command, mounts] = ["environ", "cmdline", "mountinfo"].map((file) => {
      try {
        return readFileSync(`/proc/${pid}/${file}`, "utf8");
      } catch {
        // Gone meanwhile, or not ours.
        return "";
      }
    });
    const ofStep = environment?.includes(`${MARK_VARIABLE}=${home}\0`) === true;
    if (!ofStep && ![environment, command, mounts].some((text) => text?.includes(home))) return [];
    const victim: Victim = pid === engine
      ? "engine"
      : ofStep
      ? "step"
      : /runtime\/worker\./.test(command ?? "")
      ? "worker"
      : "runtime";
    return [{ pid, victim }];
  }).sort((a, b) => a.pid - b.pid);
}

/** Kills one process of a kind at a random moment. @returns what the child said, if it could. */
async function killOne(
  home: string,
  { executor, number, victim, random }: {
    readonly executor: string;
    readonly number: number;
    readonly victim: Victim;
    readonly random: () => number;
  },
): Promise<{ readonly said: string; readonly killed: boolean; readonly engine: number }> {
  const { child, ended } = startBuild(home, executor, number);
  const engine = child.pid ?? 0;
  const candidates = (): Process[] =>
    processesOf(home, engine).filter((one) => one.victim === victim);
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null;
  while (candidates().length === 0 && !isOver()) await wait(2);
  await Promise.race([wait(random() * LIVES_MS[victim]), ended]);
  let killed = false;
  // The build may be over before.
  while (!killed && !isOver()) {
    const alive = candidates();
    // The step's first process has the lowest number; its children come and go.
    const chosen = alive[victim === "step" ? 0 : Math.floor(random() * alive.length)];
    if (chosen === undefined) await wait(2);
    else killed = kill(chosen.pid);
  }
  return { said: await ended, killed, engine };
}

/** Starts a build in a process of its own, as the next one on a command line is; it ends with what it said. */
function startBuild(
  home: string,
  executor: string,
  number: number,
): { readonly child: ChildProcess; readonly ended: Promise<string> } {
  const [program = "", ...args] = host.selfCommand(CHILD);
  const child = spawn(program, [...args, home, executor, String(number)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => said += text);
  return { child, ended: once(child, "close").then(() => said.trim()) };
}

function kill(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch {
    return false;
  }
}

/** The kernel ends the processes of a namespace one after another. */
async function nothingIsLeft(home: string, patienceMs = 10_000): Promise<void> {
  const start = performance.now();
  for (
    let left = processesOf(home, undefined);
    left.length > 0;
    left = processesOf(home, undefined)
  ) {
    const shown = (): string =>
      left.map(({ pid, victim }) => `${victim} ${pid} ${commandOf(pid)}`).join("; ");
    assert.ok(performance.now() - start < patienceMs, `still there: ${shown()}`);
    await wait(5);
  }
  assert.ok(!readFileSync("/proc/self/mountinfo", "utf8").includes(home), "a mount is left");
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

/** Control groups of steps whose engine was this process: it is in the token of their names. */
function groupsOf(engine: number): string[] {
  return below("/sys/fs/cgroup", 4).filter((path) => isGroupOf(basename(path), engine));
}

function isGroupOf(name: string, engine: number): boolean {
  return name.startsWith("layerwright.") && name.split(/[_.]/).includes(String(engine));
}

/** Where container runtimes keep their state unless told otherwise, and where network namespaces have names. */
function sharedState(): string[] {
  return ["/run/crun", "/run/runc", "/run/netns"].flatMap((directory) => below(directory, 1));
}

function below(directory: string, depth: number): string[] {
  if (depth === 0) return [];
  try {
    return readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory())
      .flatMap(({ name }) => [join(directory, name), ...below(join(directory, name), depth - 1)]);
  } catch {
    return [];
  }
}

/** Numbers that look random and are the same every time. */
function pseudoRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

for (const executor of executorLadder()) {
  const { skip } = await surroundingsOf(executor);
  const name =
    `${executor.name}: whatever is killed during a step leaves nothing, and the next build is right ` +
    `(${ROUNDS} rounds, seed ${SEED})`;
  test(
    skip === undefined ? name : `${name} (${skip})`,
    { skip: skip ?? false, timeout: 120_000 + ROUNDS * 4000 },
    async () => {
      using temporary = temporaryDirectory();
      const [home, cleanHome] = [join(temporary.path, "home"), join(temporary.path, "clean")];
      const clean = runEngine(cleanHome, executor.name);
      const imageIdOf = async (number: number): Promise<string> =>
        (await clean.build(killableImage(number, home), { progress: "none" })).imageId;
      assert.ok(
        isGroupOf(`layerwright.${processToken()}.1`, process.pid),
        "groups are named otherwise",
      );
      const stateBefore = sharedState();
      await startBuild(home, executor.name, -1).ended;
      const random = pseudoRandom(SEED);
      let killedRounds = 0;
      for (let number = 0; number < ROUNDS; number++) {
        const victim = VICTIMS[number % VICTIMS.length] ?? "engine";
        const { said, killed, engine } = await killOne(home, {
          executor: executor.name,
          number,
          victim,
          random,
        });
        killedRounds += killed ? 1 : 0;
        const round = `round ${number}, ${victim} ${killed ? "killed" : "not killed"}: ${said}`;
        // A program that was killed while it told what it can do is as good as missing.
        if (victim !== "engine") assert.match(said, /^(sha256:|RUN_|RUNTIME_MISSING)/, round);
        await nothingIsLeft(home);
        if (number % 10 === 9) await validateStore(runEngine(home, executor.name), home);
        const next = await startBuild(home, executor.name, number).ended;
        assert.equal(next, await imageIdOf(number), round);
        assert.deepEqual(readdirSync(join(home, "tmp")), [], round);
        assert.deepEqual(groupsOf(engine), [], round);
      }
      assert.ok(
        killedRounds > ROUNDS / 2,
        `only ${killedRounds} of ${ROUNDS} rounds killed anything`,
      );
      await validateStore(runEngine(home, executor.name), home);
      await nothingIsLeft(temporary.path);
      assert.deepEqual(sharedState(), stateBefore);
    },
  );
}
