/**
 * COPY and ADD: files of a context or of another stage, laid onto the files so far, as one layer.
 * Nothing is unpacked: sources are read where they are and go straight into the layer's tar.
 *
 * @module
 */
import { changedMode, modeChange } from "../context/copy_mode.ts";
import { select } from "../context/select.ts";
import type { SourceTree } from "../context/source_tree.ts";
import type { CanonicalValue } from "../graph/canonical_json.ts";
import { resolvePath } from "../graph/effective_config.ts";
import { ownerText } from "../graph/history.ts";
import type { ImageState } from "../graph/image_state.ts";
import type { CopyOp } from "../graph/op.ts";
import type { Vertex } from "../graph/vertex.ts";
import type { FileEntry } from "../layer/file_entry.ts";
import { stackTrees } from "../layer/tree.ts";
import { COMPAT, type KeyPreimage, Remark } from "../solve/cache_key.ts";
import { extractArchive } from "./archive.ts";
import { CopiedContents } from "./copied_contents.ts";
import { isWorthThreads, LayerDraft, writeCopiedLayer } from "./copied_layer.ts";
import { copyItems, type ItemsLanding } from "./copy_items.ts";
import { Destination } from "./destination.ts";
import { type CopyItem, landEntries } from "./landing.ts";
import { isNamed, resolveOwner } from "./owner.ts";
import { chainOf, type LayerRef } from "./vertex_result.ts";
import { findOrMakeLayer, recallLayer, rememberLayer, type Workbench } from "./workbench.ts";

const ROOT_OWNER = { uid: 0, gid: 0 } as const;

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

  const source = from.source();
  const found = findSources(op, source);
  const contents = new CopiedContents(source?.digests);
  const into: CopyPlace = {
    destination: resolvePath(state, op.destination),
    intoDirectory: namesDirectory(op.destination) || found.length > 1,
    createdMode: op.mode.kind === "chmod" ? modeChange(op.mode)(0o755, true) : 0o755,
  };
  using temporary = new DisposableStack();
  const base = op.link ? [] : layers;
  let landed: LandedCopy | undefined;
  const land = async (): Promise<LandedCopy> =>
    landed ??= await landCopy(bench, { op, found, into, layers, base, temporary });
  let draft: LayerDraft | undefined;
  // Where much has to be read anyway the layer is written with the first read, whether it is needed or not.
  if (op.extract === "never" && isWorthThreads(contents.unread(entriesOf(found)))) {
    bench.report({ type: "started", vertex: vertex.digest, timeMs: Date.now() });
    draft = temporary.use(await LayerDraft.write(bench, (await land()).entries, contents));
  }

  const items = copyItems(found, { op, contents, epochSeconds: bench.epochSeconds });
  const common = { compat: COMPAT, ...into, epoch: bench.epochSeconds };
  const quick: KeyPreimage | undefined = base.length === 0 ? undefined : {
    ...common,
    extract: op.extract,
    // This record explains nothing: the one of the key proper does.
    items: items.digest,
    kind: "copy-onto",
    owner: op.owner === undefined ? undefined : { ...op.owner },
    base: chainOf(base),
  };
  const recalled = quick === undefined ? undefined : recallLayer(bench, vertex, quick);
  if (recalled !== undefined) {
    if (direct !== undefined) rememberLayer(bench, vertex, direct, recalled);
    return recalled;
  }

  const { entries, owner, facts, landing } = await land();
  const layer = await findOrMakeLayer(bench, {
    vertex,
    preimage: {
      ...common,
      kind: "copy",
      owner,
      onto: facts,
      // Where no file keeps its name, it is the same whether the destination was a directory.
      intoDirectory: landing.keepsNames && items.hasFiles(landing),
      items: items.landed(landing),
      // Whether and which archives are extracted is said of the items, and names where they stay.
      extract: new Remark(op.extract),
      names: new Remark(found.map(({ baseName }) => baseName)),
    },
    hasStarted: draft !== undefined,
    terms: {
      sources: found.map(({ baseName, matchedPath = baseName }) => matchedPath),
      link: op.link,
      ...(op.owner !== undefined && isNamed(op.owner) ? { owner: ownerText(op.owner) } : {}),
    },
    produce: async (tarPath) =>
      draft?.take(tarPath) ?? await writeCopiedLayer(bench, entries, tarPath, contents),
  });
  for (const shortcut of [direct, quick]) {
    if (shortcut !== undefined) rememberLayer(bench, vertex, shortcut, layer);
  }
  return layer;
}

/** Where a copy goes. */
interface CopyPlace {
  readonly destination: string;
  readonly intoDirectory: boolean;
  readonly createdMode: number;
}

/** What a copy puts where, and what that depends on. */
interface LandedCopy {
  readonly entries: readonly FileEntry[];
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  readonly facts: CanonicalValue;
  readonly landing: ItemsLanding;
}

async function landCopy(
  bench: Workbench,
  copy: {
    readonly op: CopyOp;
    readonly found: readonly CopyItem[];
    readonly into: CopyPlace;
    readonly layers: readonly LayerRef[];
    readonly base: readonly LayerRef[];
    readonly temporary: DisposableStack;
  },
): Promise<LandedCopy> {
  const { op, into } = copy;
  const owner = op.owner === undefined
    ? undefined
    : resolveOwner(op.owner, isNamed(op.owner) ? bench.trees.of(copy.layers) : stackTrees([]));
  const destination = new Destination(bench.trees.of(copy.base), bench.epochSeconds);
  const mode = modeChange(op.mode);
  const changed: CopyItem[] = [];
  const archives = new Set<CopyItem>();
  for (const item of copy.found) {
    const archive = op.extract === "never" || item.isDirectory
      ? undefined
      : await extractArchive(item.entries[0], bench, copy.temporary);
    if (archive !== undefined) archives.add(item);
    changed.push(
      archive === undefined
        ? {
          ...item,
          entries: item.entries.map((entry) => withMetadata(entry, mode, owner ?? ROOT_OWNER)),
        }
        // An archive's own metadata stand, but for an owner that was asked for.
        : {
          ...item,
          isDirectory: true,
          entries: archive.map((entry) => withMetadata(entry, (mode) => mode, owner)),
        },
    );
  }
  // As it is before anything lands: several items go into a directory in any case.
  const keepsNames = into.intoDirectory ||
    destination.isDirectory(destination.resolve(into.destination));
  const entries = landEntries(changed, {
    destination: into.destination,
    intoDirectory: keepsNames,
    created: {
      mode: into.createdMode,
      ...(owner ?? ROOT_OWNER),
      mtimeSeconds: bench.epochSeconds,
    },
  }, destination);
  return { entries, owner, facts: destination.facts(), landing: { keepsNames, archives } };

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

function* entriesOf(items: readonly CopyItem[]): Generator<FileEntry> {
  for (const { entries } of items) yield* entries;
}

/** Whether the user wrote the destination as a directory. */
function namesDirectory(destination: string): boolean {
  return /(?:^|\/)\.?$/.test(destination);
}
