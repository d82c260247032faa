/**
 * The core: the recipe language, the graph, the engine, the formats, and the seams that plugins implement.
 *
 * What is not exported here is private to core. All of it is light to load: what works through a graph, reads a store or
 * checks a document from outside is imported at its first use. Processes that must start fast all the same import
 * `core/layer/mod.ts`, `core/host/mod.ts` and `core/errors.ts` on their own.
 *
 * @module
 */
export * from "./errors.ts";
export { nearestName } from "./nearest_name.ts";

// The engine: what it is told and what it answers.
export { createEngine, type Engine, type EngineOptions } from "./engine.ts";
export type { EnginePast } from "./past/engine_past.ts";
export type { PastBuild, PastStep } from "./past/past_builds.ts";
export type { ShellOptions } from "./past/shell_options.ts";
export type { EngineProbe, ProbedExecutor } from "./upkeep/engine_probe.ts";
export type { EngineUpkeep } from "./upkeep/engine_upkeep.ts";
export type { PruneOptions, PruneResult, RemovedStore } from "./upkeep/prune.ts";
export type {
  BuildRecord,
  KeptState,
  RecordedLayer,
  RecordedStep,
  StepOutcome,
} from "./store/build_record.ts";
export type { GcItem } from "./store/gc.ts";
export type { GcTree } from "./store/gc_trees.ts";
export type {
  BuildOptions,
  BuildPlan,
  BuildResult,
  BuildTarget,
  BuiltStep,
  GraphOptions,
  OutputSpec,
  PlannedStep,
  PlanOptions,
  StepExplanation,
} from "./build/build_options.ts";
export type {
  DifferenceCause,
  FileDifference,
  VerifiedStep,
  VerifyOptions,
  VerifyResult,
} from "./verify/verify_result.ts";
export type { DifferingField } from "./layer/layer_differences.ts";
export type { Variation } from "./execute/step_reruns.ts";
export type { SecretSource, SshSource, StepOptions } from "./execute/step_options.ts";
export type { CacheMounts, PackedCacheMount } from "./upkeep/cache_mounts_seam.ts";
export type { CacheMountInfo } from "./store/cache_mount_list.ts";
export type { CacheMountAbout, CacheMountScope } from "./store/cache_mount_scope.ts";

export {
  definePlugin,
  type Plugin,
  type StepConnection,
  type WorkerSurroundings,
} from "./plugin.ts";

// The recipe language.
export { image, isImage } from "./dsl/image.ts";
export type {
  AddOptions,
  AnyImage,
  CommandInput,
  CopyOptions,
  CopySource,
  HealthcheckOptions,
  ImageBuilder,
  ImageStart,
  RunOptions,
  UlimitValue,
} from "./dsl/image_builder.ts";
export { type Context, context, type ContextOptions } from "./dsl/context.ts";
export { inlineFile, type InlineFileValue } from "./dsl/inline_file.ts";
export {
  bindMount,
  type BindMountOptions,
  cacheMount,
  type CacheMountOptions,
  type MountOriginOptions,
  type MountOwnerOptions,
  type MountValue,
  secretMount,
  type SecretMountOptions,
  sshMount,
  type SshMountOptions,
  tmpfsMount,
} from "./dsl/mount.ts";
export type { FileOrigin, StageBase } from "./dsl/step.ts";
export { sh, type ShellCommand, type ShellValue } from "./dsl/shell_quote.ts";
export { source, type SourceValue } from "./dsl/source.ts";
export { toDockerfile } from "./dsl/to_dockerfile.ts";
export { toGraph, type ToGraphOptions } from "./dsl/to_graph.ts";
export { type CallSite, resolveCallSite } from "./dsl/call_site.ts";

// The graph.
export type * from "./graph/op.ts";
export type { Graph, GraphContext, GraphTarget } from "./graph/graph.ts";
export { serializeGraph } from "./graph/serialize_graph.ts";
export { type Diagnostic, validateGraph } from "./graph/validate.ts";
export { stepOptionProblems } from "./graph/validate_surroundings.ts";
export type { Vertex, VertexDigest, VertexMetadata } from "./graph/vertex.ts";

// The seams.
export type * from "./execute/executor.ts";
export {
  type ResolvedImage,
  type ResolvedSource,
  type ResolvedTree,
  type Source,
  type SourceContext,
  type SourceObservations,
  splitIdentifier,
} from "./execute/source.ts";
export type { InputDifference } from "./solve/explain.ts";
export type {
  MissReason,
  ProgressEvent,
  ProgressReporter,
  ProgressVertex,
} from "./solve/progress.ts";
export type {
  ExportableImage,
  ExportableLayer,
  Exporter,
  ExportOptions,
} from "./transfer/exporter.ts";
export type { EncodeImageOptions } from "./execute/encode_image.ts";
export type { LayerRef } from "./execute/vertex_result.ts";
export type { StoredImage, StoredImageLayer } from "./execute/stored_image.ts";
export type { FileEntry } from "./layer/file_entry.ts";
export type { WrittenLayer } from "./layer/write_layer.ts";
export { type Compression, DEFAULT_ENCODER, encoderNameOf } from "./layer/compression.ts";
export type { BlobSource, BlobStore, ByteRange, StoredBlob } from "./store/blob_store.ts";
export type { Store } from "./store/store.ts";

// The formats.
export * from "./oci/digest.ts";
export type { Descriptor } from "./oci/descriptor.ts";
export type { ContainerConfig, HistoryEntry, ImageConfig, RootFs } from "./oci/image_config.ts";
export type { Manifest } from "./oci/manifest.ts";
export { formatReference, parseReference, type Reference } from "./oci/reference.ts";
export { formatPlatform, parsePlatform, type Platform } from "./oci/platform.ts";
export type { BlobReader, ValidateImageOptions, Violation } from "./oci/validate_image.ts";

// Loaded at the first call.
export { encodeImage, parseGraph, validateImage } from "./on_demand.ts";
