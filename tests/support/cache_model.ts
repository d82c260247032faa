/**
 * What a step depends on, told a second time and in the simplest way: a tree is a map, a key is everything it is made
 * of. The cache must agree with it.
 *
 * @module
 */
import { posix } from "node:path";
import type { ConfigChange, CopyOp, FileAction, Op } from "../../core/graph/op.ts";
import type { Graph } from "../../core/graph/graph.ts";
import type { VertexDigest } from "../../core/graph/vertex.ts";
import { sha256 } from "../../core/oci/digest.ts";
import type { Scenario } from "./cache_scenario.ts";
import { contextFiles } from "./cache_scenario_files.ts";

/** What a step that makes a layer depends on, by the names that explanations use. */
export interface ModelRecord {
  readonly kind: "copy" | "file" | "diff";
  /** Of the sources of a copy: explanations use them, and nothing depends on them. */
  readonly names?: readonly string[];
  readonly [field: string]: unknown;
}

interface Node {
  readonly type: "directory" | "file";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly text?: string;
}

/** Paths without a slash at either end; directories come before what is in them. */
type Tree = ReadonlyMap<string, Node>;

interface Stage {
  readonly tree: Tree;
  /** The entries of each layer. */
  readonly layers: readonly string[];
  readonly directory: string;
  readonly owner: { readonly uid: number; readonly gid: number };
}

interface Source {
  readonly path: string;
  readonly isDirectory: boolean;
  readonly entries: Tree;
}

const ROOT = { uid: 0, gid: 0 };
const EMPTY: Stage = { tree: new Map(), layers: [], directory: "/", owner: ROOT };

/** One text for equal records. */
export function keyOf({ names: _, ...record }: ModelRecord): string {
  return JSON.stringify(record);
}

/** The record of every step that makes a layer, by its vertex. */
export function modelOf(graph: Graph, scenario: Scenario): Map<VertexDigest, ModelRecord> {
  const stages = new Map<VertexDigest, Stage>();
  const records = new Map<VertexDigest, ModelRecord>();
  for (const { digest, op, inputs } of graph.vertices.values()) {
    const [base = EMPTY, from = EMPTY] = inputs.map((input) => stages.get(input) ?? EMPTY);
    const [stage, record] = solved(op, base, from, scenario);
    stages.set(digest, stage);
    if (record !== undefined) records.set(digest, record);
  }
  return records;
}

function solved(
  op: Op,
  base: Stage,
  from: Stage,
  scenario: Scenario,
): [Stage, ModelRecord | undefined] {
  switch (op.type) {
    case "source":
      return [EMPTY, undefined];
    case "context":
      return [{ ...EMPTY, tree: contextTree(scenario) }, undefined];
    case "config":
      return [configured(base, op.change), undefined];
    case "copy":
      return copied(op, base, from.tree);
    case "file":
      return directoriesMade(op.actions, base);
    case "diff": {
      // Of two inputs here: the first is what the second began as, which is nothing.
      const layer = layerOf(from.tree);
      return [{ ...from, layers: [layer] }, {
        kind: "diff",
        lower: base.layers,
        upper: from.layers,
      }];
    }
    case "merge":
      return [{ ...from, layers: [...base.layers, ...from.layers] }, undefined];
    case "run":
      throw new Error("this model knows no programs");
  }
}

function contextTree(scenario: Scenario): Tree {
  const tree = new Map<string, Node>();
  const isSeen = (path: string): boolean =>
    !scenario.ignore.some((pattern) => path === pattern || path.startsWith(`${pattern}/`));
  for (const [path, { text, mode }] of Object.entries(contextFiles(scenario))) {
    for (const parent of parentsOf(path)) {
      if (isSeen(parent)) tree.set(parent, { type: "directory", mode: 0o755, ...ROOT });
    }
    if (isSeen(path)) tree.set(path, { type: "file", mode, ...ROOT, text });
  }
  return sorted(tree);
}

function configured(base: Stage, change: ConfigChange): Stage {
  if (change.kind === "workdir") {
    return { ...base, directory: posix.resolve(base.directory, change.path) };
  }
  if (change.kind !== "user") return base;
  const [user = "", group = user] = change.user.split(":");
  return { ...base, owner: { uid: Number(user), gid: Number(group) } };
}

