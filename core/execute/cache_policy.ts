/**
 * Steps whose earlier results may not be used for ever.
 *
 * @module
 */
import type { Op } from "../graph/op.ts";

/** Why a result that a step has may not be used any more; undefined if it may. */
export function staleness(op: Op, createdMs: number): string | undefined {
  const cache = op.type === "run" ? op.cache : undefined;
  if (cache === "never") return 'its cache policy is "never"';
  if (cache === undefined || !("ttlMs" in cache)) return undefined;
  const ageMs = Date.now() - createdMs;
  // A clock that went back says nothing about the age.
  if (ageMs >= 0 && ageMs < cache.ttlMs) return undefined;
  return `its earlier result is older than ${duration(cache.ttlMs)}`;
}

const UNITS = [["d", 86_400_000], ["h", 3_600_000], ["min", 60_000], ["s", 1000]] as const;

/** `90 s`, `26 h`: in the largest unit of which there are two. */
function duration(ms: number): string {
  const [name, unitMs] = UNITS.find(([, unit]) => ms >= 2 * unit) ?? ["ms", 1] as const;
  return `${Math.floor(ms / unitMs)} ${name}`;
}
