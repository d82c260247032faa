/**
 * Which unpacked trees garbage collection keeps: they save work and nothing else.
 *
 * @module
 */
import { chainOnTop } from "../oci/chain_id.ts";
import type { ChainID, DiffID } from "../oci/digest.ts";
import { type Snapshot, USED_PRECISION_MS } from "./snapshot_store.ts";
import type { Store } from "./store.ts";

/** One tree, and why it stays or goes. */
export interface GcTree extends Snapshot {
  readonly why: string;
}

/** What decides about trees. */
export interface TreeRules {
  /** The layers that stay. */
  readonly layers: ReadonlySet<DiffID>;
  /** Trees used since then may be in use; milliseconds since the epoch. */
  readonly leaseSinceMs: number;
  /** Trees used since then stay all the same. */
  readonly usedSinceMs: number;
  /** What trees may have, besides those in use; the least recently used go first. */
  readonly limitBytes: number;
}

/** Says for every tree why it stays or goes. */
export function planTrees(
  store: Store,
  { layers, leaseSinceMs, usedSinceMs, limitBytes }: TreeRules,
): { readonly kept: readonly GcTree[]; readonly freed: readonly GcTree[] } {
  const trees = store.snapshots.list().reverse();
  const whole = chainsOf(layers, new Set(trees.map(({ chainId }) => chainId)));
  const kept: GcTree[] = [];
  const freed: GcTree[] = [];
  let total = 0;
  for (const tree of trees) {
    const keep = (why: string): unknown => kept.push({ ...tree, why });
    const free = (why: string): unknown => freed.push({ ...tree, why });
    // A tree that a build takes is marked as used, but for one that was a moment ago.
    if (tree.usedMs >= leaseSinceMs - USED_PRECISION_MS) keep("used while a build runs");
    else if (tree.usedMs >= usedSinceMs) keep("used a short time ago");
    else if (!whole.has(tree.chainId)) free("a layer it is made of goes");
    else if (total + tree.sizeBytes > limitBytes) free("unpacked again when a step needs it");
    else {
      total += tree.sizeBytes;
      keep("unpacked for steps to come");
    }
  }
  return { kept, freed };
}

/**
 * Those of the chains that these layers make, one on the other. A ChainID does not say which layers it is of, but all
 * the chains below one of ours are ours too: a tree is unpacked above the one below it.
 */
function chainsOf(layers: ReadonlySet<DiffID>, wanted: ReadonlySet<ChainID>): Set<ChainID> {
  const found = new Set<ChainID>();
  // One layer's chain is the layer itself.
  for (const layer of layers) {
    const chain: string = layer;
    if (wanted.has(chain as ChainID)) found.add(chain as ChainID);
  }
  // A set is walked in the order of insertion, what is added meanwhile too.
  for (const below of found) {
    if (found.size === wanted.size) break;
    for (const layer of layers) {
      const chain = chainOnTop(below, layer);
      if (wanted.has(chain)) found.add(chain);
    }
  }
  return found;
}