function copied(op: CopyOp, base: Stage, source: Tree): [Stage, ModelRecord] {
  const chmod = op.mode.kind === "chmod" ? Number.parseInt(op.mode.spec, 8) : undefined;
  const modeOf = ({ type, mode }: Node): number =>
    chmod ??
      (op.mode.kind === "preserve"
        ? mode
        : type === "directory" || (mode & 0o111) !== 0
        ? 0o755
        : 0o644);
  const sources = op.sources.flatMap((pattern) => sourcesOf(source, pattern));
  for (const { name, text } of op.inline) {
    const node: Node = { type: "file", mode: 0o644, ...ROOT, text };
    sources.push({ path: name, isDirectory: false, entries: new Map([[name, node]]) });
  }
  const absolute = posix.resolve(base.directory, op.destination);
  const target = absolute.slice(1);
  const intoDirectory = op.destination.endsWith("/") || sources.length > 1;
  const created: Node = { type: "directory", mode: chmod ?? 0o755, ...ROOT };
  const layer = new LayerModel(base.tree);
  layer.resolve(target);
  const keepsNames = intoDirectory || base.tree.get(target)?.type === "directory" || target === "";
  for (const { path, isDirectory, entries } of sources) {
    const inside = isDirectory || keepsNames;
    for (const parent of parentsOf(target)) layer.makeDirectory(parent, created);
    if (inside) layer.makeDirectory(target, created);
    for (const [name, node] of entries) {
      const at = isDirectory ? join(target, name) : inside ? join(target, path) : target;
      const landed = { ...node, mode: modeOf(node), ...ROOT };
      if (node.type === "directory") layer.makeDirectory(at, landed);
      else layer.files.set(at, landed);
    }
  }
  const items = sources.map(({ isDirectory, entries }) => ({
    isDirectory,
    entries: [...entries].map(([name, node]) => ({
      path: isDirectory || keepsNames ? name : "",
      type: node.type,
      mode: modeOf(node),
      ...ROOT,
      ...(node.text === undefined
        ? {}
        : { size: Buffer.byteLength(node.text), content: sha256(node.text) }),
    })),
  }));
  return [layer.onto(base), {
    kind: "copy",
    destination: absolute,
    onto: layer.facts,
    items,
    intoDirectory: keepsNames && sources.some(({ isDirectory }) => !isDirectory),
    createdMode: created.mode,
    names: sources.map(({ path }) => path),
  }];
}

/** What a source names: a file, a directory, or whatever a wildcard matches; nothing for what is not there. */
function sourcesOf(tree: Tree, source: string): Source[] {
  const path = posix.normalize(`./${source}`).replace(/\/$/, "").replace(/^\.$/, "");
  const matches = path.includes("*")
    ? [...tree.keys()].filter((name) => matchesGlob(path, name))
    : [path];
  return matches.flatMap((match): Source[] => {
    const node = tree.get(match);
    if (node === undefined && match !== "") return [];
    const name = posix.basename(match);
    if (node?.type === "file") {
      return [{ path: name, isDirectory: false, entries: new Map([[name, node]]) }];
    }
    const below = match === "" ? "" : `${match}/`;
    const entries = [...tree].filter(([at]) => at.startsWith(below))
      .map(([at, one]): [string, Node] => [at.slice(below.length), one]);
    return [{ path: name, isDirectory: true, entries: new Map(entries) }];
  });
}

function matchesGlob(pattern: string, path: string): boolean {
  const [names, parts] = [path.split("/"), pattern.split("/")];
  return names.length === parts.length &&
    parts.every((part, index) =>
      part.endsWith("*")
        ? names[index]?.startsWith(part.slice(0, -1)) === true
        : names[index] === part
    );
}

function directoriesMade(actions: readonly FileAction[], base: Stage): [Stage, ModelRecord] {
  const layer = new LayerModel(base.tree);
  const absolute = actions.map(({ path }) => posix.resolve(base.directory, path));
  for (const path of absolute) {
    const target = path.slice(1);
    layer.resolve(target);
    if (base.tree.get(target)?.type === "directory") continue;
    for (const at of [...parentsOf(target), target]) {
      layer.makeDirectory(at, { type: "directory", mode: 0o755, ...base.owner });
    }
  }
  return [layer.onto(base), {
    kind: "file",
    actions: absolute.map((path) => ({ kind: "mkdir", path, mode: 0o755 })),
    destination: layer.facts,
    entries: [...layer.directories].map(([path, { uid, gid }]) => ({ path, uid, gid })).sort(
      byPath,
    ),
  }];
}

/** A layer in the making, and what it had to know of the files beneath. */
class LayerModel {
  readonly facts: Record<string, unknown> = {};
  readonly directories = new Map<string, Node>();
  readonly files = new Map<string, Node>();
  readonly #base: Tree;

  constructor(base: Tree) {
    this.#base = base;
  }

  /** The directories on the way to a path, and itself. */
  resolve(path: string): void {
    for (const at of [...parentsOf(path), path]) this.#existing(at);
  }

  makeDirectory(path: string, node: Node): void {
    if (path === "" || this.directories.has(path)) return;
    this.directories.set(path, this.#existing(path) ?? node);
  }

  onto(stage: Stage): Stage {
    const own = new Map([...this.directories, ...this.files]);
    const tree = sorted(new Map([...stage.tree, ...own]));
    return { ...stage, tree, layers: [...stage.layers, layerOf(own)] };
  }

  #existing(path: string): Node | undefined {
    const node = this.#base.get(path);
    if (node?.type !== "directory") return undefined;
    const { type, mode, uid, gid } = node;
    this.facts[path] = { type, mode, uid, gid, mtimeSeconds: 0 };
    return node;
  }
}

function layerOf(entries: Tree): string {
  return JSON.stringify([...sorted(entries)]);
}

function sorted(tree: Tree): Tree {
  return new Map([...tree].sort(([a], [b]) => byPath({ path: a }, { path: b })));
}

/** As trees are listed: by the names of a path, not by its characters. */
function byPath(
  { path: a }: { readonly path: string },
  { path: b }: { readonly path: string },
): number {
  return Buffer.compare(Buffer.from(a.replaceAll("/", "\0")), Buffer.from(b.replaceAll("/", "\0")));
}

function parentsOf(path: string): string[] {
  const names = path.split("/");
  return names.slice(1).map((_, index) => names.slice(0, index + 1).join("/"));
}

function join(directory: string, name: string): string {
  return directory === "" ? name : `${directory}/${name}`;
}
