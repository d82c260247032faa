/**
 * COPY and ADD: files of a context or of another stage, laid onto the files so far, as one layer.
 * Nothing is unpacked: sources are read where they are and go straight into the layer's tar.
 *
 * @module
 */
import { describeEntry } from "../context/content_digest.ts";
import { changedMode, modeChange } from "../context/copy_mode.ts";
import { select } from "../context/select.ts";
import type { SourceTree } from "../context/source_tree.ts";
import type { CanonicalValue } from "../graph/canonical_json.ts";
import { resolvePath } from "../graph/effective_config.ts";
import { ownerText } from "../graph/history.ts";
import type { ImageState } from "../graph/image_state.ts";
import type { CopyOp } from "../graph/op.ts";
import type { Vertex } from "../graph/vertex.ts";
import { ContentReader } from "../layer/file_content.ts";
import type { FileContent, FileEntry } from "../layer/file_entry.ts";
import { stackTrees } from "../layer/tree.ts";
import { writeLayer } from "../layer/write_layer.ts";
import type { Digest } from "../oci/digest.ts";
import { COMPAT, type KeyPreimage } from "../solve/cache_key.ts";
import { extractArchive } from "./archive.ts";
import { Destination } from "./destination.ts";
import { type CopyItem, landEntries } from "./landing.ts";
import { isNamed, resolveOwner } from "./owner.ts";
import { chainOf, type LayerRef } from "./vertex_result.ts";
import { findOrMakeLayer, recallLayer, rememberLayer, type Workbench } from "./workbench.ts";

/** What a copy works on. */
export interface CopyInputs {
  readonly state: ImageState;
  readonly layers: readonly LayerRef[];
  /** The layers that `source` shows, where it shows layers: a copy of the same of them need not read them. */
  readonly sourceLayers: readonly LayerRef[] | undefined;
  /** What is copied from; undefined: only inline files are copied. Read only when it has to be. */
  readonly source: () => SourceTree | undefined;
}

/**
 * Makes the layer of a copy, or finds the one an equal copy made.
 *
 * The layer is found in steps. Its key holds, of the files it is laid onto, only what the copy has to know of them
 * (which directories exist there, and with which metadata), so that other changes beneath do not touch it. Quicker keys
 * say "this copy from exactly these layers" and "onto exactly these layers", so that an unchanged build need not read
 * the layers' files.
 *
 * @throws {LayerwrightError} `COPY_…` and `CONTEXT_…` codes.
 */
