/**
 * A layer as an overlay lower directory.
 *
 * @module
 */
import { chmodSync, mkdirSync, rmSync } from "node:fs";
import type { UnpackRequest } from "../../core/mod.ts";
import { applyLayer, type FileEntry, indexTar, parentPath, Tree } from "../../core/layer/mod.ts";
import { readDiskEntry } from "./disk_entry.ts";
import { mountOverlay, unmount } from "./overlay.ts";
import { lstatIfThere } from "./resolve_in_root.ts";
import type { WorkerContext } from "./worker_context.ts";

/** The layers below as a tree that looks at the disk when it is asked: a layer needs few of its entries. */
class MountedTree extends Tree {
  readonly #root: string;
  readonly #directories = new Map<string, boolean>([["", true]]);

  constructor(root: string) {
    super([]);
    this.#root = root;
  }

  override get(path: string): FileEntry | undefined {
    return this.#isDirectory(parentPath(path)) ? readDiskEntry(this.#root, path)?.entry : undefined;
  }

  /** A tree has nothing below a link. The kernel would follow one that the image has to a file of this machine. */
  #isDirectory(path: string): boolean {
    const known = this.#directories.get(path);
    if (known !== undefined) return known;
    const found = this.#isDirectory(parentPath(path)) &&
      lstatIfThere(`${this.#root}/${path}`)?.isDirectory() === true;
    this.#directories.set(path, found);
    return found;
  }
}

/**
 * Unpacks a layer so that it can be mounted above `lowers`.
 *
 * @throws {LayerwrightError} as `indexTar` and `applyLayer` do.
 */
export function unpackLayer(context: WorkerContext, name: string, request: UnpackRequest): void {
  const { userNamespace, links, calls } = context;
  const directory = `${context.options.workDirectory}/${name}`;
  mkdirSync(directory);
  const below = mountOverlay({ directory, lowers: request.lowers, userNamespace, links });
  try {
    // Where nobody but this worker sees it, nobody else could make it.
    mkdirSync(request.directory, { recursive: true });
    const lower = new MountedTree(below);
    // What a user namespace refuses, nothing in it could use: device nodes, labels of the host.
    const refused = userNamespace ? "skip" : "require";
    applyLayer(withLinkTargets(indexTar(request.tarPath), lower), request.directory, {
      form: "overlay",
      userXattr: userNamespace,
      lower,
      chown: context.options.privileges !== "user-single",
      devices: refused,
      xattrs: refused,
    });
    // The topmost directory's own metadata is that of the mounted root.
    chmodSync(request.directory, 0o755);
    calls.setTimes(request.directory, 0n);
  } finally {
    unmount(below);
    rmSync(directory, { recursive: true });
  }
}

/** Adds the files below that the layer has further names for: hard links do not reach across directories mounted later. */
function withLinkTargets(entries: readonly FileEntry[], lower: Tree): FileEntry[] {
  const own = new Set(entries.map(({ path }) => path));
  const targets = entries.flatMap(({ type, linkTarget = "" }) => {
    if (type !== "hardlink" || own.has(linkTarget)) return [];
    const target = lower.get(lower.resolve(linkTarget, { followLast: false }));
    return target === undefined || target.type === "directory"
      ? []
      : [{ ...target, path: linkTarget }];
  });
  return [...targets, ...entries];
}
