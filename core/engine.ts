/**
 * The engine: what a recipe and the command line hold. It knows its plugins, checks the order and makes the graph;
 * what works through a graph (`build.ts`) is heavy to load and loaded when first needed.
 *
 * @module
 */
import type {
  BuildOptions,
  BuildPlan,
  BuildResult,
  BuildTarget,
  GraphOptions,
  PlanOptions,
  StepExplanation,
} from "./build_options.ts";
import type { ObservationsOptions } from "./context/observations.ts";
import { buildEncoder } from "./build_result.ts";
import type { CacheMounts } from "./cache_mounts_seam.ts";
import { isImage } from "./dsl/image.ts";
import { invalidGraph, toGraph } from "./dsl/to_graph.ts";
import type { EngineUpkeep } from "./engine_upkeep.ts";
import { LayerwrightError } from "./errors.ts";
import type { Executor } from "./execute/executor.ts";
import type { Source } from "./execute/source.ts";
import type { Graph } from "./graph/graph.ts";
import { validateGraph } from "./graph/validate.ts";
import { checkStepOptions } from "./graph/validate_surroundings.ts";
import { parsePlatform, type Platform } from "./oci/platform.ts";
import { parseReference } from "./oci/reference.ts";
import type { Plugin } from "./plugin.ts";
import type { ProgressReporter } from "./solve/progress.ts";
import { storeHome } from "./store/home.ts";
import type { Store } from "./store/store.ts";
import type { Exporter } from "./transfer/exporter.ts";
import type { PastBuild, PastStep } from "./past_builds.ts";
import type { ShellOptions } from "./shell_options.ts";
import type { VerifyOptions, VerifyResult } from "./verify_result.ts";

/** Builds images with a fixed set of plugins. */
export interface Engine extends EngineUpkeep {
  /**
   * Builds an image, stores it, tags it and exports it.
   *
   * @throws {LayerwrightError} The first failure, with the user's line.
   */
  build(target: BuildTarget, options?: BuildOptions): Promise<BuildResult>;
  /**
   * Says what {@link build} would do, and changes nothing: which steps have their result already, which would run and
   * why, and, when none of those runs a program, the ID of the image to come.
   */
  plan(target: BuildTarget, options?: PlanOptions): Promise<BuildPlan>;
  /**
   * Says for every step that makes a layer whether {@link build} would find it, and if not, which input differs from
   * those of the earlier step most like it. Changes nothing.
   */
  explain(target: BuildTarget, options?: PlanOptions): Promise<readonly StepExplanation[]>;
  /**
   * Runs the RUN steps again, as they were and in other surroundings, and says of each file of their layers what differs
   * from the stored layer, and why where that can be told. Steps without an earlier result are built first; nothing else
   * is stored.
   */
  verify(target: BuildTarget, options?: VerifyOptions): Promise<VerifyResult>;
  /** The cache mounts that builds left in the store. */
  cacheMounts(): Promise<CacheMounts>;
  /** Builds that the store remembers, the latest first: those that ran a step, or failed. */
  builds(): Promise<readonly PastBuild[]>;
  /**
   * A remembered build and its steps, by their names as people give them: see `pastSteps`.
   *
   * @throws {LayerwrightError} `BUILD_UNKNOWN`.
   */
  steps(
    names: { readonly build?: string | undefined; readonly step?: string | undefined },
  ): Promise<{ readonly build: PastBuild; readonly steps: readonly PastStep[] }>;
  /**
   * Runs a shell, or another program, where a step of an earlier build ran: in the files it left, with all that was in
   * force. It reads the standard input of this process, and has its terminal. What it changes is thrown away.
   *
   * @returns Its exit code.
   * @throws {LayerwrightError} `BUILD_UNKNOWN` for what is not remembered, or not kept; `RUNTIME_MISSING`; `FILE_MISSING`
   * where there is no shell.
   */
  shell(options: ShellOptions): Promise<number>;
  /** The graph a build would work through. */
  graph(target: BuildTarget, options?: GraphOptions): Graph;
  /** Opens the store that builds write to; the caller disposes it. */
  openStore(): Promise<Store>;
}

