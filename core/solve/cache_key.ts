/**
 * Cache keys: hashes of everything a result depends on, with the readable preimage kept beside the hash.
 *
 * @module
 */
import { canonicalJson, type CanonicalValue } from "../graph/canonical_json.ts";
import { type Digest, sha256 } from "../oci/digest.ts";

/**
 * The version of every rule that decides bytes: order, owners, times and modes in layers, what is in a key.
 * A change of any of them takes a new number, so that no result of the old rules is ever taken for one of the new.
 */
export const COMPAT = 1;

/** Names a result by all that it depends on. */
export type CacheKey = Digest & { readonly cacheKey: true };

/** What a result depends on: plain data, stored beside the key so that a miss can be explained. */
export interface KeyPreimage {
  readonly compat: number;
  /** `copy`, `file`, `diff`, `run`, `source`: which rules read the rest. */
  readonly kind: string;
  readonly [name: string]: CanonicalValue | undefined;
}

/** The key of a preimage: the hash of its canonical JSON. */
export function cacheKey(preimage: KeyPreimage): CacheKey {
  return sha256<CacheKey>(canonicalJson(preimage));
}
