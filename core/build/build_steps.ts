/**
 * What of a build is known before anything of it is done: its steps, its epoch, what is odd about its order. Light:
 * loaded before the engine.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import type { Graph } from "../graph/graph.ts";
import type { VertexDigest } from "../graph/vertex.ts";
import { nearestName } from "../nearest_name.ts";
import { sha256 } from "../oci/digest.ts";
import type { ProgressEvent, ProgressVertex } from "../solve/progress.ts";
import type { BuildOptions, GraphOptions, PlanOptions } from "./build_options.ts";

/** The step of the engine's own that progress shows last. */
export const EXPORT_VERTEX: VertexDigest = sha256<VertexDigest>("exporting to image");

/**
 * The steps as progress shows them.
 *
 * @param names As `stepNames` gives them.
 */
export function progressVertices(
  graph: Graph,
  names: ReadonlyMap<VertexDigest, string>,
  planning: boolean,
): ProgressVertex[] {
  const vertices = [...names].map(([digest, name]): ProgressVertex => {
    const at = graph.metadata.get(digest)?.at;
    const inputs = graph.vertices.get(digest)?.inputs ?? [];
    return { digest, inputs, name, ...(at === undefined ? {} : { at }) };
  });
  return planning
    ? vertices
    : [...vertices, { digest: EXPORT_VERTEX, inputs: [], name: "exporting to image" }];
}

/** One part of the last step is done. */
export function exported(id: string): ProgressEvent {
  return { type: "status", vertex: EXPORT_VERTEX, id, current: 0, timeMs: Date.now(), done: true };
}

/** Build arguments that no step declares: most likely a slip of the pen. */
export function unusedArguments(
  graph: Graph,
  { buildArgs = {}, readArgs = [] }: Pick<GraphOptions, "buildArgs" | "readArgs">,
): string[] {
  const declared = new Set(
    [...graph.vertices.values()].flatMap(({ op }) =>
      op.type === "config" && op.change.kind === "arg"
        ? op.change.variables.map(({ name }) => name)
        : []
    ),
  );
  const read = new Set(readArgs);
  const isUnused = (name: string): boolean => !declared.has(name) && !read.has(name);
  return Object.keys(buildArgs).filter(isUnused).map((name) =>
    `build argument "${name}" is declared by no step of the target`
  );
}

/** Stages whose results are not to be used, and that are not there. */
export function unknownStages(
  graph: Graph,
  { noCacheFilter = [] }: Pick<PlanOptions, "noCacheFilter">,
): string[] {
  const stages = new Set(
    [...graph.metadata.values()].flatMap(({ stage }) => stage === undefined ? [] : [stage]),
  );
  return noCacheFilter.filter((name) => !stages.has(name)).map((name) => {
    const nearest = nearestName(name, [...stages]);
    return `no step of the target is in stage "${name}", whose cache is not to be used` +
      (nearest === undefined ? "" : `: did you mean "${nearest}"?`);
  });
}

/** The last second that RFC 3339, which image configs have times in, can write: years have four digits. */
const LAST_SECOND = 253_402_300_799;

/**
 * The latest time in layers, in seconds since 1970: the option, else `SOURCE_DATE_EPOCH`, else 0.
 *
 * @throws {LayerwrightError} `OPTION_INVALID` for what is no number of seconds since 1970.
 */
export function epochOf({ epochSeconds = epochOfEnvironment() }: BuildOptions): number {
  if (Number.isInteger(epochSeconds) && epochSeconds >= 0 && epochSeconds <= LAST_SECOND) {
    return epochSeconds;
  }
  throw new LayerwrightError(
    "OPTION_INVALID",
    `Cannot use ${epochSeconds} as the epoch: not whole seconds from 1970 to 9999`,
  );
}

/** @throws {LayerwrightError} `OPTION_INVALID` when `SOURCE_DATE_EPOCH` is no number of seconds. */
function epochOfEnvironment(): number {
  const text = process.env.SOURCE_DATE_EPOCH;
  if (text === undefined || text === "") return 0;
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw new LayerwrightError(
    "OPTION_INVALID",
    `Cannot use SOURCE_DATE_EPOCH ${JSON.stringify(text)}: not a number of seconds`,
    {
      hint: "set it to whole seconds since 1970, or unset it",
    },
  );
}
