/**
 * What an engine does with a graph: resolve → plan → execute → store → export. It loads all of core; `engine.ts` loads
 * it when there is a graph to work through.
 *
 * @module
 */
import { allSources } from "./build/all_sources.ts";
import type {
  BuildOptions,
  BuildPlan,
  BuildResult,
  OutputSpec,
  PlannedStep,
  PlanOptions,
  StepExplanation,
} from "./build/build_options.ts";
import { buildEncoder, buildResult, tagDescriptor } from "./build/build_result.ts";
import { BuildRun } from "./build/build_run.ts";
import { EXPORT_VERTEX, unknownStages, unusedArguments } from "./build/build_steps.ts";
import type { BuiltInExportType, EngineParts } from "./build/engine_parts.ts";
import { exportImage, type ExportOrder, outputEncoder } from "./build/export_image.ts";
import { assembleImage } from "./execute/assemble_image.ts";
import { CorruptBlobError } from "./execute/corrupt_blob.ts";
import { encodeStoredImage, knownEncodedImage } from "./execute/encode_image.ts";
import type { StoredImage } from "./execute/stored_image.ts";
import type { ImageResult, LayerRef } from "./execute/vertex_result.ts";
import type { Graph } from "./graph/graph.ts";
import { loadEncoder } from "./layer/encoders.ts";
import type { BlobDigest, Digest } from "./oci/digest.ts";
import { formatReference, parseReference } from "./oci/reference.ts";
import type { ProgressReporter } from "./solve/progress.ts";
import { openBuildStore } from "./store/store.ts";
import { dockerArchiveExporter } from "./transfer/docker_archive.ts";
import type { Exporter } from "./transfer/exporter.ts";
import { localDirectoryExporter } from "./transfer/local_directory.ts";
import { ociArchiveExporter } from "./transfer/oci_archive.ts";
import { rootfsTarExporter } from "./transfer/rootfs_tar.ts";
import { rememberBuild } from "./unchanged/remember_build.ts";

const builtInExporters: Readonly<Record<BuiltInExportType, Exporter>> = {
  oci: ociArchiveExporter,
  docker: dockerArchiveExporter,
  tar: rootfsTarExporter,
  local: localDirectoryExporter,
};

/** A store that lost or spoiled one layer makes it again; one that goes on losing them is broken. */
const ATTEMPTS = 3;

/** A graph that was checked, and how to build it. */
export interface BuildOrder {
  readonly graph: Graph;
  readonly options: BuildOptions;
  readonly reporter: ProgressReporter;
}

/** A graph that was checked, and how to plan it. */
export interface PlanOrder {
  readonly graph: Graph;
  readonly options: PlanOptions;
}

/** Builds, stores, tags and exports the first target of a graph. */
export async function buildGraph(parts: EngineParts, order: BuildOrder): Promise<BuildResult> {
  const { graph, options, reporter } = order;
  const { tags = [], outputs = [] } = options;
  const encoder = buildEncoder(options);
  const exports = exportsOf(parts, outputs, encoder);
  for (const text of [...unusedArguments(graph, options), ...unknownStages(graph, options)]) {
    reporter.event({ type: "warning", text });
  }
  using store = openBuildStore(parts);
  store.temp.removeAbandoned();
  for (let attempt = 1;; attempt++) {
    await using run = new BuildRun({
      sources: allSources(parts),
      executors: parts.executors,
      store,
      graph,
      options,
      reporter,
      planning: false,
      isRecorded: true,
      leavesAs: options.compression === undefined
        ? exports.find(({ encoder: name }) => name !== undefined)?.encoder
        : encoder,
      observing: parts.observing,
    });
    try {
      const image = await run.solveTarget();
      run.report({ type: "started", vertex: EXPORT_VERTEX, timeMs: Date.now() });
      const stored = await assembleImage(run.bench, { ...image, layers: image.layers ?? [] });
      const { imageId, manifest } = stored;
      run.reportExported(`writing image ${imageId}`);
      const encoded = new Map<string, StoredImage>();
      const reportEncoded = (name: string, left: StoredImage): void => {
        if (!encoded.has(name)) run.reportExported(`exporting manifest ${left.manifest.digest}`);
        encoded.set(name, left);
      };
      if (options.compression !== undefined) {
        reportEncoded(
          encoder,
          await encodeStoredImage(run.bench, stored, await loadEncoder(encoder)),
        );
      }
      for (const output of exports) {
        const left = await exportImage(run, { ...output, image: stored, tags });
        if (left !== undefined) reportEncoded(output.encoder ?? "", left);
      }
      // Tags last: whoever sees the name can have all of the image.
      store.sync();
      for (const tag of tags) {
        store.refs.set(tag, tagDescriptor(manifest, options));
        run.reportExported(`naming to ${formatReference(parseReference(tag))}`);
      }
      run.report({ type: "completed", vertex: EXPORT_VERTEX, timeMs: Date.now() });
      rememberBuild(parts, order, {
        run,
        store,
        image: { imageId, manifest, blobs: blobsOf(stored, image.layers ?? []) },
      });
      await run.recorder?.succeeded();
      const asLeft = encoded.get(encoder) ?? encoded.values().next().value;
      return buildResult({
        home: parts.home,
        imageId,
        descriptor: manifest,
        ...(asLeft === undefined ? {} : { encoded: asLeft.manifest }),
        digest: encoded.get(encoder)?.manifest.digest as BlobDigest | undefined,
        tags,
        steps: run.builtSteps(),
      });
    } catch (error) {
      if (!(error instanceof CorruptBlobError) || attempt === ATTEMPTS) {
        const explained = run.explained(error);
        throw await run.recorder?.failed(explained) ?? explained;
      }
      run.recorder?.discard();
      run.report({ type: "warning", text: `${error.message}; it is made again` });
      await store.blobs.delete(error.digest);
    }
  }
}

