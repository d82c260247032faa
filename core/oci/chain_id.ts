/**
 * ChainIDs: names for stacks of layers.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import { type ChainID, type DiffID, sha256 } from "./digest.ts";

/**
 * Computes the ChainID that names the filesystem made by stacking layers.
 * Equal prefixes of two stacks have equal ChainIDs, so they share one unpacked snapshot.
 *
 * @param diffIds DiffIDs (digests of *uncompressed* tars), base layer first, at least one.
 * @returns `sha256:` + 64 lower-case hex digits; equal to `diffIds[0]` for one layer.
 * @throws {LayerwrightError} `CHAIN_EMPTY` if `diffIds` is empty.
 * @see OCI image-spec v1.1, config.md, "Layer ChainID"
 * @example One layer
 * ```ts
 * import assert from "node:assert/strict";
 * import { chainId } from "./chain_id.ts";
 * import { type DiffID, sha256 } from "./digest.ts";
 * const base = sha256<DiffID>(new Uint8Array(1024));
 * assert.equal(chainId([base]), base);
 * ```
 */
export function chainId(diffIds: readonly DiffID[]): ChainID {
  const chain = chainIds(diffIds).at(-1);
  if (chain === undefined) {
    throw new LayerwrightError("CHAIN_EMPTY", "Cannot compute a ChainID: no layers");
  }
  return chain;
}

/** The ChainID of a stack with one more layer on top. */
export function chainOnTop(below: ChainID, diffId: DiffID): ChainID {
  return sha256(`${below} ${diffId}`);
}

/** The ChainID of every prefix of a stack: of the base layer alone, of the lowest two, … */
export function chainIds(diffIds: readonly DiffID[]): ChainID[] {
  const chains: ChainID[] = [];
  for (const diffId of diffIds) {
    const below = chains.at(-1);
    chains.push(
      below === undefined ? (diffId as string) as ChainID : chainOnTop(below, diffId),
    );
  }
  return chains;
}
