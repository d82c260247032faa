/**
 * Which chains a step refers to.
 *
 * @module
 */
import { isContext } from "./context.ts";
import { lastStepOf } from "./image.ts";
import { isSource } from "./source.ts";
import type { Step } from "./step.ts";

/** The ends of the chains whose files a step uses. */
export function originsOf({ instruction }: Step): Step[] {
  const values: readonly unknown[] = instruction.kind === "from"
    ? [instruction.base]
    : instruction.kind === "copy" || instruction.kind === "squash"
    ? [instruction.from]
    : instruction.kind === "run"
    ? instruction.mounts.map((mount) => "from" in mount ? mount.from : undefined)
    : [];
  return values
    .filter((value) =>
      value !== undefined && typeof value !== "string" && !isContext(value) && !isSource(value)
    )
    .map(lastStepOf);
}