/** What an engine is made of. */
export interface EngineOptions {
  readonly plugins: readonly Plugin[];
  /** The folder of the store; from the environment (`LAYERWRIGHT_HOME`, XDG) unless given. */
  readonly home?: string;
}

/** What the plugins of an engine bring to a build, and where its store is. */
export interface EngineParts {
  readonly sources: readonly Source[];
  readonly executors: readonly Executor[];
  /** By the type of output; those of plugins alone. */
  readonly exporters: ReadonlyMap<string, Exporter>;
  /** The folder of the store. */
  readonly home: string;
  /** For tests, which cannot wait until files are old. */
  readonly observing?: Pick<ObservationsOptions, "settledNs"> | undefined;
}

/** Types of output that need no plugin: `build.ts` has their exporters. */
export type BuiltInExportType = "oci" | "docker" | "tar" | "local";

const BUILT_IN_EXPORT_TYPES: readonly BuiltInExportType[] = ["oci", "docker", "tar", "local"];

/** Makes an engine of plugins. It holds nothing open: every build opens the store anew. */
export function createEngine(options: EngineOptions): Engine {
  const sources = options.plugins.flatMap((plugin) => plugin.sources ?? []);
  const executors = options.plugins.flatMap((plugin) => plugin.executors ?? []);
  const exporters = new Map(
    options.plugins.flatMap((plugin) => plugin.exporters ?? [])
      .map((exporter) => [exporter.type, exporter]),
  );
  // The environment may change between two builds of one process.
  const partsNow = (): EngineParts => ({
    sources,
    executors,
    exporters,
    home: options.home ?? storeHome(process.env, process.platform),
  });

  const engine: Engine = {
    async openStore(): Promise<Store> {
      const { openBuildStore } = await loadBuild();
      return openBuildStore(partsNow());
    },

    async cacheMounts(): Promise<CacheMounts> {
      const { cacheMountsOf }: typeof import("./cache_mounts.ts") = await import(CACHE_MOUNTS);
      return cacheMountsOf(partsNow());
    },

    async builds(): Promise<readonly PastBuild[]> {
      const { pastBuilds }: typeof import("./past_builds.ts") = await import(PAST_BUILDS);
      return pastBuilds(partsNow());
    },

    async steps(names): Promise<{ build: PastBuild; steps: readonly PastStep[] }> {
      const { pastSteps }: typeof import("./past_builds.ts") = await import(PAST_BUILDS);
      return pastSteps(partsNow(), names);
    },

    async shell(shellOptions): Promise<number> {
      const { openShell }: typeof import("./shell.ts") = await import(SHELL);
      return await openShell(partsNow(), shellOptions);
    },

    graph(target, graphOptions = {}): Graph {
      if (!isImage(target)) return checkedGraph(target);
      const { platform, ...rest } = graphOptions;
      const here = hostPlatform();
      return toGraph(target, {
        ...rest,
        platform: platform === undefined ? here : parsePlatform(platform, here),
      });
    },

    async build(target, buildOptions = {}): Promise<BuildResult> {
      const { tags = [], outputs = [], progress } = buildOptions;
      // What is wrong with the order should not be found out after the work.
      for (const { type } of outputs) checkExporter(type);
      for (const tag of tags) checkTag(tag);
      buildEncoder(buildOptions);
      checkStepOptions(buildOptions);
      const graph = engine.graph(target, buildOptions);
      const reporter = typeof progress === "object" ? progress : await reporterOf(progress);
      try {
        const parts = partsNow();
        const order = { graph, options: buildOptions, reporter };
        const { unchangedBuild }: typeof import("./unchanged_build.ts") = await import(UNCHANGED);
        const unchanged = await unchangedBuild(parts, order);
        if (unchanged !== undefined) return unchanged;
        const { buildGraph } = await loadBuild();
        return await buildGraph(parts, order);
      } finally {
        if (typeof progress !== "object") reporter.close();
      }
    },

    async plan(target, planOptions = {}): Promise<BuildPlan> {
      buildEncoder(planOptions);
      checkStepOptions(planOptions);
      const graph = engine.graph(target, planOptions);
      const { planGraph } = await loadBuild();
      return await planGraph(partsNow(), { graph, options: planOptions });
    },

    async explain(target, planOptions = {}): Promise<readonly StepExplanation[]> {
      checkStepOptions(planOptions);
      const graph = engine.graph(target, planOptions);
      const { explainGraph } = await loadBuild();
      return await explainGraph(partsNow(), { graph, options: planOptions });
    },

    async verify(target, verifyOptions = {}): Promise<VerifyResult> {
      checkStepOptions(verifyOptions);
      const graph = engine.graph(target, verifyOptions);
      const { progress } = verifyOptions;
      const reporter = typeof progress === "object" ? progress : await reporterOf(progress);
      try {
        const { verifyGraph }: typeof import("./verify.ts") = await import(VERIFY);
        return await verifyGraph(partsNow(), { graph, options: verifyOptions, reporter });
      } finally {
        if (typeof progress !== "object") reporter.close();
      }
    },

    probe: async (executor) => await (await loadUpkeep()).probeEngine(partsNow(), executor),
    prune: async (pruneOptions) => await (await loadUpkeep()).pruneStore(partsNow(), pruneOptions),
    removeStore: async () => await (await loadUpkeep()).removeStore(partsNow()),
    serve: async (connection) =>
      await (await loadUpkeep()).serveSteps(partsNow(), options.plugins, connection),
  };
  return engine;

  async function reporterOf(mode: string | undefined): Promise<ProgressReporter> {
    const factory = options.plugins.findLast(({ progress }) => progress !== undefined)?.progress;
    return await factory?.(mode) ?? SILENT;
  }

  function checkExporter(type: string): void {
    const known = [...BUILT_IN_EXPORT_TYPES, ...exporters.keys()];
    if (known.includes(type)) return;
    throw new LayerwrightError(
      "EXPORTER_UNKNOWN",
      `Cannot export an image as "${type}": no plugin does that`,
      {
        details: [`known are ${[...new Set(known)].sort().join(", ")}`],
        hint: "choose one of these types",
      },
    );
  }
}

