/**
 * The cache of steps that run programs against a model of it, over random recipes and edits: the image of a store that saw
 * them all is that of a new one, and a step runs again exactly when its layers, command, environment or directory are new.
 */
import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import type { Graph } from "../../core/graph/graph.ts";
import type { VertexDigest } from "../../core/graph/vertex.ts";
import { image, type ImageBuilder, inlineFile } from "../../mod.ts";
import { busyboxImage, runObstacle } from "../support/busybox_image.ts";
import { type TempEngine, tempEngine } from "../support/temp_engine.ts";

const SEED = Number(process.env.LAYERWRIGHT_CACHE_SEED ?? 20_267);
const RUNS = Number(process.env.LAYERWRIGHT_CACHE_RUNS ?? 10);

/** What a command does to the files of the model: each appends a line to one file. */
const COMMANDS: Readonly<Record<string, (seen: Seen) => string>> = {
  'echo "$A,$B" >> /out': ({ variables }) =>
    `${variables.get("A") ?? ""},${variables.get("B") ?? ""}\n`,
  "echo $(cat /in 2>/dev/null) >> /out": ({ input }) => `${input ?? ""}\n`,
  "pwd >> /out": ({ directory }) => `${directory}\n`,
  "echo same >> /out": () => "same\n",
};

type Step =
  | { readonly kind: "env"; readonly name: string; readonly value: string }
  | { readonly kind: "arg"; readonly name: string; readonly value: string }
  | { readonly kind: "label"; readonly name: string; readonly value: string }
  | { readonly kind: "copy"; readonly text: string }
  | { readonly kind: "workdir"; readonly path: string }
  | { readonly kind: "run"; readonly command: string };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("env" as const, "arg" as const, "label" as const),
    name: fc.constantFrom("A", "B"),
    value: fc.constantFrom("1", "2"),
  }),
  fc.record({ kind: fc.constant("copy" as const), text: fc.constantFrom("x", "y") }),
  fc.record({ kind: fc.constant("workdir" as const), path: fc.constantFrom("/w", "/v") }),
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("run" as const),
      command: fc.constantFrom(...Object.keys(COMMANDS)),
    }),
  },
);

/** Puts a step somewhere, in another's place or besides. */
const edit = fc.record({ at: fc.nat(), removed: fc.nat({ max: 1 }), step });

function recipeOf(base: ImageBuilder, steps: readonly Step[]): ImageBuilder {
  let recipe = image().from(base);
  for (const one of steps) {
    if (one.kind === "env") recipe = recipe.env(one.name, one.value);
    else if (one.kind === "arg") recipe = recipe.arg(one.name, one.value);
    else if (one.kind === "label") recipe = recipe.label(one.name, one.value);
    else if (one.kind === "copy") recipe = recipe.copy(inlineFile("in", one.text), "/");
    else if (one.kind === "workdir") recipe = recipe.workdir(one.path);
    else recipe = recipe.run(one.command);
  }
  return recipe;
}

/** What a step can see. */
interface Seen {
  readonly variables: Map<string, string>;
  readonly layers: string[];
  readonly made: Set<string>;
  directory: string;
  input: string | undefined;
  output: string;
}

/** What each step above the base depends on. Equal layers are equal words. */
function keysOf(graph: Graph): Map<VertexDigest, string> {
  const seen: Seen = {
    variables: new Map(),
    layers: [],
    made: new Set(),
    directory: "/",
    input: undefined,
    output: "",
  };
  const keys = new Map<VertexDigest, string>();
  for (const { digest, op } of graph.vertices.values()) {
    if (op.type === "config") {
      const { change } = op;
      if (change.kind === "workdir") seen.directory = change.path;
      if (change.kind !== "env" && change.kind !== "arg") continue;
      for (const { name, value = "" } of change.variables) seen.variables.set(name, value);
    } else if (op.type === "copy" && op.inline[0] !== undefined) {
      seen.input = op.inline[0].text;
      keys.set(digest, `copy ${seen.input}`);
      seen.layers.push(`in ${seen.input}`);
    } else if (op.type === "file") {
      const path = op.actions[0]?.path ?? "";
      const exists = seen.made.has(path);
      seen.made.add(path);
      keys.set(digest, `mkdir ${path} ${exists}`);
      seen.layers.push(exists ? "" : `directory ${path}`);
    } else if (op.type === "run" && op.command.form === "shell") {
      const { script } = op.command;
      const { layers, variables, directory } = seen;
      keys.set(digest, JSON.stringify([layers, script, [...variables], directory]));
      seen.output += COMMANDS[script]?.(seen) ?? "";
      layers.push(`out ${seen.output}`);
    }
  }
  return keys;
}

const obstacle = await runObstacle();
const base = busyboxImage();
// Each store begins as a copy of one that has the base, which takes longer to make than all else.
const prepared = tempEngine();
if (obstacle === undefined) await prepared.build(base, { epochSeconds: 0 });
process.once("exit", () => prepared[Symbol.dispose]());

function storeWithBase(): TempEngine {
  const lw = tempEngine();
  cpSync(prepared.home, lw.home, { recursive: true, verbatimSymlinks: true });
  return lw;
}

test(
  `the cache of programs agrees with its model (seed ${SEED}, ${RUNS} runs)${
    obstacle === undefined ? "" : ` (${obstacle})`
  }`,
  { skip: obstacle !== undefined, timeout: 60_000 + RUNS * 10_000 },
  async () => {
    let [hits, misses] = [0, 0];
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 2, maxLength: 4 }),
        fc.array(edit, { minLength: 1, maxLength: 3 }),
        async (start, edits) => {
          using lw = storeWithBase();
          const known = new Set<string>();
          let steps = start;
          for (const change of [undefined, ...edits]) {
            if (change !== undefined) {
              steps = steps.toSpliced(change.at % steps.length, change.removed, change.step);
            }
            const recipe = recipeOf(base, steps);
            const options = { epochSeconds: 0 };
            const keys = keysOf(lw.engine.graph(recipe));
            const built = await lw.build(recipe, options);
            using fresh = storeWithBase();
            assert.equal(built.imageId, (await fresh.build(recipe, options)).imageId);
            for (const { vertex, name, outcome } of built.steps) {
              const key = keys.get(vertex);
              const expected = key === undefined || known.has(key) ? "hit" : "run";
              assert.equal(outcome, expected, `${name}: ${key}`);
              if (key === undefined) continue;
              if (expected === "hit") hits++;
              else misses++;
              known.add(key);
            }
            const again = await lw.plan(recipe, options);
            for (const { name, outcome } of again.steps) assert.equal(outcome, "hit", name);
          }
        },
      ),
      { seed: SEED, numRuns: RUNS },
    );
    assert.ok(hits > RUNS && misses > RUNS, `${hits} hits, ${misses} misses: too few to tell`);
  },
);
