/**
 * The engine: resolve → plan → execute → store → export.
 *
 * @module
 */
import type {
  BuildOptions,
  BuildPlan,
  BuildResult,
  BuildTarget,
  GraphOptions,
  PlannedStep,
  PlanOptions,
  StepExplanation,
} from "./build_options.ts";
import { BuildRun } from "./build_run.ts";
import { isImage } from "./dsl/image.ts";
import { invalidGraph, toGraph } from "./dsl/to_graph.ts";
import { assembleImage } from "./execute/assemble_image.ts";
import { CorruptBlobError } from "./execute/corrupt_blob.ts";
import { ociLayoutSource, storeImageSource } from "./execute/image_source.ts";
import type { ImageResult } from "./execute/vertex_result.ts";
import { EXPORT_VERTEX, exportImage } from "./export_image.ts";
import { LayerwrightError } from "./errors.ts";
import type { Graph } from "./graph/graph.ts";
import { validateGraph } from "./graph/validate.ts";
import { gzipEncoder } from "./layer/compress.ts";
import type { BlobDigest, ImageID } from "./oci/digest.ts";
import { parsePlatform, type Platform } from "./oci/platform.ts";
import { formatReference, parseReference } from "./oci/reference.ts";
import type { Plugin } from "./plugin.ts";
import type { ProgressReporter } from "./solve/progress.ts";
import { dockerArchiveExporter } from "./transfer/docker_archive.ts";
import { localDirectoryExporter } from "./transfer/local_directory.ts";
import { ociArchiveExporter } from "./transfer/oci_archive.ts";
import { rootfsTarExporter } from "./transfer/rootfs_tar.ts";
import { storeHome } from "./store/home.ts";
import { openStore, type Store } from "./store/store.ts";

/** Builds images with a fixed set of plugins. */
export interface Engine {
  /**
   * Builds an image, stores it, tags it and exports it.
   *
   * @throws {LayerwrightError} The first failure, with the user's line.
   */
  build(target: BuildTarget, options?: BuildOptions): Promise<BuildResult>;
  /**
   * Says what {@link build} would do, and changes nothing: which steps have their result already, which would run and
   * why, and, when none of those runs a program, the digest of the image to come.
   */
  plan(target: BuildTarget, options?: PlanOptions): Promise<BuildPlan>;
  /**
   * Says for every step that makes a layer whether {@link build} would find it, and if not, which input differs from
   * those of the earlier step most like it. Changes nothing.
   */
  explain(target: BuildTarget, options?: PlanOptions): Promise<readonly StepExplanation[]>;
  /** The graph a build would work through. */
  graph(target: BuildTarget, options?: GraphOptions): Graph;
  /** Opens the store that builds write to; the caller disposes it. */
  openStore(): Store;
}

/** What an engine is made of. */
export interface EngineOptions {
  readonly plugins: readonly Plugin[];
  /** The folder of the store; from the environment (`LAYERWRIGHT_HOME`, XDG) unless given. */
  readonly home?: string;
}

const builtInExporters = [
  ociArchiveExporter,
  dockerArchiveExporter,
  rootfsTarExporter,
  localDirectoryExporter,
];

/** A store that lost or spoiled one layer makes it again; one that goes on losing them is broken. */
const ATTEMPTS = 3;

