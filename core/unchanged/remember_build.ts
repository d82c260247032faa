/**
 * Keeps the memo of a build: see `unchanged_build.ts`.
 *
 * @module
 */
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BuildRun } from "../build/build_run.ts";
import type { EngineParts } from "../build/engine_parts.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { memoFolder } from "../store/memo_folder.ts";
import { openBuildStore, type Store } from "../store/store.ts";
import {
  currentBoot,
  hasBlobs,
  hasStepOptions,
  type MemoHead,
  memoKey,
  memoPath,
  type UnchangedOrder,
} from "./memo.ts";
import { serializeMemo } from "./memo_file.ts";

/** Memos that are kept, and their bytes: a machine that builds each checkout in a new folder would pile them up. */
const KEPT_FILES = 256;
const KEPT_BYTES = 64 * 1024 * 1024;

/** What came of a build. */
export type BuiltImage = Pick<MemoHead, "imageId" | "manifest" | "blobs">;

/**
 * Writes the memo of a build, or removes the one of an earlier build if nothing can be told of this one. A failure
 * costs the next build time, so it is no error.
 */
export function rememberBuild(
  parts: EngineParts,
  order: UnchangedOrder,
  { run, store, image }: {
    readonly run: BuildRun;
    readonly store: Store;
    readonly image: BuiltImage;
  },
): void {
  // What steps get decides what they make: the next build, which need not give it, must not find this one's image.
  if (hasStepOptions(order.options)) return;
  const { observations } = run;
  // What is asked of this build (that it use no cache, that it export) says nothing of the next.
  const { contextDirectory, epochSeconds } = order.options;
  const options = {
    ...(contextDirectory === undefined ? {} : { contextDirectory }),
    ...(epochSeconds === undefined ? {} : { epochSeconds }),
  };
  const key = memoKey(parts, { graph: order.graph, options });
  if (key === undefined) return;
  const path = memoPath(parts.home, key);
  const savedMs = Date.now();
  try {
    if (observations.obstacle !== undefined || savedMs < observations.startedMs) {
      forget(path);
      return;
    }
    const head: MemoHead = {
      key,
      savedMs,
      boot: currentBoot(),
      ...image,
      steps: run.builtSteps().map(({ vertex }) => vertex),
      loaded: run.loadedSteps(),
      images: [...observations.images],
    };
    const bytes = serializeMemo({ files: observations.columns(), head });
    mkdirSync(memoFolder(parts.home), { recursive: true });
    // Not brought to disk: half a memo is a damaged one, and none of an earlier boot is believed.
    const temporary = store.temp.newPath();
    writeFileSync(temporary, bytes, { flag: "wx", mode: 0o600 });
    renameSync(temporary, path);
    removeOldest(memoFolder(parts.home));
  } catch {
    forget(path);
  }
}

function forget(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // A folder that nobody can write to has no memo of this build: it holds an older one, whose files tell its age.
  }
}

/**
 * Gives an image of which nothing changed its names, unless what it was made from has other ones now.
 *
 * @returns False if a build has to be made.
 */
export function nameUnchanged(
  home: string,
  head: MemoHead,
  { tags, descriptor }: { readonly tags: readonly string[]; readonly descriptor: Descriptor },
): boolean {
  using store = openBuildStore({ home });
  for (const [reference, digest] of head.images) {
    if (store.refs.get(reference)?.digest !== digest) return false;
  }
  if (tags.length === 0) return true;
  // From here on nobody can collect what the names will keep.
  using lease = store.leases.acquire();
  for (const [digest] of head.blobs) lease.add(digest);
  if (!hasBlobs(home, head)) return false;
  for (const tag of tags) store.refs.set(tag, descriptor);
  return true;
}

function removeOldest(folder: string): void {
  const files = readdirSync(folder).map((name) => join(folder, name)).flatMap((path) => {
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats === undefined ? [] : [{ path, usedMs: stats.mtimeMs, sizeBytes: stats.size }];
  }).sort((a, b) => b.usedMs - a.usedMs);
  let bytes = 0;
  for (const [index, { path, sizeBytes }] of files.entries()) {
    bytes += sizeBytes;
    // The newest is the one just written, whatever its size.
    if (index > 0 && (index >= KEPT_FILES || bytes > KEPT_BYTES)) forget(path);
  }
}