export async function executeCopy(
  bench: Workbench,
  vertex: Vertex & { readonly op: CopyOp },
  { state, layers, ...from }: CopyInputs,
): Promise<LayerRef> {
  const { op } = vertex;
  const ontoAll = !op.link || (op.owner !== undefined && isNamed(op.owner));
  const direct: KeyPreimage | undefined = from.sourceLayers === undefined ? undefined : {
    compat: COMPAT,
    kind: "copy-from",
    op: { ...op, destination: resolvePath(state, op.destination) } as unknown as CanonicalValue,
    intoDirectory: namesDirectory(op.destination),
    source: chainOf(from.sourceLayers),
    base: chainOf(ontoAll ? layers : []),
    epoch: bench.epochSeconds,
  };
  const known = direct === undefined ? undefined : recallLayer(bench, vertex, direct);
  if (known !== undefined) return known;

  using reader = new ContentReader();
  const source = from.source();
  const found = findSources(op, source);
  /** Digests of files on disk, by which the layer's writer sees that they are still what the key says. */
  const digests = new Map<FileContent, Digest>();
  const describe = {
    mode: modeChange(op.mode),
    owner: { uid: 0, gid: 0 },
    reader,
    ...(source?.digests === undefined ? {} : { cache: source.digests }),
  };
  const items = found.map(({ baseName, isDirectory, entries }): CanonicalValue => ({
    path: baseName,
    isDirectory,
    entries: entries.map((entry) => {
      const description = describeEntry(entry, describe);
      if (entry.content?.kind === "path" && description.content !== undefined) {
        digests.set(entry.content, description.content);
      }
      return { ...description };
    }),
    times: op.keepTimes
      ? entries.map((entry) => Math.min(entry.mtimeSeconds, bench.epochSeconds))
      : undefined,
  }));
  const createdMode = op.mode.kind === "chmod" ? modeChange(op.mode)(0o755, true) : 0o755;
  const common = {
    compat: COMPAT,
    destination: resolvePath(state, op.destination),
    intoDirectory: namesDirectory(op.destination) || found.length > 1,
    createdMode,
    extract: op.extract,
    epoch: bench.epochSeconds,
    items,
  };
  const base = op.link ? [] : layers;
  const quick: KeyPreimage | undefined = base.length === 0 ? undefined : {
    ...common,
    kind: "copy-onto",
    owner: op.owner === undefined ? undefined : { ...op.owner },
    base: chainOf(base),
  };
  const recalled = quick === undefined ? undefined : recallLayer(bench, vertex, quick);
  if (recalled !== undefined) {
    if (direct !== undefined) rememberLayer(bench, vertex, direct, recalled);
    return recalled;
  }

  const owner = op.owner === undefined
    ? undefined
    : resolveOwner(op.owner, isNamed(op.owner) ? bench.trees.of(layers) : stackTrees([]));
  const destination = new Destination(bench.trees.of(base), bench.epochSeconds);
  using temporary = new DisposableStack();
  const changed: CopyItem[] = [];
  for (const item of found) {
    const archive = op.extract === "never" || item.isDirectory
      ? undefined
      : await extractArchive(item.entries[0], bench, temporary);
    changed.push(
      archive === undefined
        ? {
          ...item,
          entries: item.entries.map((entry) =>
            withMetadata(entry, modeChange(op.mode), owner ?? { uid: 0, gid: 0 })
          ),
        }
        // An archive's own metadata stand, but for an owner that was asked for.
        : {
          ...item,
          isDirectory: true,
          entries: archive.map((entry) => withMetadata(entry, (mode) => mode, owner)),
        },
    );
  }
  const landed = landEntries(changed, {
    destination: common.destination,
    intoDirectory: common.intoDirectory,
    created: {
      mode: createdMode,
      ...(owner ?? { uid: 0, gid: 0 }),
      mtimeSeconds: bench.epochSeconds,
    },
  }, destination);
  const layer = await findOrMakeLayer(bench, {
    vertex,
    preimage: { ...common, kind: "copy", owner, onto: destination.facts() },
    terms: {
      sources: found.map(({ baseName, matchedPath = baseName }) => matchedPath),
      link: op.link,
      ...(op.owner !== undefined && isNamed(op.owner) ? { owner: ownerText(op.owner) } : {}),
    },
    produce: (tarPath) =>
      writeLayer(landed, tarPath, {
        epochSeconds: bench.epochSeconds,
        expectedContent: ({ content }) => content === undefined ? undefined : digests.get(content),
      }),
  });
  for (const shortcut of [direct, quick]) {
    if (shortcut !== undefined) rememberLayer(bench, vertex, shortcut, layer);
  }
  return layer;

  function withMetadata(
    entry: FileEntry,
    mode: (mode: number, isDirectory: boolean) => number,
    { uid, gid }: { readonly uid: number; readonly gid: number } = entry,
  ): FileEntry {
    const mtimeSeconds = op.keepTimes ? entry.mtimeSeconds : bench.epochSeconds;
    return { ...entry, mode: changedMode(entry, mode), uid, gid, mtimeSeconds };
  }
}

/** A source, and the path that it was found at; an inline file has none. */
type FoundSource = CopyItem & { readonly matchedPath?: string };

/** What is copied, before anything of it is changed: inline files last, as a Dockerfile lists them. */
function findSources(op: CopyOp, source: SourceTree | undefined): FoundSource[] {
  const { parents, exclude, optional, destination } = op;
  const selected = source === undefined
    ? []
    : select(source, op.sources, { parents, exclude, optional, destination });
  const encoder = new TextEncoder();
  const inline = op.inline.map(({ name, text }): CopyItem => {
    const bytes = encoder.encode(text);
    const entry: FileEntry = {
      path: name,
      type: "file",
      mode: 0o644,
      uid: 0,
      gid: 0,
      sizeBytes: bytes.length,
      mtimeSeconds: 0,
      content: { kind: "bytes", bytes },
    };
    return { baseName: name, isDirectory: false, entries: [entry] };
  });
  return [...selected, ...inline];
}

/** Whether the user wrote the destination as a directory. */
function namesDirectory(destination: string): boolean {
  return /(?:^|\/)\.?$/.test(destination);
}
