/**
 * Random contexts, recipes over them, and edits: as plain data, so that they can be printed and sent to a child.
 *
 * @module
 */
import fc from "fast-check";
import { type ImageBuilder, inlineFile } from "../../mod.ts";
import { lastStage } from "./last_stage.ts";

/** Files of a context: content and whether executable, by path. */
export type FilesSpec = Readonly<
  Record<string, { readonly text: string; readonly executable: boolean }>
>;

/** One step of a stage. */
export type StepSpec =
  | {
    readonly kind: "copy";
    readonly source: string;
    readonly destination: string;
    readonly mode?: string;
  }
  | {
    readonly kind: "stage";
    readonly stage: number;
    readonly source: string;
    readonly destination: string;
  }
  | { readonly kind: "inline"; readonly text: string; readonly destination: string }
  | { readonly kind: "env"; readonly name: string; readonly value: string }
  | { readonly kind: "workdir"; readonly path: string }
  | { readonly kind: "squash" };

/** A recipe: the last stage is the image; `stage` of a step names an earlier one. */
export interface RecipeSpec {
  readonly files: FilesSpec;
  readonly stages: readonly (readonly StepSpec[])[];
}

const DIRECTORIES = ["", "src", "src/lib", "été", "a.b"];
const NAMES = ["main.ts", "a", "b", "ü.txt", "read me", "z9"];

const path: fc.Arbitrary<string> = fc.tuple(
  fc.constantFrom(...DIRECTORIES),
  fc.constantFrom(...NAMES),
)
  .map(([directory, name]) => directory === "" ? name : `${directory}/${name}`);

/** Contexts of up to eight files. No name is both a file and a directory. */
export const filesSpec: fc.Arbitrary<FilesSpec> = fc.dictionary(
  path,
  fc.record({ text: fc.string({ maxLength: 60 }), executable: fc.boolean() }),
  { minKeys: 1, maxKeys: 8, noNullPrototype: true },
);

const destination = fc.constantFrom("/", "/opt/", "/srv/app/", "sub/", "/opt/x/y/");

function step(stageIndex: number): fc.Arbitrary<StepSpec> {
  const own: fc.Arbitrary<StepSpec>[] = [
    fc.record({
      kind: fc.constant("copy" as const),
      source: fc.constantFrom(".", "src", "s*", "**", "a*"),
      destination,
    }),
    fc.record({
      kind: fc.constant("copy" as const),
      source: fc.constant("."),
      destination,
      mode: fc.constantFrom("preserve", "0750", "u=rwX,go=rX"),
    }),
    fc.record({
      kind: fc.constant("inline" as const),
      text: fc.string({ maxLength: 20 }),
      destination: fc.constantFrom("/etc/conf", "/opt/conf", "conf"),
    }),
    fc.record({
      kind: fc.constant("env" as const),
      name: fc.constantFrom("A", "B"),
      value: fc.constantFrom("1", "two", ""),
    }),
    fc.record({
      kind: fc.constant("workdir" as const),
      path: fc.constantFrom("/srv", "deep/er", "/"),
    }),
    fc.constant({ kind: "squash" as const }),
  ];
  if (stageIndex > 0) {
    own.push(fc.record({
      kind: fc.constant("stage" as const),
      stage: fc.nat({ max: stageIndex - 1 }),
      source: fc.constantFrom("/", "/*", "/opt*"),
      destination,
    }));
  }
  return fc.oneof(...own);
}

/** Recipes of one to three stages. */
export const recipeSpec: fc.Arbitrary<RecipeSpec> = fc.record({
  files: filesSpec,
  stages: fc.tuple(
    fc.array(step(0), { maxLength: 4 }),
    fc.option(fc.array(step(1), { maxLength: 4 }), { nil: undefined }),
    fc.option(fc.array(step(2), { maxLength: 4 }), { nil: undefined }),
  ).map((stages) => stages.filter((stage) => stage !== undefined)),
});

/** The recipe that a spec stands for. Sources are optional: a random context need not have them. */
export function recipeOf(spec: RecipeSpec): ImageBuilder {
  return lastStage(spec.stages, withStep);
}

function withStep(
  stage: ImageBuilder,
  step: StepSpec,
  stages: readonly ImageBuilder[],
): ImageBuilder {
  switch (step.kind) {
    case "copy":
      return stage.copy(step.source, step.destination, {
        optional: true,
        ...(step.mode === undefined ? {} : { mode: step.mode }),
      });
    case "stage": {
      const from = stages[step.stage];
      return from === undefined
        ? stage
        : stage.copy(step.source, step.destination, { from, optional: true });
    }
    case "inline":
      return stage.copy(inlineFile("conf", step.text), step.destination);
    case "env":
      return stage.env(step.name, step.value);
    case "workdir":
      return stage.workdir(step.path);
    case "squash":
      return stage.squash();
  }
}
