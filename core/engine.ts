/**
 * The engine: what a recipe and the command line hold. It knows its plugins, checks the order and makes the graph;
 * what does the work (`build.ts` and the folders beside it) is heavy to load and loaded when first needed.
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
} from "./build/build_options.ts";
import { buildEncoder } from "./build/build_result.ts";
import type { BuiltInExportType, EngineParts } from "./build/engine_parts.ts";
import { isImage } from "./dsl/image.ts";
import { invalidGraph, toGraph } from "./dsl/to_graph.ts";
import { LayerwrightError } from "./errors.ts";
import type { Graph } from "./graph/graph.ts";
import { validateGraph } from "./graph/validate.ts";
import { checkStepOptions } from "./graph/validate_surroundings.ts";
import { parsePlatform, type Platform } from "./oci/platform.ts";
import { parseReference } from "./oci/reference.ts";
import type { EnginePast } from "./past/engine_past.ts";
import type { Plugin } from "./plugin.ts";
import type { ProgressReporter } from "./solve/progress.ts";
import { storeHome } from "./store/home.ts";
import type { Store } from "./store/store.ts";
import type { EngineUpkeep } from "./upkeep/engine_upkeep.ts";
import type { VerifyOptions, VerifyResult } from "./verify/verify_result.ts";

/** Builds images with a fixed set of plugins. */
export interface Engine extends EngineUpkeep, EnginePast {
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
    openStore: async () => (await storeModule()).openBuildStore(partsNow()),

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
      return await reporting(progress, async (reporter) => {
        const parts = partsNow();
        const order = { graph, options: buildOptions, reporter };
        const unchanged = await (await unchangedModule()).unchangedBuild(parts, order);
        return unchanged ?? await (await buildModule()).buildGraph(parts, order);
      });
    },

    async plan(target, planOptions = {}): Promise<BuildPlan> {
      buildEncoder(planOptions);
      checkStepOptions(planOptions);
      const graph = engine.graph(target, planOptions);
      return await (await buildModule()).planGraph(partsNow(), { graph, options: planOptions });
    },

    async explain(target, planOptions = {}): Promise<readonly StepExplanation[]> {
      checkStepOptions(planOptions);
      const graph = engine.graph(target, planOptions);
      return await (await buildModule()).explainGraph(partsNow(), { graph, options: planOptions });
    },

    async verify(target, verifyOptions = {}): Promise<VerifyResult> {
      checkStepOptions(verifyOptions);
      const graph = engine.graph(target, verifyOptions);
      const { verifyGraph } = await verifyModule();
      return await reporting(
        verifyOptions.progress,
        (reporter) => verifyGraph(partsNow(), { graph, options: verifyOptions, reporter }),
      );
    },

    builds: async () => (await pastModule()).pastBuilds(partsNow()),
    steps: async (names) => (await pastModule()).pastSteps(partsNow(), names),
    shell: async (shellOptions) => await (await shellModule()).openShell(partsNow(), shellOptions),

    cacheMounts: async () => (await upkeepModule()).cacheMountsOf(partsNow()),
    probe: async (executor) => await (await upkeepModule()).probeEngine(partsNow(), executor),
    prune: async (prune) => await (await upkeepModule()).pruneStore(partsNow(), prune),
    removeStore: async () => await (await upkeepModule()).removeStore(partsNow()),
    serve: async (connection) =>
      await (await upkeepModule()).serveSteps(partsNow(), options.plugins, connection),
  };
  return engine;

  /** Works with a reporter: the caller's, who closes it, or one of a mode. */
  async function reporting<Result>(
    progress: BuildOptions["progress"],
    work: (reporter: ProgressReporter) => Promise<Result>,
  ): Promise<Result> {
    if (typeof progress === "object") return await work(progress);
    const factory = options.plugins.findLast((plugin) => plugin.progress !== undefined)?.progress;
    const reporter = await factory?.(progress) ?? SILENT;
    try {
      return await work(reporter);
    } finally {
      reporter.close();
    }
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
async function load<Module>(path: string): Promise<Module> {
  return await import(path);
}

type Load<Module> = () => Promise<Module>;
const buildModule: Load<typeof import("./build.ts")> = () => load("./build.ts");
const pastModule: Load<typeof import("./past/past_builds.ts")> = () =>
  load("./past/past_builds.ts");
const shellModule: Load<typeof import("./past/shell.ts")> = () => load("./past/shell.ts");
const storeModule: Load<typeof import("./store/store.ts")> = () => load("./store/store.ts");
const unchangedModule: Load<typeof import("./unchanged/unchanged_build.ts")> = () =>
  load("./unchanged/unchanged_build.ts");
const upkeepModule: Load<typeof import("./upkeep/engine_upkeep.ts")> = () =>
  load("./upkeep/engine_upkeep.ts");
const verifyModule: Load<typeof import("./verify/verify.ts")> = () => load("./verify/verify.ts");

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