// Deno reads all that a program may import by a literal before it runs any of it; by a name, when it is imported.
const UNCHANGED: string = "./unchanged_build.ts";
const BUILD: string = "./build.ts";
const UPKEEP: string = "./engine_upkeep.ts";
const PAST_BUILDS: string = "./past_builds.ts";
const SHELL: string = "./shell.ts";
const VERIFY: string = "./verify.ts";
const CACHE_MOUNTS: string = "./cache_mounts.ts";

async function loadUpkeep(): Promise<typeof import("./engine_upkeep.ts")> {
  return await import(UPKEEP);
}

async function loadBuild(): Promise<typeof import("./build.ts")> {
  return await import(BUILD);
}

/** @throws {LayerwrightError} `REFERENCE_INVALID` for what cannot name an image yet to be built. */
function checkTag(tag: string): void {
  if (parseReference(tag).digest === undefined) return;
  throw new LayerwrightError(
    "REFERENCE_INVALID",
    `Cannot name an image ${JSON.stringify(tag)}: its digest follows from what is built`,
    { hint: 'give a name and a tag, without "@" and what follows' },
  );
}

/** A graph that came from somewhere else is as good as one of a recipe, or refused as one. */
function checkedGraph(graph: Graph): Graph {
  if (!(graph?.vertices instanceof Map && Array.isArray(graph.targets))) {
    throw new LayerwrightError("RECIPE_INVALID", "Cannot build this: it is no image and no graph", {
      hint: "give what image() or, once awaited, parseGraph() returned",
    });
  }
  const problems = validateGraph(graph);
  if (problems.length > 0) throw invalidGraph(graph.targets[0]?.name ?? "", problems);
  return graph;
}

const SILENT: ProgressReporter = { event(): void {}, close(): void {} };

/** Linux images for the processor of this machine: what Docker builds on every system. */
function hostPlatform(): Platform {
  const architectures: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };
  return { os: "linux", architecture: architectures[process.arch] ?? process.arch };
}
