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

/**
 * A long part of a preimage, such as the list of all files of a copy: it stands in the key by its own digest, so that
 * it is hashed once for all keys it is part of.
 */
export class LongPart {
  /** Of {@link json}. */
  readonly digest: Digest;
  /** Its canonical JSON. */
  readonly json: string;

  constructor(json: string) {
    this.json = json;
    this.digest = sha256(json);
  }

  /** The value itself. */
  toJSON(): CanonicalValue {
    return JSON.parse(this.json) as CanonicalValue;
  }
}

/** A part of a preimage that decides nothing: it is stored with the rest to explain a miss, and is not in the key. */
export class Remark {
  readonly #value: CanonicalValue;

  constructor(value: CanonicalValue) {
    this.#value = value;
  }

  /** The value itself. */
  toJSON(): CanonicalValue {
    return this.#value;
  }
}

/** What a result depends on: plain data, stored beside the key so that a miss can be explained. */
export interface KeyPreimage {
  readonly compat: number;
  /** `copy`, `file`, `diff`, `run`, `source`: which rules read the rest. */
  readonly kind: string;
  readonly [name: string]: CanonicalValue | LongPart | Remark | undefined;
}

/** The key of a preimage: the hash of its canonical JSON without remarks, long parts replaced by their digests. */
export function cacheKey(preimage: KeyPreimage): CacheKey {
  const short = Object.entries(preimage).flatMap(([name, value]) =>
    value instanceof Remark
      ? []
      : [[name, value instanceof LongPart ? value.digest : value] as const]
  );
  return sha256<CacheKey>(canonicalJson(Object.fromEntries(short)));
}

/** A preimage as JSON, all of it. */
export function preimageJson(preimage: KeyPreimage): string {
  const fields = Object.entries(preimage).filter(([, value]) => value !== undefined).map((
    [name, value],
  ) => `${JSON.stringify(name)}:${value instanceof LongPart ? value.json : JSON.stringify(value)}`);
  return `{${fields.join(",")}}`;
}
