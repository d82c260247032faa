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
const VERIFY: string = "./commands/verify.ts";
const SHELL: string = "./commands/shell.ts";
const LOGS: string = "./commands/logs.ts";
const BUILDS: string = "./commands/builds.ts";
const CACHE: string = "./commands/cache.ts";
const GRAPH: string = "./commands/graph.ts";
const DOCTOR: string = "./commands/doctor.ts";
const PRUNE: string = "./commands/prune.ts";
const WORKER: string = "./commands/worker.ts";
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
    name: "verify",
    operands: "[recipe|dir]",
    hasOptions: true,
    description: "run RUN steps again, and say which files differ",
    async load(): Promise<CliCommand> {
      const { verifyCommand }: typeof import("./commands/verify.ts") = await import(VERIFY);
      return verifyCommand;
    },
  },
  {
    name: "shell",
    operands: "[build] [step] [command...]",
    hasOptions: true,
    description: "look around in a step of an earlier build",
    async load(): Promise<CliCommand> {
      const { shellCommand }: typeof import("./commands/shell.ts") = await import(SHELL);
      return shellCommand;
    },
  },
  {
    name: "logs",
    operands: "[build] [step]",
    hasOptions: false,
    description: "print all that steps of an earlier build printed",
    async load(): Promise<CliCommand> {
      const { logsCommand }: typeof import("./commands/logs.ts") = await import(LOGS);
      return logsCommand;
    },
  },
  {
    name: "builds",
    hasOptions: true,
    description: "list the builds that ran a step, or failed",
    async load(): Promise<CliCommand> {
      const { buildsCommand }: typeof import("./commands/builds.ts") = await import(BUILDS);
      return buildsCommand;
    },
  },
  {
    name: "cache",
    hasOptions: false,
    description: "list, remove, export, import cache mounts",
    async load(): Promise<CliCommand> {
      const { cacheCommand }: typeof import("./commands/cache.ts") = await import(CACHE);
      return cacheCommand;
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
    name: "prune",
    hasOptions: true,
    description: "free disk space: what no image and no cached step needs",
    async load(): Promise<CliCommand> {
      const { pruneCommand }: typeof import("./commands/prune.ts") = await import(PRUNE);
      return pruneCommand;
    },
  },
  {
    name: "doctor",
    hasOptions: true,
    description: "say what can run steps here, and what is missing",
    async load(): Promise<CliCommand> {
      const { doctorCommand }: typeof import("./commands/doctor.ts") = await import(DOCTOR);
      return doctorCommand;
    },
  },
  {
    name: "worker",
    hasOptions: true,
    description: "run steps for Layerwright on another machine",
    async load(): Promise<CliCommand> {
      const { workerCommand }: typeof import("./commands/worker.ts") = await import(WORKER);
      return workerCommand;
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