/** Says what {@link buildGraph} would do, and changes nothing. */
export async function planGraph(parts: EngineParts, order: PlanOrder): Promise<BuildPlan> {
  return await planned(parts, order, async (run, { layers, ...image }) => {
    const steps = run.explainedSteps().map(plannedStep);
    if (layers === undefined) return { steps };
    const stored = await assembleImage(run.bench, { ...image, layers });
    const encoder = await loadEncoder(buildEncoder(order.options));
    const encoded = order.options.compression === undefined
      ? knownEncodedImage(run.bench.store, stored, encoder)
      : await encodeStoredImage(run.bench, stored, encoder);
    return {
      steps,
      imageId: stored.imageId,
      ...(encoded === undefined ? {} : { digest: encoded.manifest.digest as BlobDigest }),
    };
  });
}

/** Says of every step whether {@link buildGraph} would find it, and if not, what differs. */
export async function explainGraph(
  parts: EngineParts,
  order: PlanOrder,
): Promise<readonly StepExplanation[]> {
  return await planned(parts, order, (run) => run.explainedSteps());
}

async function planned<Result>(
  parts: EngineParts,
  { graph, options }: PlanOrder,
  tell: (run: BuildRun, image: ImageResult) => Result | Promise<Result>,
): Promise<Result> {
  using store = openBuildStore(parts);
  await using run = new BuildRun({
    sources: allSources(parts),
    executors: parts.executors,
    store,
    graph,
    options,
    reporter: SILENT,
    planning: true,
  });
  try {
    return await tell(run, await run.solveTarget());
  } catch (error) {
    throw run.explained(error);
  }
}

/** What is wrong with an output should not be found out after the work. */
function exportsOf(
  parts: EngineParts,
  outputs: readonly OutputSpec[],
  encoder: string,
): Pick<ExportOrder, "output" | "exporter" | "encoder">[] {
  const exporters = new Map([...Object.entries(builtInExporters), ...parts.exporters]);
  return outputs.flatMap((output) => {
    const exporter = exporters.get(output.type);
    if (exporter === undefined) return [];
    return [{ output, exporter, encoder: outputEncoder(exporter, output, encoder) }];
  });
}

/** All that an image is made of, as it is stored. */
function blobsOf(image: StoredImage, layers: readonly LayerRef[]): [Digest, number][] {
  return [
    ...layers.map(({ diffId, sizeBytes }): [Digest, number] => [diffId, sizeBytes]),
    ...image.layers.map(({ descriptor }): [Digest, number] => [descriptor.digest, descriptor.size]),
    [image.imageId, image.configBytes.length],
    [image.manifest.digest, image.manifest.size],
  ];
}

function plannedStep({ difference: _, ...step }: StepExplanation): PlannedStep {
  return step;
}

const SILENT: ProgressReporter = { event(): void {}, close(): void {} };
