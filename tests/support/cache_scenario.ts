/**
 * Random recipes over a random context, and edits of both: plain data, so that it can be printed and sent to a child.
 *
 * @module
 */
import fc from "fast-check";
import { type ImageBuilder, inlineFile } from "../../mod.ts";
import { lastStage } from "./last_stage.ts";

/** A file of the context. */
export interface ScenarioFile {
  readonly text: string;
  readonly mode: number;
}

/** One step of a stage. */
export type ScenarioStep =
  | {
    readonly kind: "copy";
    readonly source: string;
    readonly destination: string;
    readonly mode?: string;
    /** The stage it is copied from, if that is an earlier one; else the context. */
    readonly stage?: number;
  }
  | { readonly kind: "inline"; readonly text: string; readonly destination: string }
  | { readonly kind: "env" | "arg" | "label"; readonly name: string; readonly value: string }
  | { readonly kind: "user"; readonly user: string }
  | { readonly kind: "workdir"; readonly path: string }
  | { readonly kind: "squash" };

/** All that a build depends on. */
export interface Scenario {
  readonly files: Readonly<Record<string, ScenarioFile>>;
  readonly ignore: readonly string[];
  readonly stages: readonly (readonly ScenarioStep[])[];
  readonly buildArgs: Readonly<Record<string, string>>;
}

/** One change of a scenario. Numbers choose among what there is. */
export type Edit =
  | { readonly kind: "write"; readonly file: number; readonly text: string }
  | { readonly kind: "chmod"; readonly file: number; readonly mode: number }
  | { readonly kind: "touch"; readonly file: number; readonly seconds: number }
  | { readonly kind: "rename"; readonly file: number; readonly to: string }
  | { readonly kind: "add"; readonly path: string; readonly text: string }
  | { readonly kind: "remove"; readonly file: number }
  | { readonly kind: "ignore"; readonly pattern: string }
  | { readonly kind: "argument"; readonly name: string; readonly value: string }
  | { readonly kind: "insert"; readonly at: number; readonly step: ScenarioStep }
  /** `slash`: whether a destination ends with one; `restrict`: whether a copy sets modes. */
  | { readonly kind: "drop" | "swap" | "slash" | "restrict"; readonly at: number };

const DIRECTORIES = ["", "src", "src/lib", "été", "a.b"];
const NAMES = ["main.ts", "a", "b", "ü.txt", "read me"];
const path = fc.tuple(fc.constantFrom(...DIRECTORIES), fc.constantFrom(...NAMES))
  .map(([directory, name]) => directory === "" ? name : `${directory}/${name}`);
const text = fc.constantFrom("", "one\n", "two\n", "three\n");
const mode = fc.constantFrom(0o644, 0o755, 0o600, 0o640, 0o700);
const name = fc.constantFrom("A", "B");
const value = fc.constantFrom("1", "two", "");

/** What the image says, and a copy has no part in. */
const configStep: fc.Arbitrary<ScenarioStep> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("env" as const, "arg" as const, "label" as const),
    name,
    value,
  }),
  fc.record({ kind: fc.constant("user" as const), user: fc.constantFrom("0", "7", "8:9") }),
);

const step: fc.Arbitrary<ScenarioStep> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("copy" as const),
      source: fc.constantFrom(".", "src", "src/lib", "a", "s*", "*/lib"),
      destination: fc.constantFrom("/", "/opt/", "/opt/x/", "sub/", "/opt/x/y/"),
    }),
  },
  // A file or a directory of that name: whatever comes second fails, which is a result as well.
  fc.record({
    kind: fc.constant("copy" as const),
    source: fc.constantFrom("a", "src/a"),
    destination: fc.constantFrom("/srv/f", "/srv/f/"),
  }),
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("copy" as const),
      source: fc.constantFrom(".", "src"),
      destination: fc.constantFrom("/", "/opt/", "/opt/x/", "sub/"),
      mode: fc.constantFrom("preserve", "0750"),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("copy" as const),
      source: fc.constantFrom("/", "/opt", "/src", "/o*"),
      destination: fc.constantFrom("/", "/opt/", "/srv/"),
      stage: fc.nat({ max: 2 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("inline" as const),
      text,
      destination: fc.constantFrom("/etc/conf", "/opt/conf", "conf"),
    }),
  },
  { weight: 2, arbitrary: configStep },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("workdir" as const),
      path: fc.constantFrom("/opt", "deep/er", "/opt/x", "/opt/x/z", "/"),
    }),
  },
  fc.constant({ kind: "squash" as const }),
);

/** Where a build can begin. */
export const scenario: fc.Arbitrary<Scenario> = fc.record({
  files: fc.dictionary(path, fc.record({ text, mode }), {
    minKeys: 1,
    maxKeys: 7,
    noNullPrototype: true,
  }),
  ignore: fc.constant([]),
  stages: fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 }),
  buildArgs: fc.constant({}),
});

const file = fc.nat();
const at = fc.nat();

