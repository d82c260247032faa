/** Whatever system calls a step makes, across three layers: its layer shows what the step saw, in every executor. */
import assert from "node:assert/strict";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import type { Executor } from "../../core/execute/executor.ts";
import type { FileEntry } from "../../core/layer/file_entry.ts";
import { stackTrees } from "../../core/layer/tree.ts";
import { executable } from "../../plugins/host_executable/executable.ts";
import { programEntries } from "../../plugins/host_executable/program_entries.ts";
import { ociExecutor, utilExecutor } from "../../plugins/runtime/mod.ts";
import { surroundingsOf } from "../support/executor_surroundings.ts";
import { extractEntries } from "../support/extract_entries.ts";
import {
  FIRST_LAYER,
  LISTING,
  listTree,
  operations,
  parseListing,
} from "../support/file_operations.ts";
import { programPath } from "../support/program_path.ts";
import { type FinishedStep, openStepFixture, type StepFixture } from "../support/step_fixture.ts";

const RUNS = Number(process.env.LAYERWRIGHT_PROPERTY_RUNS ?? 12);
const SEED = 41;
/** Later than the times that operations set, earlier than the clock. */
const EPOCH = 1000;
const TOOLS = ["setfattr", "getfattr"] as const;
const MORE_APPLETS = ["truncate", "unlink", "rm", "mv", "cp"];

const candidates: readonly (readonly [name: string, executor: Executor])[] = [
  ["crun", ociExecutor({ runtime: "crun" })],
  ["util", utilExecutor()],
  ["runc", ociExecutor({ runtime: "runc" })],
];

interface Place {
  readonly name: string;
  readonly fixture: StepFixture;
  /** Under all of them: the programs. */
  readonly root: readonly string[];
}

/** The programs of this machine that tell and set extended attributes, as a layer. */
function makeTools(directory: string): void {
  const entries = new Map<string, FileEntry>();
  for (const tool of TOOLS) {
    const { identifier, attributes } = executable(tool, { as: `/bin/${tool}` });
    const architecture = process.arch === "x64" ? "amd64" : process.arch;
    const platform = { os: "linux", architecture };
    const op = { type: "source", identifier, attributes, platform } as const;
    for (const entry of programEntries(op, process.cwd())) entries.set(entry.path, entry);
  }
  mkdirSync(directory);
  extractEntries([...entries.values()].sort((a, b) => a.path < b.path ? -1 : 1), directory);
  for (const name of MORE_APPLETS) {
    try {
      symlinkSync("busybox", join(directory, "bin", name));
    } catch {
      // The library folder of the tools may be a link: then bin is where the fixture has it.
    }
  }
}

function openPlace(name: string, fixture: StepFixture): Place {
  const tools = fixture.path();
  makeTools(tools);
  return { name, fixture, root: [tools, fixture.lower] };
}

/** Runs operations, then lists; both see the same files. */
function runOperations(
  { fixture }: Place,
  script: string,
  lowers: readonly string[],
): Promise<FinishedStep> {
  return fixture.run(`set +e; ( ${script}\n) >/dev/null 2>&1; ${LISTING}`, {
    lowers,
    epochSeconds: EPOCH,
    timeoutMs: 20_000,
  });
}

/** A layer unpacked on what was below it shows the same as what the step left. */
async function checkUnpacked(
  { fixture }: Place,
  step: FinishedStep,
  lowers: readonly string[],
): Promise<void> {
  const unpacked = fixture.path();
  mkdirSync(unpacked);
  await fixture.session.unpack({ tarPath: step.layerPath, lowers, directory: unpacked });
  const seen = parseListing(step.stdout, EPOCH);
  for (const top of [unpacked, step.upper]) {
    const again = await fixture.run(LISTING, { lowers: [top, ...lowers], epochSeconds: EPOCH });
    assert.equal(again.result.layer?.entryCount, 0);
    assert.deepEqual(parseListing(again.stdout, EPOCH), seen);
  }
}

const missing = TOOLS.find((tool) => programPath(tool) === undefined);
const usable: (readonly [string, Executor])[] = [];
let skip: string | undefined;
for (const [name, executor] of candidates) {
  const surroundings = await surroundingsOf(executor);
  if (surroundings.skip === undefined) usable.push([name, executor]);
  else skip ??= surroundings.skip;
}
const obstacle = missing === undefined
  ? usable.length === 0 ? skip : undefined
  : `needs ${missing}`;
const title = `a step's layer shows what its system calls left, and is the same in ${
  usable.map(([name]) => name).join(", ")
} (${RUNS} runs, seed ${SEED})`;

test(
  obstacle === undefined ? title : `${title} (${obstacle})`,
  { skip: obstacle ?? false, timeout: 120_000 + RUNS * 4000 },
  async () => {
    await using fixtures = new AsyncDisposableStack();
    const places: Place[] = [];
    for (const [name, executor] of usable) {
      places.push(openPlace(name, fixtures.use(await openStepFixture(executor))));
    }
    await fc.assert(
      fc.asyncProperty(operations, operations, operations, async (...scripts) => {
        let stacks = places.map(({ root }) => root);
        const layers: FileEntry[][] = [];
        for (const script of [FIRST_LAYER, ...scripts]) {
          const steps = await Promise.all(
            places.map((place, index) => runOperations(place, script, stacks[index] ?? [])),
          );
          const [step] = steps;
          const [place] = places;
          assert.ok(step !== undefined && place !== undefined);
          assert.equal(step.result.exitCode, 0, step.stderr);
          const digests = steps.map(({ result }) => result.layer?.diffId);
          assert.deepEqual(digests, steps.map(() => step.result.layer?.diffId), step.stdout);
          layers.push([...step.entries]);
          assert.deepEqual(
            listTree(stackTrees(layers).entries),
            parseListing(step.stdout, EPOCH),
          );
          await checkUnpacked(place, step, stacks[0] ?? []);
          stacks = stacks.map((stack, index) => [steps[index]?.upper ?? "", ...stack]);
        }
      }),
      { seed: SEED, numRuns: RUNS },
    );
  },
);
