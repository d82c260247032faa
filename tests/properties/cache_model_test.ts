/**
 * The cache against a model of it, over random recipes, edits and kills: never a stale hit, never a needless miss, and
 * no miss without a true reason. `LAYERWRIGHT_CACHE_RUNS` asks for more runs, `LAYERWRIGHT_CACHE_SEED` for other ones.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { LayerwrightError } from "../../core/errors.ts";
import { host } from "../../core/host/mod.ts";
import type { BuildResult, StepExplanation } from "../../mod.ts";
import { keyOf, modelOf, type ModelRecord } from "../support/cache_model.ts";
import {
  type Edit,
  edit,
  edited,
  type Scenario,
  scenario,
  scenarioImage,
} from "../support/cache_scenario.ts";
import { touchFile, writeScenario } from "../support/cache_scenario_files.ts";
import { startChild } from "../support/child.ts";
import { assertTrue } from "../support/explained_miss.ts";
import { type TempEngine, tempEngine } from "../support/temp_engine.ts";

const SEED = Number(process.env.LAYERWRIGHT_CACHE_SEED ?? 20_262);
const RUNS = Number(process.env.LAYERWRIGHT_CACHE_RUNS ?? 60);
const CHILD = fileURLToPath(new URL("../support/build_scenario.ts", import.meta.url));

/** A few edits at once, then a build; sometimes one before it that is killed after so many milliseconds. */
interface Round {
  readonly edits: readonly Edit[];
  readonly killAfterMs: number | undefined;
}

const rounds: fc.Arbitrary<readonly Round[]> = fc.array(
  fc.record({
    edits: fc.array(edit, { minLength: 1, maxLength: 2 }),
    killAfterMs: fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined, freq: 6 }),
  }),
  { minLength: 1, maxLength: 3 },
);

/** What is known of a store from the builds that were made with it. */
class StoreModel {
  /** Keys of builds that ended. */
  readonly known: Set<string> = new Set();
  /** Keys of builds that were killed. */
  readonly possible: Set<string> = new Set();
  readonly records: ModelRecord[] = [];

  add(records: Iterable<ModelRecord>, keys: Set<string>): void {
    for (const record of records) {
      keys.add(keyOf(record));
      this.records.push(record);
    }
  }

  check(step: StepExplanation, record: ModelRecord): void {
    const key = keyOf(record);
    if (this.known.has(key)) {
      assert.equal(step.outcome, "hit", `a needless miss: ${JSON.stringify(step)}`);
    } else if (!this.possible.has(key)) {
      assert.equal(step.outcome, "run", `a hit that nothing explains: ${JSON.stringify(step)}`);
    }
    if (step.outcome === "run") assertTrue(step, record, this.records);
  }
}

async function buildAndKill(lw: TempEngine, state: Scenario, afterMs: number): Promise<void> {
  await using child = startChild([
    ...host.selfCommand(CHILD),
    lw.home,
    lw.context,
    JSON.stringify(state),
  ]);
  await child.printed("ready");
  await new Promise((resolve) => setTimeout(resolve, afterMs));
}

/** What a build made, or the code of its error. */
async function outcomeOf(building: Promise<BuildResult>): Promise<BuildResult | string> {
  try {
    return await building;
  } catch (error) {
    if (error instanceof LayerwrightError) return error.code;
    throw error;
  }
}

/** Builds a state with the old store and with a new one, and holds both against the model. */
async function checkBuild(lw: TempEngine, state: Scenario, model: StoreModel): Promise<number> {
  const recipe = scenarioImage(state);
  const options = { contextDirectory: lw.context, epochSeconds: 0, buildArgs: state.buildArgs };
  const records = modelOf(lw.engine.graph(recipe, options), state);
  using fresh = tempEngine();
  const clean = await outcomeOf(fresh.build(recipe, options));
  if (typeof clean === "string") {
    // Whatever a store holds, a recipe that cannot be built cannot be built; what came before the failure is kept.
    model.add(records.values(), model.possible);
    assert.equal(await outcomeOf(lw.build(recipe, options)), clean);
    return 0;
  }
  const explained = await lw.engine.explain(recipe, options);
  assert.equal(explained.length, records.size);
  for (const step of explained) {
    const record = records.get(step.vertex);
    assert.ok(record !== undefined, `the model has no step ${step.name}`);
    model.check(step, record);
  }
  const built = await lw.build(recipe, options);
  assert.equal(built.imageId, clean.imageId, "a stale hit");
  model.add(records.values(), model.known);
  for (const { name, outcome } of (await lw.plan(recipe, options)).steps) {
    assert.equal(outcome, "hit", `${name}, which was just built`);
  }
  return explained.filter(({ outcome }) => outcome === "hit").length;
}

test(
  `the cache agrees with its model: no stale hit, no needless miss, true reasons (seed ${SEED}, ${RUNS} runs)`,
  { timeout: 30_000 + RUNS * 2000 },
  async () => {
    let [hits, kills] = [0, 0];
    await fc.assert(
      fc.asyncProperty(scenario, rounds, async (start, sequence) => {
        using lw = tempEngine();
        const model = new StoreModel();
        writeScenario(lw.context, start);
        await checkBuild(lw, start, model);
        let state = start;
        for (const { edits, killAfterMs } of sequence) {
          for (const change of edits) {
            const next = edited(state, change);
            writeScenario(lw.context, next, state);
            touchFile(lw.context, next, change);
            state = next;
          }
          if (killAfterMs !== undefined) {
            const graph = lw.engine.graph(scenarioImage(state), { buildArgs: state.buildArgs });
            model.add(modelOf(graph, state).values(), model.possible);
            await buildAndKill(lw, state, killAfterMs);
            kills++;
          }
          hits += await checkBuild(lw, state, model);
        }
      }),
      { seed: SEED, numRuns: RUNS },
    );
    assert.ok(hits > RUNS && kills > RUNS / 20, `${hits} hits, ${kills} kills: too few to tell`);
  },
);