/** One change. */
export const edit: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("write" as const), file, text }) },
  fc.record({ kind: fc.constant("chmod" as const), file, mode }),
  fc.record({ kind: fc.constant("touch" as const), file, seconds: fc.constantFrom(5, 1e9, 2e9) }),
  fc.record({ kind: fc.constant("rename" as const), file, to: path }),
  fc.record({ kind: fc.constant("add" as const), path, text }),
  fc.record({ kind: fc.constant("remove" as const), file }),
  fc.record({
    kind: fc.constant("ignore" as const),
    pattern: fc.constantFrom("src/lib", "a", "été", "src/main.ts", "nothing", "# a comment"),
  }),
  fc.record({ kind: fc.constant("argument" as const), name, value }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("insert" as const), at, step }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("insert" as const), at, step: configStep }),
  },
  fc.record({ kind: fc.constantFrom("drop" as const, "swap" as const), at }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("slash" as const), at }) },
  fc.record({ kind: fc.constant("restrict" as const), at }),
);

/** The scenario after a change. One that finds nothing to change changes nothing. */
export function edited(before: Scenario, change: Edit): Scenario {
  const files = { ...before.files };
  const chosen = "file" in change
    ? Object.keys(files).sort().at(change.file % Math.max(1, Object.keys(files).length))
    : undefined;
  const old = files[chosen ?? ""];
  switch (change.kind) {
    case "write":
    case "chmod":
      if (chosen !== undefined && old !== undefined) {
        files[chosen] = change.kind === "write"
          ? { ...old, text: change.text }
          : { ...old, mode: change.mode };
      }
      return { ...before, files };
    case "rename":
    case "remove":
      if (chosen === undefined || old === undefined) return before;
      delete files[chosen];
      if (change.kind === "rename") files[change.to] = old;
      return { ...before, files };
    case "add":
      return { ...before, files: { ...files, [change.path]: { text: change.text, mode: 0o644 } } };
    case "ignore": {
      const { pattern } = change;
      const ignore = before.ignore.includes(pattern)
        ? before.ignore.filter((one) => one !== pattern)
        : [...before.ignore, pattern];
      return { ...before, ignore };
    }
    case "argument":
      return { ...before, buildArgs: { ...before.buildArgs, [change.name]: change.value } };
    case "insert":
    case "drop":
    case "swap":
    case "slash":
    case "restrict":
      return { ...before, stages: editedStages(before.stages, change) };
    case "touch":
      return before;
  }
}

function editedStages(
  stages: Scenario["stages"],
  change: Extract<Edit, { readonly at: number }>,
): Scenario["stages"] {
  const index = change.at % stages.length;
  const steps = stages[index] ?? [];
  const place = change.at % Math.max(1, steps.length);
  const moved = steps[place];
  if (change.kind === "insert") return stages.with(index, steps.toSpliced(place, 0, change.step));
  if (change.kind === "slash" || change.kind === "restrict") {
    const { kind } = change;
    // A slash matters where a single file is copied.
    const copies = steps.filter((one) =>
      kind === "restrict"
        ? one.kind === "copy"
        : one.kind === "inline" || (one.kind === "copy" && one.destination.includes("srv/f"))
    );
    const chosen = copies[change.at % Math.max(1, copies.length)];
    return stages.with(
      index,
      steps.map((one) => one === chosen ? respelled(one, kind) : one),
    );
  }
  const rest = steps.toSpliced(place, 1);
  if (change.kind === "drop" || moved === undefined) return stages.with(index, rest);
  return stages.with(index, rest.toSpliced(place + 1, 0, moved));
}

function respelled(one: ScenarioStep, kind: "slash" | "restrict"): ScenarioStep {
  if (kind === "slash" && "destination" in one && one.destination !== "/") {
    const { destination } = one;
    return {
      ...one,
      destination: destination.endsWith("/") ? destination.slice(0, -1) : `${destination}/`,
    };
  }
  if (kind === "slash" || one.kind !== "copy") return one;
  const { mode, ...rest } = one;
  return mode === "0750" ? rest : { ...rest, mode: "0750" };
}

/** The recipe of a scenario; the last stage is the image. */
export function scenarioImage({ stages }: Scenario): ImageBuilder {
  return lastStage(stages, withStep);
}

function withStep(
  stage: ImageBuilder,
  one: ScenarioStep,
  earlier: readonly ImageBuilder[],
): ImageBuilder {
  switch (one.kind) {
    case "copy": {
      const from = one.stage === undefined ? undefined : earlier[one.stage % (earlier.length + 1)];
      return stage.copy(one.source, one.destination, {
        optional: true,
        ...(from === undefined ? {} : { from }),
        ...(one.mode === undefined ? {} : { mode: one.mode }),
      });
    }
    case "inline":
      return stage.copy(inlineFile("conf", one.text), one.destination);
    case "env":
      return stage.env(one.name, one.value);
    case "arg":
      return stage.arg(one.name, one.value);
    case "label":
      return stage.label(one.name, one.value);
    case "user":
      return stage.user(one.user);
    case "workdir":
      return stage.workdir(one.path);
    case "squash":
      return stage.squash();
  }
}
