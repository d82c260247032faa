/**
 * What every workload gets to work with.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { programPath } from "../../support/program_path.ts";
import type { Command } from "../measure.ts";
import type { BenchOptions } from "../options.ts";
import { freshFolder, type Scratch } from "../scratch.ts";
import type { Contender, Row, Task } from "../series.ts";
import type { Buildah, Engine } from "../tools.ts";

/** The benchmark as its workloads see it. */
export interface Bench {
  readonly options: BenchOptions;
  readonly scratch: Scratch;
  readonly engines: readonly Engine[];
  readonly peers: ReadonlyMap<string, string>;
  /** Measures a task and keeps its rows. */
  measure(task: Task): readonly Row[];
  /** Runs something that is not timed. */
  prepare(command: Command): string;
  /** Says what a row cannot. */
  note(line: string): void;
  /** Keeps the digest an engine printed: all engines must print the same. */
  digest(subject: string, tool: string, digest: string): void;
  buildah(name: string): Buildah;
}

/** A recipe of the benchmark. */
export function recipe(name: string): string {
  return fileURLToPath(new URL(`../recipes/${name}.ts`, import.meta.url));
}

/** The store of an engine for a workload: the unchanged build finds what the cold one left. */
export function engineHome(bench: Bench, engine: Engine, workload: string): string {
  return join(bench.scratch.path, workload, engine.tool.replace(/\W+/g, "-").toLowerCase());
}

/** What a build of ours ends with: `stored` in the store as it is, or compressed as it leaves. */
export type Ending = "stored" | "gzip";

/** Layerwright building a recipe on each runtime. `cold` empties the store before each run. */
export function engineBuilds(
  bench: Bench,
  workload: string,
  args: readonly string[],
  options: {
    readonly cold?: boolean;
    readonly before?: (round: number) => void;
    readonly ending?: Ending;
  } = {},
): Contender[] {
  const ending = options.ending === "gzip" ? ["--compression", "gzip"] : [];
  return bench.engines.map((engine) => {
    const home = engineHome(bench, engine, workload);
    return {
      tool: engine.tool,
      prepare: (round: number): void => {
        if (options.cold === true) freshFolder(home);
        options.before?.(round);
      },
      steps: [{
        label: "",
        command: () => engine.command(["build", "-q", ...args, ...ending], home),
      }],
      // After a change the rounds differ, and so do the digests.
      ...(options.before === undefined
        ? {
          inspect: (stdout: string): void =>
            bench.digest(
              [workload, ...ending].join(" "),
              engine.tool,
              stdout.trim().split("\n").at(-1) ?? "",
            ),
        }
        : {}),
    };
  });
}

/** The contender, or none where one of its programs is not installed. */
export function withPrograms(
  bench: Bench,
  programs: readonly string[],
  contender: () => Contender,
): Contender[] {
  const missing = programs.filter((name) =>
    !bench.peers.has(name) && programPath(name) === undefined
  );
  return missing.length === 0 &&
      programs.every((name) => name !== "docker" || bench.peers.has(name))
    ? [contender()]
    : [];
}

/** buildah building, and pushing to an OCI layout. */
export function buildahBuilds(
  bench: Bench,
  workload: string,
  build: {
    readonly dockerfile: string;
    readonly context: string;
    readonly args?: readonly string[];
  },
  options: {
    readonly cold?: boolean;
    readonly push?: boolean;
    readonly before?: (round: number) => void;
  } = {},
): Contender[] {
  const folder = join(bench.scratch.path, workload, "buildah");
  const layout = join(folder, "layout");
  const buildah = bench.buildah(folder);
  return withPrograms(bench, ["buildah"], () => ({
    tool: "buildah",
    prepare: (round): void => {
      freshFolder(options.cold === true ? folder : layout);
      options.before?.(round);
    },
    steps: [
      { label: "build", command: () => buildah.build(build.dockerfile, build.context, build.args) },
      ...(options.push === false
        ? []
        : [{ label: "build + push", command: (): Command => buildah.push(layout) }]),
    ],
  }));
}

/** The build of a docker daemon, which compresses nothing before a push. */
export function dockerBuilds(
  bench: Bench,
  build: {
    readonly dockerfile: string;
    readonly context: string;
    readonly args?: readonly string[];
  },
  options: { readonly cold?: boolean; readonly before?: (round: number) => void } = {},
): Contender[] {
  const cache = options.cold === true ? ["--no-cache"] : [];
  return withPrograms(bench, ["docker"], () => ({
    tool: "docker (BuildKit)",
    prepare: (round): void => options.before?.(round),
    steps: [{
      label: "build",
      command: () => ({
        argv: [
          // No step needs a network, and a daemon may have none to give.
          ...["docker", "build", "-q", "--network", "none", ...cache, ...build.args ?? []],
          ...["-f", build.dockerfile, build.context],
        ],
        env: { DOCKER_BUILDKIT: "1" },
      }),
    }],
  }));
}
