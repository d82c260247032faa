/**
 * A build of which nothing changed since it was last made, answered from a memo without loading the engine.
 *
 * A memo says what a build of exactly this order looked at, what it found, and what came of it. If a look at the same
 * finds the same, and the store still has the image, the answer is the same. All doubt (an unreadable memo, a file
 * that is not as it was, an option that asks for work) leads to a normal build, which writes the next memo: see
 * `remember_build.ts`.
 *
 * Light: imports nothing that takes time to load.
 *
 * @module
 */
import type { BuildResult, BuiltStep } from "../build/build_options.ts";
import { buildResult, tagDescriptor } from "../build/build_result.ts";
import { EXPORT_VERTEX, exported, progressVertices } from "../build/build_steps.ts";
import type { EngineParts } from "../build/engine_parts.ts";
import { isAllAsObserved } from "../context/observed_files.ts";
import { host } from "../host/mod.ts";
import { formatReference, parseReference } from "../oci/reference.ts";
import type { ProgressEvent, ProgressReporter } from "../solve/progress.ts";
import { stepNames } from "../solve/step_names.ts";
import {
  currentBoot,
  hasBlobs,
  type MemoHead,
  memoKey,
  memoPath,
  type UnchangedOrder,
} from "./memo.ts";
import { parseMemo } from "./memo_file.ts";

// Deno reads all that a program may import by a literal before it runs any of it; by a name, when it is imported.
const RECORD: string = "./remember_build.ts";

/**
 * So long a memo answers: a normal build every day tells the cache which results are in use, so that they are not
 * collected as the least recently used ones.
 */
const KEPT_MS = 24 * 3_600_000;

/**
 * The result of a build of which nothing changed, told to progress as a build that finds every step's result; undefined
 * if there has to be a build.
 */
export async function unchangedBuild(
  parts: EngineParts,
  order: UnchangedOrder,
): Promise<BuildResult | undefined> {
  const { options, reporter } = order;
  const key = memoKey(parts, order);
  if (key === undefined) return undefined;
  const path = memoPath(parts.home, key);
  const head = unchangedHead(parts.home, path, key);
  if (head === undefined) return undefined;
  const { tags = [] } = options;
  if (tags.length > 0 || head.images.length > 0) {
    const { nameUnchanged }: typeof import("./remember_build.ts") = await import(RECORD);
    const name = { tags, descriptor: tagDescriptor(head.manifest, options) };
    if (!nameUnchanged(parts.home, head, name)) return undefined;
  }
  // Memos that were not used for long make room for others.
  host.touch(path);
  const steps = report(order, head, reporter);
  const { imageId, manifest } = head;
  return buildResult({ home: parts.home, imageId, descriptor: manifest, tags, steps });
}

/** What a memo says, if it is there and all is as it was. */
function unchangedHead(home: string, path: string, key: string): MemoHead | undefined {
  const bytes = host.readFile(path);
  const memo = bytes === undefined ? undefined : parseMemo(bytes);
  if (memo === undefined) return undefined;
  // Its checksum holds, so it is what was written.
  const head = memo.head as MemoHead;
  const ageMs = Date.now() - head.savedMs;
  if (head.key !== key || ageMs < 0 || ageMs > KEPT_MS || head.boot !== currentBoot()) {
    return undefined;
  }
  return hasBlobs(home, head) && isAllAsObserved(memo.files, host.fileStatus()) ? head : undefined;
}

function report(
  { graph, options }: UnchangedOrder,
  head: MemoHead,
  reporter: ProgressReporter,
): BuiltStep[] {
  const names = stepNames(graph);
  const made = new Set(head.steps);
  const loaded = new Set(head.loaded);
  const tell = (event: ProgressEvent): void => reporter.event(event);
  const tellDone = (id: string): void => tell(exported(id));
  tell({ type: "plan", vertices: progressVertices(graph, names, false) });
  for (const vertex of names.keys()) {
    if (loaded.has(vertex)) {
      tell({ type: "started", vertex, timeMs: Date.now() });
      tell({ type: "completed", vertex, timeMs: Date.now() });
    }
    if (made.has(vertex)) tell({ type: "cached", vertex, timeMs: Date.now() });
  }
  tell({ type: "started", vertex: EXPORT_VERTEX, timeMs: Date.now() });
  tellDone(`writing image ${head.imageId}`);
  for (const tag of options.tags ?? []) {
    tellDone(`naming to ${formatReference(parseReference(tag))}`);
  }
  tell({ type: "completed", vertex: EXPORT_VERTEX, timeMs: Date.now() });
  return [...names].flatMap(([vertex, name]) =>
    made.has(vertex) ? [{ vertex, name, outcome: "hit" as const }] : []
  );
}
