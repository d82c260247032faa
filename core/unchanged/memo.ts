/**
 * What the memo of a build says, and which one belongs to an order: see `unchanged_build.ts`. Light, as that is.
 *
 * @module
 */
import type { BuildOptions } from "../build/build_options.ts";
import { epochOf, unusedArguments } from "../build/build_steps.ts";
import type { EngineParts } from "../build/engine_parts.ts";
import type { StepOptions } from "../execute/step_options.ts";
import type { Graph } from "../graph/graph.ts";
import { type CachePolicy, SCRATCH } from "../graph/op.ts";
import type { VertexDigest } from "../graph/vertex.ts";
import { host } from "../host/mod.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { type Digest, digestAlgorithm, digestHex, type ImageID, sha256 } from "../oci/digest.ts";
import { COMPAT } from "../solve/cache_key.ts";
import type { ProgressReporter } from "../solve/progress.ts";
import { memoFolder } from "../store/memo_folder.ts";

/** What a build is asked for. */
export interface UnchangedOrder {
  readonly graph: Graph;
  readonly options: BuildOptions;
  readonly reporter: ProgressReporter;
}

/** What a memo says besides the files. */
export interface MemoHead {
  /** All that the order says, so that a memo answers no other one. */
  readonly key: string;
  /** The time after the build. */
  readonly savedMs: number;
  /** The boot of the machine in which the store wrote the image; `""` where boots have no id. */
  readonly boot: string;
  readonly imageId: ImageID;
  readonly manifest: Descriptor;
  /** Steps that made or found a layer. */
  readonly steps: readonly VertexDigest[];
  /** Steps that loaded something. */
  readonly loaded: readonly VertexDigest[];
  /** All that the image is made of, and the bytes of each. */
  readonly blobs: readonly (readonly [Digest, number])[];
  /** References of images, and the digests that they named. */
  readonly images: readonly (readonly [string, string])[];
}

/** The id of this boot of the machine; `""` where it has none. */
export function currentBoot(): string {
  const bytes = host.readFile("/proc/sys/kernel/random/boot_id");
  return bytes === undefined ? "" : new TextDecoder().decode(bytes).trim();
}

/** By name, so that none is forgotten. Who runs the steps is not among them: it does not change what they make. */
const STEP_OPTIONS: Readonly<Record<Exclude<keyof StepOptions, "executor">, true>> = {
  ...{ secrets: true, ssh: true, allow: true, hosts: true, shmSizeBytes: true },
  ...{ ulimits: true, resources: true, stepTimeoutMs: true, network: true },
};

/** What steps get from outside the recipe is not worth a memo: some of it must not be written down. */
export function hasStepOptions(options: BuildOptions): boolean {
  const names = Object.keys(STEP_OPTIONS) as (keyof typeof STEP_OPTIONS)[];
  return names.some((name) => options[name] !== undefined);
}

/**
 * All that decides what a build makes, apart from what it reads; undefined if the order asks for work even if nothing
 * changed, or if nothing can be told.
 */
export function memoKey(
  { sources }: Pick<EngineParts, "sources">,
  { graph, options }: Pick<UnchangedOrder, "graph" | "options">,
): string | undefined {
  if (
    options.noCache === true || options.paranoid === true ||
    options.compression !== undefined || (options.noCacheFilter ?? []).length > 0 ||
    (options.outputs ?? []).length > 0 ||
    !Number.isInteger(options.concurrency ?? 1) || (options.concurrency ?? 1) < 1 ||
    options.signal?.aborted === true || hasStepOptions(options) ||
    unusedArguments(graph, options).length > 0
  ) return undefined;
  const ops = [...graph.vertices.values()].map(({ op }) => op);
  // The memo knows nothing of the age of results.
  if (ops.some((op) => op.type === "run" && isShortLived(op.cache))) return undefined;
  const asksSources = ops.some(({ type, ...op }) =>
    type === "source" && "identifier" in op && op.identifier !== SCRATCH &&
    !op.identifier.startsWith("docker-image://")
  );
  const { contextDirectory = "" } = options;
  const isAbsolute = contextDirectory.startsWith("/");
  return JSON.stringify({
    compat: COMPAT,
    // Runtimes differ in what they tell of files without FFI.
    runtime: [host.runtime, host.fileStatus().isNative],
    // Another user may not be allowed to read what this one did.
    user: process.getuid?.(),
    targets: graph.targets.map(({ vertex }) => vertex),
    vertices: [...graph.vertices.keys()],
    contexts: [...graph.contexts].map(([name, { path }]) => [name, path]),
    directory: isAbsolute ? contextDirectory : [process.cwd(), contextDirectory],
    epoch: epochOf(options),
    ...(asksSources
      ? {
        schemes: sources.map(({ scheme }) => scheme),
        surroundings: [process.cwd(), process.env.PATH, process.execPath],
      }
      : {}),
  });
}

function isShortLived(cache: CachePolicy | undefined): boolean {
  return cache === "never" || (cache !== undefined && "ttlMs" in cache);
}

/** Where the memo of an order is. */
export function memoPath(home: string, key: string): string {
  return `${memoFolder(home)}/${digestHex(sha256(key))}`;
}

/** The path of a blob in a store, as `BlobFolder` has it. */
function blobPath(home: string, digest: Digest): string {
  return `${home}/blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;
}

/** Whether a store has all of an image, each blob in its whole length, as a build looks before it uses a layer. */
export function hasBlobs(home: string, { blobs }: Pick<MemoHead, "blobs">): boolean {
  const status = host.fileStatus();
  try {
    return blobs.every(([digest, size]) =>
      status.look(blobPath(home, digest)) && status.sizeBytes === size
    );
  } catch {
    return false;
  }
}
