/**
 * Why a layer has to be made: the earlier results are searched for the step this one was.
 *
 * @module
 */
import type { Vertex } from "../graph/vertex.ts";
import { cacheKey, type KeyPreimage, preimageJson } from "../solve/cache_key.ts";
import { explainDifference, type RecipeTerms } from "../solve/explain.ts";
import { likeness } from "../solve/likeness.ts";
import type { MissReason } from "../solve/progress.ts";
import { staleness } from "./cache_policy.ts";
import type { Workbench } from "./workbench.ts";

/** Says in one line why nothing is stored under a preimage. Changes nothing, and costs little beside the step. */
export function missReason(
  bench: Workbench,
  vertex: Vertex,
  preimage: KeyPreimage,
  terms: RecipeTerms,
): MissReason {
  if (!bench.usesCache(vertex.digest)) return { text: "the cache is off for this step" };
  const record = bench.store.cache.get(cacheKey(preimage));
  if (record !== undefined) {
    const text = staleness(vertex.op, record.createdMs) ?? "its layer is no longer in the store";
    return { text };
  }
  const found = mostAlike(bench, vertex, preimage);
  const difference = found === undefined
    ? undefined
    : explainDifference(found.earlier, found.now, terms);
  if (difference === undefined) return { text: "no earlier result of this step" };
  return { text: difference.text, difference };
}

/** The preimage of the earlier step that has most in common with this one, and this one's; of equals the newest. */
function mostAlike(
  bench: Workbench,
  vertex: Vertex,
  preimage: KeyPreimage,
): { readonly earlier: unknown; readonly now: unknown } | undefined {
  const { kind } = preimage;
  const identity = bench.identityOf(vertex.digest);
  let now: unknown;
  let greatest: number | undefined;
  let earlier: unknown;
  let most = 0;
  for (const record of bench.store.cache.similar(kind, bench.recipeOf(vertex.digest))) {
    // Not before there is something to compare with: it may list a hundred thousand files.
    now ??= JSON.parse(preimageJson(preimage));
    const isSamePlace = record.identity === identity;
    const score = likeness(record.preimage, now, isSamePlace);
    if (score > most) [earlier, most] = [record.preimage, score];
    // Nothing is more like it, and the records that follow are older.
    if (isSamePlace && score >= (greatest ??= likeness(now, now, true))) break;
  }
  return earlier === undefined ? undefined : { earlier, now };
}
