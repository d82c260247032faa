/**
 * What is kept of a build that failed, for those who want to look around: the files of the steps that failed, as they
 * left them, and an image of what the first of them was to be added to.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { assembleImage } from "../execute/assemble_image.ts";
import { treeSize } from "../execute/tree_size.ts";
import type { ImageResult, LayerRef } from "../execute/vertex_result.ts";
import type { Workbench } from "../execute/workbench.ts";
import type { KeptState } from "../store/build_record.ts";
import { failedReference } from "../store/build_records.ts";
import { bootId } from "../store/process_token.ts";
import { neededBlobs, type StepTrack } from "./build_tracks.ts";

/** What is there to look at. */
export interface KeptFailure {
  readonly kept: KeptState;
  /** The tag of the last good image, and its ID. */
  readonly lastGood?: string;
}

/** Keeps what there is. @returns undefined where the failed step began with nothing, or was none. */
export async function keepFailure(
  bench: Workbench,
  id: string,
  { tracks, step, warn }: {
    readonly tracks: readonly StepTrack[];
    /** The one whose error is the build's. */
    readonly step: StepTrack | undefined;
    readonly warn: (error: unknown) => void;
  },
): Promise<KeptFailure | undefined> {
  const base = step?.run?.inputs ?? step?.base;
  if (base?.layers === undefined) return undefined;
  const roots = tracks.flatMap(({ failed, outcome, number }) =>
    failed === undefined || outcome !== "failed" || !existsSync(failed.directory)
      ? []
      : [{ ...failed, number }]
  );
  const image = await lastGoodImage(bench, id, base.state, base.layers).catch(warn);
  const boot = bootId();
  const variant = roots[0]?.variant;
  return {
    kept: {
      roots: roots.map(({ number }) => number),
      sizeBytes: roots.reduce((sum, { directory }) => sum + treeSize(directory), 0),
      ...variant === undefined ? {} : { variant },
      ...boot === undefined ? {} : { boot },
      digests: neededBlobs(tracks),
      ...image === undefined ? {} : { reference: image.reference },
    },
    ...image === undefined ? {} : { lastGood: `${image.reference} (${image.imageId})` },
  };
}

async function lastGoodImage(
  bench: Workbench,
  id: string,
  state: ImageResult["state"],
  layers: readonly LayerRef[],
): Promise<{ readonly reference: string; readonly imageId: string } | undefined> {
  if (layers.length === 0) return undefined;
  const { manifest, imageId } = await assembleImage(bench, { kind: "image", state, layers });
  const reference = failedReference(id);
  bench.store.refs.set(reference, manifest);
  return { reference, imageId };
}
