/**
 * One change between two builds, and what the cache makes of it: a row of a table.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { AnyImage, BuildOptions } from "../../mod.ts";
import { type ContextFile, type TempEngine, tempEngine } from "./temp_engine.ts";

/** What a step of the second build is: a hit, not to be told, or a miss with this explanation. */
export type ExpectedStep = "hit" | "pending" | RegExp;

/** See the module. */
export interface CacheChange {
  readonly name: string;
  readonly files?: Readonly<Record<string, ContextFile>>;
  /** Called before all else. */
  readonly prepare?: (lw: TempEngine) => void;
  /** Built before the first build, with this tag. */
  readonly base?: { readonly tag: string; readonly image: AnyImage };
  /** Built first. */
  readonly before: AnyImage;
  /** The same recipe unless given. */
  readonly after?: AnyImage;
  /** Changes the context, or the store. */
  readonly edit?: (lw: TempEngine) => void | Promise<void>;
  readonly firstOptions?: BuildOptions;
  /** Of the second build. */
  readonly options?: BuildOptions | ((lw: TempEngine) => BuildOptions);
  /** Every step that makes a layer, in order. */
  readonly steps: readonly ExpectedStep[];
  /** Do not build a second time. */
  readonly planOnly?: true;
  /** Why it cannot be tried here. */
  readonly obstacle?: string | undefined;
}

/** What is not said of an input. */
const NO_DIFFERENCE =
  /^(?:no earlier result|its layer is no longer|the cache is off|its cache policy|its earlier result)/;

/** Adds a test that builds, changes one thing, asks what a second build would do, and does it. */
export function testCacheChange(change: CacheChange): void {
  const { name, obstacle, files = {}, before, after = before, steps } = change;
  const title = `explain(): ${name}${obstacle === undefined ? "" : ` (${obstacle})`}`;
  test(title, { skip: obstacle !== undefined, timeout: 60_000 }, async () => {
    using lw = tempEngine(files);
    change.prepare?.(lw);
    if (change.base !== undefined) await lw.build(change.base.image, { tags: [change.base.tag] });
    await lw.build(before, change.firstOptions);
    await change.edit?.(lw);
    const options = typeof change.options === "function" ? change.options(lw) : change.options;
    const planning = { contextDirectory: lw.context, ...options };
    const explained = await lw.engine.explain(after, planning);
    assert.deepEqual(
      explained.map(({ outcome }) => outcome),
      steps.map((step) => step instanceof RegExp ? "run" : step),
      JSON.stringify(explained, undefined, 1),
    );
    for (const [index, { outcome, reason, difference, at }] of explained.entries()) {
      const expected = steps[index];
      if (expected instanceof RegExp) assert.match(reason ?? "", expected);
      else if (outcome === "hit") assert.equal(reason, undefined);
      const isInput = outcome === "run" && !NO_DIFFERENCE.test(reason ?? "");
      assert.equal(difference?.text, isInput ? reason : undefined);
      assert.ok(at !== undefined && at.line > 0);
    }
    const plan = await lw.plan(after, options);
    assert.deepEqual(plan.steps, explained.map(({ difference: _, ...step }) => step));
    // A step after one that has to run may yet be found: only that it ran decides.
    if (change.planOnly === true || steps.includes("pending")) return;
    assert.deepEqual(
      (await lw.build(after, options)).steps.map(({ outcome }) => outcome),
      explained.map(({ outcome }) => outcome),
    );
  });
}
