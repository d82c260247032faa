/**
 * Why a step has no earlier result: the first input that differs from those of the earlier step most like it.
 *
 * @module
 */
import { type Difference, firstDifference, isEqualJson } from "./first_difference.ts";
import { explainEntries, explainFacts, explainItems } from "./explain_files.ts";
import {
  explainCommand,
  explainEnvironment,
  explainHosts,
  explainMounts,
  explainUlimits,
} from "./explain_run.ts";
import { boundedValue, shownChange } from "./shown_value.ts";

/** The first input that differs, for tools and for people. Long values are cut, secret ones left out. */
export interface InputDifference extends Difference {
  /** One line. */
  readonly text: string;
}

/** What a preimage does not say, and a sentence about it needs: the recipe's own words. */
export interface RecipeTerms {
  /** Where the items of a copy are below the root of their source, in order. */
  readonly sources?: readonly string[];
  /** The owner a copy gives, as written. */
  readonly owner?: string;
  /** The copy looks at nothing beneath it. */
  readonly link?: boolean;
  /** Variables that come from build arguments. */
  readonly buildArguments?: ReadonlySet<string>;
}

/** A difference of one property, its path relative to that property's. */
export type Explainer = (
  before: unknown,
  after: unknown,
  terms: RecipeTerms,
) => InputDifference | undefined;

/** Explains a plain value by its name. */
const changed = (name: string): Explainer => (before, after) => {
  const difference = firstDifference(before, after);
  if (difference === undefined) return undefined;
  const { path } = difference;
  const what = path === "" ? name : `${name} (${path})`;
  return {
    ...difference,
    text: `${what} changed: ${shownChange(difference.before, difference.after)}`,
  };
};

const explainCompat: Explainer = (before, after) => ({
  path: "",
  before,
  after,
  text: `compat changed: ${before} → ${after}: the earlier result is of another version's rules`,
});

const explainOwner: Explainer = (before, after, { owner }) => ({
  path: "",
  before,
  after,
  text: owner === undefined
    ? `owner changed: ${numbersOf(before)} → ${numbersOf(after)}`
    : `owner "${owner}" changed: ${numbersOf(before)} → ${numbersOf(after)}`,
});

const explainPlatform: Explainer = (before, after) => ({
  path: "",
  before,
  after,
  text: `platform changed: ${platformText(before)} → ${platformText(after)}`,
});

const explainBecomingDirectory: Explainer = (before, after) => ({
  path: "",
  before,
  after,
  text: after === true
    ? "destination is a directory now: it ends with a slash, or there are several sources"
    : "destination is a file now: it ends with no slash, and there is one source",
});

/** What is asked for first comes first: base, then command and flags, then environment, then files. */
const RUN: readonly (readonly [string, Explainer])[] = [
  ["platform", explainPlatform],
  ["root", changed("base")],
  ["args", explainCommand],
  ["user", changed("user")],
  ["workingDirectory", changed("working directory")],
  ["network", changed("network")],
  ["security", changed("security")],
  ["hostname", changed("host name")],
  ["hosts", explainHosts],
  ["shmSizeBytes", changed("size of /dev/shm (bytes)")],
  ["ulimits", explainUlimits],
  // Also a variable of the step: this is where it comes from.
  ["epoch", changed("epoch")],
  ["environment", explainEnvironment],
  ["mounts", explainMounts],
  ["cacheKey", changed("cache key")],
];
const COPY: typeof RUN = [
  ["destination", changed("destination")],
  ["extract", changed("extraction of archives")],
  ["owner", explainOwner],
  ["onto", explainFacts],
  ["epoch", changed("epoch")],
  ["items", explainItems],
  ["intoDirectory", explainBecomingDirectory],
  ["createdMode", changed("mode of created directories")],
];
const FILE: typeof RUN = [
  ["actions", explainEntries],
  ["destination", explainFacts],
  ["entries", explainEntries],
  ["epoch", changed("epoch")],
];
const DIFF: typeof RUN = [
  ["lower", changed("base of the squashed steps")],
  ["upper", changed("result of the squashed steps")],
  ["epoch", changed("epoch")],
];
const KINDS: ReadonlyMap<string, typeof RUN> = new Map([
  ["run", RUN],
  ["copy", COPY],
  ["file", FILE],
  ["diff", DIFF],
]);

/**
 * Finds the first input that differs, in the order in which people ask.
 *
 * @param before The preimage of an earlier key, as read from the store.
 * @param after The preimage of the key that was missed, of the same kind.
 * @returns undefined for equal preimages.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { explainDifference } from "./explain.ts";
 * const step = { compat: 1, kind: "run", args: ["/bin/sh", "-c", "make"], environment: ["MODE=a"] };
 * const difference = explainDifference(step, { ...step, environment: ["MODE=b"] });
 * assert.equal(difference?.text, 'ENV MODE changed: "a" → "b"');
 * ```
 */
export function explainDifference(
  before: unknown,
  after: unknown,
  terms: RecipeTerms = {},
): InputDifference | undefined {
  const [old, now] = comparable(record(before), record(after));
  const known = KINDS.get(String(now.kind)) ?? [];
  const rest = Object.keys({ ...old, ...now }).filter((name) =>
    name !== "compat" && !known.some(([field]) => field === name)
  );
  const fields = [
    ["compat", explainCompat] as const,
    ...known,
    ...rest.map((name) => [name, changed(name)] as const),
  ];
  for (const [name, explain] of fields) {
    // Files are many: their own explainer finds sooner that nothing differs.
    if (explain !== explainItems && isEqualJson(old[name], now[name])) continue;
    const found = explain(old[name], now[name], terms) ??
      (explain === explainItems ? undefined : changed(name)(old[name], now[name], terms));
    if (found !== undefined) return below(name, found);
  }
  // Items have no sentence of their own where they differ in what another input says better.
  const found = changed("items")(record(before).items, record(after).items, terms);
  return found === undefined ? undefined : below("items", found);
}

function below(name: string, { path, before, after, text }: InputDifference): InputDifference {
  return {
    path: path === "" ? name : `${name}.${path}`,
    ...before === undefined ? {} : { before: boundedValue(before) },
    ...after === undefined ? {} : { after: boundedValue(after) },
    text,
  };
}

type Fields = Readonly<Record<string, unknown>>;

/** Preimages with what was remarked in its place: names at the items, and a word that made a difference. */
function comparable(before: Fields, after: Fields): readonly [Fields, Fields] {
  const [old, now] = [withNames(before), withNames(after)];
  if (hasExtracted(old) !== hasExtracted(now)) return [old, now];
  return [{ ...old, extract: undefined }, { ...now, extract: undefined }];
}

function withNames({ names, ...preimage }: Fields): Fields {
  if (!Array.isArray(names) || !Array.isArray(preimage.items)) return { ...preimage, names };
  const items = preimage.items.map((item, index) => ({ ...item, path: names[index] }));
  return { ...preimage, items };
}

function hasExtracted({ items }: Fields): boolean {
  return Array.isArray(items) && items.some((item) => record(item).extracted === true);
}

function numbersOf(owner: unknown): string {
  const { uid = 0, gid = 0 } = record(owner);
  return `${uid}:${gid}`;
}

function platformText(platform: unknown): string {
  const { os, architecture, variant } = record(platform);
  return [os, architecture, variant].filter((part) => part !== undefined).join("/");
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}
