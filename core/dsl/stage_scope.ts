/**
 * What is in force at a step of a chain.
 *
 * @module
 */
import type { OpPlatform } from "../graph/op.ts";
import type { VertexDigest } from "../graph/vertex.ts";

/** What is in force at a step. */
export interface StageScope {
  /** Of the `from` calls that follow. */
  readonly platform: OpPlatform;
  readonly imageName: string | undefined;
  /** Named stages that are complete. */
  readonly stages: NamedStage | undefined;
  /** The name of the current stage, from where it is given on. */
  readonly stageName: string | undefined;
  /** How many stages came before. */
  readonly stageIndex: number;
  /** What the current stage started from. */
  readonly base: VertexDigest | undefined;
  /** The current stage has set a command of its own. */
  readonly setsCommand: boolean;
  /** The current stage has ONBUILD instructions. */
  readonly hasTriggers: boolean;
}

/** A list, the latest first: it is shared by all steps that see it. */
export interface NamedStage {
  readonly name: string;
  readonly vertex: VertexDigest;
  readonly hasTriggers: boolean;
  readonly next: NamedStage | undefined;
}

/** The scope at the start of a chain. */
export function initialScope(platform: OpPlatform, imageName: string | undefined): StageScope {
  return {
    platform,
    imageName,
    stages: undefined,
    stageName: undefined,
    stageIndex: -1,
    base: undefined,
    setsCommand: false,
    hasTriggers: false,
  };
}

/** The scope after a `from`, as far as it does not depend on the new base. */
export function nextStage(scope: StageScope, finished: VertexDigest | undefined): StageScope {
  const { stageName, hasTriggers } = scope;
  const stages = stageName === undefined || finished === undefined
    ? scope.stages
    : { name: stageName, vertex: finished, hasTriggers, next: scope.stages };
  const stageIndex = scope.stageIndex + 1;
  return {
    ...scope,
    stages,
    stageName: undefined,
    stageIndex,
    setsCommand: false,
    hasTriggers: false,
  };
}

/** The stage of a name. */
export function findStage(stages: NamedStage | undefined, name: string): NamedStage | undefined {
  let stage = stages;
  while (stage !== undefined && stage.name !== name) stage = stage.next;
  return stage;
}

/** The names of complete stages, the latest first. */
export function namesOf(stages: NamedStage | undefined): string[] {
  const names: string[] = [];
  for (let stage = stages; stage !== undefined; stage = stage.next) names.push(stage.name);
  return names;
}

/** Why a stage cannot have a name; undefined when it can. */
export function stageNameProblem(name: string, scope: StageScope): string | undefined {
  return !/^[a-z][a-z0-9_.-]*$/.test(name)
    ? 'use lower-case letters, digits, "_", "." and "-", a letter first'
    : name === "scratch" || name === "context"
    ? "the name is reserved"
    : findStage(scope.stages, name) !== undefined
    ? "an earlier stage has that name"
    : scope.stageName !== undefined
    ? `it is "${scope.stageName}" already`
    : undefined;
}
