/**
 * Layerwright: container images as code.
 *
 * This is the only place that joins core and plugins. It exports the recipe language, an engine with the default
 * plugins, and what it takes to make an engine with others.
 *
 * @example The smallest image
 * ```ts
 * import assert from "node:assert/strict";
 * import { image, inlineFile, toDockerfile } from "./mod.ts";
 * const hello = image("hello").from("scratch").copy(inlineFile("hello.txt", "hello\n"), "/");
 * assert.match(toDockerfile(hello), /^FROM scratch/m);
 * ```
 * @module
 */
import {
  type BuildOptions,
  type BuildPlan,
  type BuildResult,
  type BuildTarget,
  createEngine,
  type Engine,
} from "./core/mod.ts";
import type {
  PlanOptions,
  Plugin,
  StepExplanation,
  VerifyOptions,
  VerifyResult,
} from "./core/mod.ts";
import { cliPlugin } from "./plugins/cli/mod.ts";
import { debianPlugin } from "./plugins/debian/mod.ts";
import { hostExecutable } from "./plugins/host_executable/mod.ts";
import { runtimePlugin } from "./plugins/runtime/mod.ts";

export * from "./core/mod.ts";
export { debian, type DebianOptions } from "./plugins/debian/mod.ts";
export { executable } from "./plugins/host_executable/mod.ts";
export { remoteExecutor, type RemoteOptions, remoteRuntime } from "./plugins/runtime/mod.ts";

/** What an engine has unless it is told otherwise. Removing one removes its feature and nothing else. */
export const defaultPlugins: readonly Plugin[] = [
  runtimePlugin,
  hostExecutable,
  debianPlugin,
  cliPlugin,
];

// Deno reads all that a program may import by a literal before it runs any of it; by a name, when it is imported.
const COMMAND_LINE: string = "./plugins/cli/main.ts";

let shared: Engine | undefined;

/** The engine with the default plugins. */
export function defaultEngine(): Engine {
  shared ??= createEngine({ plugins: defaultPlugins });
  return shared;
}

/** Builds an image with the default engine. See {@link Engine.build}. */
export function build(target: BuildTarget, options?: BuildOptions): Promise<BuildResult> {
  return defaultEngine().build(target, options);
}

/** Says what {@link build} would do, and changes nothing. See {@link Engine.plan}. */
export function plan(target: BuildTarget, options?: PlanOptions): Promise<BuildPlan> {
  return defaultEngine().plan(target, options);
}

/** Says which input keeps each step from using an earlier result. See {@link Engine.explain}. */
export function explain(
  target: BuildTarget,
  options?: PlanOptions,
): Promise<readonly StepExplanation[]> {
  return defaultEngine().explain(target, options);
}

/** Runs RUN steps again and says which files differ. See {@link Engine.verify}. */
export function verify(target: BuildTarget, options?: VerifyOptions): Promise<VerifyResult> {
  return defaultEngine().verify(target, options);
}

/**
 * The command line.
 *
 * @param args What follows the program's name.
 * @returns The exit code.
 */
export async function main(args: readonly string[]): Promise<number> {
  // Loaded when it is used: recipes that run on their own need no command line.
  const { runMain }: typeof import("./plugins/cli/main.ts") = await import(COMMAND_LINE);
  return await runMain(args, defaultEngine());
}
