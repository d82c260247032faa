/**
 * What a chain of builder calls is made of: one step per call, each knowing the one before.
 *
 * @module
 */
import type { ConfigChange, CopyOp, RunOp } from "../graph/op.ts";
import type { CallSite } from "./call_site.ts";
import type { Context } from "./context.ts";
import type { AnyImage } from "./image_builder.ts";
import type { MountValue } from "./mount.ts";
import type { SourceValue } from "./source.ts";

/** Where files can come from, as a value. */
export type FileOrigin = AnyImage | Context | SourceValue;

/** What a stage can start from: `scratch`, a reference, an earlier stage by name or value, a source. */
export type StageBase = string | AnyImage | SourceValue;

/** One builder call. */
export interface Step {
  readonly prev: Step | undefined;
  readonly site: CallSite;
  readonly instruction: Instruction;
}

/** What a builder call asks for. */
export type Instruction =
  /** `image(name)`: the start of every chain. */
  | { readonly kind: "image"; readonly name: string | undefined }
  | { readonly kind: "platform"; readonly platform: string }
  | { readonly kind: "from"; readonly base: StageBase }
  | { readonly kind: "as"; readonly name: string }
  | { readonly kind: "copy"; readonly op: CopyOp; readonly from: string | FileOrigin | undefined }
  | {
    readonly kind: "run";
    readonly op: Omit<RunOp, "mounts">;
    readonly mounts: readonly MountValue<string>[];
  }
  | { readonly kind: "workdir"; readonly path: string }
  | { readonly kind: "config"; readonly change: ConfigChange }
  | { readonly kind: "squash"; readonly from: AnyImage | undefined };

/** The steps from after `end` (or from the start of the chain) to `tail`, in order. */
export function stepsUntil(tail: Step, isEnd: (step: Step) => boolean): Step[] {
  const steps: Step[] = [];
  for (let step: Step | undefined = tail; step !== undefined && !isEnd(step); step = step.prev) {
    steps.push(step);
  }
  return steps.reverse();
}
