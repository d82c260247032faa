/**
 * A chain of steps on its way to vertices, and what its steps are called.
 *
 * @module
 */
import type { DraftMetadata } from "./graph_draft.ts";
import type { StageScope } from "./stage_scope.ts";
import { type Step, stepsUntil } from "./step.ts";
import { stepLabel } from "./step_label.ts";

/** A chain that is being compiled. */
export interface ChainFrame {
  readonly steps: readonly Step[];
  /** The stage of each step. */
  readonly stages: readonly StageNaming[];
  next: number;
}

/** What a stage is called, wherever in it that is said. */
export interface StageNaming {
  name: string | undefined;
  readonly isLast: boolean;
}

/** The part of a chain that is not compiled yet. */
export function chainFrame(tail: Step, compiled: ReadonlyMap<Step, unknown>): ChainFrame {
  const steps = stepsUntil(tail, (step) => compiled.has(step));
  // A name is that of the whole stage, wherever in it it is given.
  const stages: StageNaming[] = [];
  let stage: StageNaming = { name: undefined, isLast: true };
  for (const { instruction } of steps.toReversed()) {
    if (instruction.kind === "as") stage.name = instruction.name;
    stages.push(stage);
    if (instruction.kind === "from") stage = { name: undefined, isLast: false };
  }
  return { steps, stages: stages.reverse(), next: 0 };
}

/** What people are told of the vertices of a step. */
export function metadataOf(
  { instruction, site }: Step,
  stage: StageNaming,
  scope: StageScope,
): DraftMetadata {
  const name = stage.name ?? scope.stageName ??
    (stage.isLast ? scope.imageName : `stage-${scope.stageIndex}`);
  const label = stepLabel(instruction);
  return {
    site,
    ...(name === undefined ? {} : { stage: name }),
    ...(label === undefined ? {} : { label }),
  };
}
