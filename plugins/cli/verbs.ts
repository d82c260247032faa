/**
 * The built-in verbs: what help says of them all, and where each one is.
 *
 * @module
 */
import type { CliCommand } from "./command.ts";

/** One verb. All but `load` repeats what the verb registers itself with, so that help need not load it. */
export interface Verb {
  readonly name: string;
  /** Its operands, as they are declared. */
  readonly operands?: string;
  readonly hasOptions: boolean;
  readonly description: string;
  load(): Promise<CliCommand>;
}

// Deno reads all that a program may import by a literal before it runs any of it; by a name, when it is imported.
const BUILD: string = "./commands/build.ts";
const PLAN: string = "./commands/plan.ts";
const EXPLAIN: string = "./commands/explain.ts";
const GRAPH: string = "./commands/graph.ts";
const VERSION: string = "./commands/version.ts";

/** In the order of help. */
export const builtInVerbs: readonly Verb[] = [
  {
    name: "build",
    operands: "[recipe|dir]",
    hasOptions: true,
    description: "build an image from a recipe",
    async load(): Promise<CliCommand> {
      const { buildCommand }: typeof import("./commands/build.ts") = await import(BUILD);
      return buildCommand;
    },
  },
  {
    name: "plan",
    operands: "[recipe|dir]",
    hasOptions: true,
    description: "say which steps would run, and why",
    async load(): Promise<CliCommand> {
      const { planCommand }: typeof import("./commands/plan.ts") = await import(PLAN);
      return planCommand;
    },
  },
  {
    name: "explain",
    operands: "[recipe|dir] [step]",
    hasOptions: true,
    description: "say why steps have no earlier result, by the input that differs",
    async load(): Promise<CliCommand> {
      const { explainCommand }: typeof import("./commands/explain.ts") = await import(EXPLAIN);
      return explainCommand;
    },
  },
  {
    name: "graph",
    operands: "[recipe|dir]",
    hasOptions: true,
    description: "print the graph of a recipe",
    async load(): Promise<CliCommand> {
      const { graphCommand }: typeof import("./commands/graph.ts") = await import(GRAPH);
      return graphCommand;
    },
  },
  {
    name: "version",
    hasOptions: false,
    description: "print the version",
    async load(): Promise<CliCommand> {
      const { versionCommand }: typeof import("./commands/version.ts") = await import(VERSION);
      return versionCommand;
    },
  },
];