/** Makes an engine of plugins. It holds nothing open: every build opens the store anew. */
export function createEngine(options: EngineOptions): Engine {
  const sources = [
    storeImageSource,
    ociLayoutSource,
    ...options.plugins.flatMap((plugin) => plugin.sources ?? []),
  ];
  const parts = {
    sources: new Map(sources.map((source) => [source.scheme, source])),
    executors: options.plugins.flatMap((plugin) => plugin.executors ?? []),
  };
  const exporters = new Map(
    [...builtInExporters, ...options.plugins.flatMap((plugin) => plugin.exporters ?? [])]
      .map((exporter) => [exporter.type, exporter]),
  );
  const encoder = gzipEncoder();

  const engine: Engine = {
    openStore: () =>
      openStore({
        home: options.home ?? storeHome(process.env, process.platform),
        durability: "fast",
      }),

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
      const graph = engine.graph(target, buildOptions);
      const reporter = typeof progress === "object" ? progress : reporterOf(progress);
      try {
        for (const text of unusedArguments(graph, buildOptions.buildArgs)) {
          reporter.event({ type: "warning", text });
        }
        using store = engine.openStore();
        store.temp.removeAbandoned();
        for (let attempt = 1;; attempt++) {
          await using run = new BuildRun({
            ...parts,
            store,
            graph,
            options: buildOptions,
            reporter,
            planning: false,
          });
          try {
            const image = await run.solveTarget();
            run.report({ type: "started", vertex: EXPORT_VERTEX, timeMs: Date.now() });
            const assembled = await assembleImage(
              run.bench,
              { ...image, layers: image.layers ?? [] },
              encoder,
              tags,
            );
            const { manifest: { digest } } = assembled;
            run.reportExported(`exporting manifest ${digest}`);
            run.reportExported(`exporting config ${run.imageIdOf(assembled)}`);
            for (const output of outputs) await exportImage(run, assembled, output, exporters);
            // Tags last: whoever sees the name can have all of the image.
            store.sync();
            for (const tag of tags) {
              store.refs.set(tag, assembled.manifest);
              run.reportExported(`naming to ${formatReference(parseReference(tag))}`);
            }
            run.report({ type: "completed", vertex: EXPORT_VERTEX, timeMs: Date.now() });
            return {
              digest: digest as BlobDigest,
              imageId: run.imageIdOf(assembled) as ImageID,
              descriptor: assembled.manifest,
              tags,
              steps: run.builtSteps(),
            };
          } catch (error) {
            if (!(error instanceof CorruptBlobError) || attempt === ATTEMPTS) {
              throw run.explained(error);
            }
            run.report({ type: "warning", text: `${error.message}; it is made again` });
            await store.blobs.delete(error.digest);
          }
        }
      } finally {
        if (typeof progress !== "object") reporter.close();
      }
    },

    async plan(target, planOptions = {}): Promise<BuildPlan> {
      return await planned(target, planOptions, async (run, { layers, ...image }) => {
        const steps = run.explainedSteps().map(plannedStep);
        if (layers === undefined) return { steps };
        const { manifest } = await assembleImage(run.bench, { ...image, layers }, encoder, []);
        return { steps, digest: manifest.digest as BlobDigest };
      });
    },

    explain: (target, planOptions = {}) =>
      planned(target, planOptions, (run) => run.explainedSteps()),
  };
  return engine;

  async function planned<Result>(
    target: BuildTarget,
    planOptions: PlanOptions,
    tell: (run: BuildRun, image: ImageResult) => Result | Promise<Result>,
  ): Promise<Result> {
    const graph = engine.graph(target, planOptions);
    using store = engine.openStore();
    await using run = new BuildRun({
      ...parts,
      store,
      graph,
      options: planOptions,
      reporter: SILENT,
      planning: true,
    });
    try {
      return await tell(run, await run.solveTarget());
    } catch (error) {
      throw run.explained(error);
    }
  }

  function reporterOf(mode: string | undefined): ProgressReporter {
    const factory = options.plugins.findLast(({ progress }) => progress !== undefined)?.progress;
    return factory?.(mode) ?? SILENT;
  }

  function checkExporter(type: string): void {
    if (exporters.has(type)) return;
    throw new LayerwrightError(
      "EXPORTER_UNKNOWN",
      `Cannot export an image as "${type}": no plugin does that`,
      {
        details: [`known are ${[...exporters.keys()].sort().join(", ")}`],
        hint: "choose one of these types",
      },
    );
  }
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
      hint: "give what image() or parseGraph() returned",
    });
  }
  const problems = validateGraph(graph);
  if (problems.length > 0) throw invalidGraph(graph.targets[0]?.name ?? "", problems);
  return graph;
}

function plannedStep({ difference: _, ...step }: StepExplanation): PlannedStep {
  return step;
}

/** Build arguments that no step declares: most likely a slip of the pen. */
function unusedArguments(graph: Graph, given: Readonly<Record<string, string>> = {}): string[] {
  const declared = new Set(
    [...graph.vertices.values()].flatMap(({ op }) =>
      op.type === "config" && op.change.kind === "arg"
        ? op.change.variables.map(({ name }) => name)
        : []
    ),
  );
  return Object.keys(given).filter((name) => !declared.has(name)).map((name) =>
    `build argument "${name}" is declared by no step of the target`
  );
}

const SILENT: ProgressReporter = { event(): void {}, close(): void {} };

/** Linux images for the processor of this machine: what Docker builds on every system. */
function hostPlatform(): Platform {
  const architectures: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };
  return { os: "linux", architecture: architectures[process.arch] ?? process.arch };
}
