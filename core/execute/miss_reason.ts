/**
 * Why a layer has to be made: the earlier results are searched for the step this one was.
 *
 * @module
 */
import type { Vertex } from "../graph/vertex.ts";
import { cacheKey, type KeyPreimage } from "../solve/cache_key.ts";
import { explainDifference, type RecipeTerms } from "../solve/explain.ts";
import { likeness } from "../solve/likeness.ts";
import type { MissReason } from "../solve/progress.ts";
import type { Workbench } from "./workbench.ts";

/** Says in one line why nothing is stored under a preimage. Changes nothing, and costs little beside the step. */
export function missReason(
  bench: Workbench,
  vertex: Vertex,
  preimage: KeyPreimage,
  terms: RecipeTerms,
): MissReason {
  if (!bench.usesCache(vertex.digest)) return { text: "the cache is off for this step" };
  if (bench.store.cache.get(cacheKey(preimage)) !== undefined) {
    return { text: "its layer is no longer in the store" };
  }
  const earlier = mostAlike(bench, vertex, preimage);
  const difference = earlier === undefined
    ? undefined
    : explainDifference(earlier, preimage, terms);
  if (difference === undefined) return { text: "no earlier result of this step" };
  return { text: difference.text, difference };
}

/** The preimage of the earlier step that has most in common with this one; of equals the newest. */
function mostAlike(bench: Workbench, vertex: Vertex, preimage: KeyPreimage): unknown {
  const { cache } = bench.store;
  const identity = bench.identityOf(vertex.digest);
  let best: unknown;
  let most = 0;
  for (const record of cache.similar(preimage.kind, bench.recipeOf(vertex.digest))) {
    const score = likeness(record.preimage, preimage, record.identity === identity);
    if (score > most) [best, most] = [record.preimage, score];
  }
  return best;
}
