/**
 * The state of a file tree while layers are stacked onto it.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import type { FileEntry } from "./file_entry.ts";
import { baseName, LinkTarget, parentPath, walkInside } from "./link_resolver.ts";
import { withoutOverlayXattrs } from "./normalize.ts";
import { parseWhiteout, type Whiteout } from "./whiteout.ts";

/** A name in a directory. Names of one file share the same `inode` object. */
interface Name {
  readonly inode: FileEntry;
  /** Directories only. */
  readonly children: Map<string, Name> | undefined;
}

type Directory = Name & { readonly children: Map<string, Name> };

/** Layers, merged in the order they are added. */
export class LayerStack {
  readonly #root: Directory = { inode: impliedDirectory(""), children: new Map() };
  /** Directories by the path they were asked for, links followed: most entries share their parent with the last. */
  readonly #found = new Map<string, Directory>();

  /** Adds one layer on top. */
  add(layer: readonly FileEntry[]): void {
    const own: FileEntry[] = [];
    for (const entry of layer) {
      const whiteout = parseWhiteout(entry.path);
      if (whiteout === undefined) own.push(entry);
      else this.#remove(whiteout);
    }
    for (const entry of own) this.#place(entry);
  }

  /** Path → file; hard links are the same object. Without the root. */
  inodes(): Map<string, FileEntry> {
    const inodes = new Map<string, FileEntry>();
    const pending: [string, Directory][] = [["", this.#root]];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      for (const [base, name] of next[1].children) {
        const path = next[0] + base;
        inodes.set(path, name.inode);
        if (isDirectory(name)) pending.push([`${path}/`, name]);
      }
    }
    return inodes;
  }

  #remove(whiteout: Whiteout): void {
    if (whiteout.kind === "ignored") return;
    if (whiteout.kind === "opaque") this.#find(whiteout.directory)?.children?.clear();
    else this.#find(parentPath(whiteout.path))?.children?.delete(baseName(whiteout.path));
    this.#found.clear();
  }

  #place(entry: FileEntry): void {
    const { children } = this.#directoryFor(parentPath(entry.path), entry);
    const base = baseName(entry.path);
    const existing = children.get(base);
    if (entry.type === "directory") {
      const kept = existing !== undefined && isDirectory(existing) ? existing.children : new Map();
      children.set(base, { inode: withoutOverlayXattrs(entry), children: kept });
    } else {
      const inode = entry.type === "hardlink" ? this.#linked(entry) : withoutOverlayXattrs(entry);
      children.set(base, { inode, children: undefined });
    }
    // Paths that led through a link or directory replaced here lead elsewhere now.
    const kept = existing?.children === children.get(base)?.children;
    if (existing?.inode.type === "symlink" || !kept) this.#found.clear();
  }

  #linked(link: FileEntry): FileEntry {
    const target = link.linkTarget ?? "";
    const name = this.#find(parentPath(target))?.children?.get(baseName(target));
    if (name === undefined || isDirectory(name)) {
      const why = name === undefined ? "does not exist" : "is a directory";
      throw new LayerwrightError(
        "LAYER_INVALID",
        `Cannot stack layers: the target ${JSON.stringify(target)} of hard link ${
          JSON.stringify(link.path)
        } ${why}`,
      );
    }
    return name.inode;
  }

  /** The directory an entry goes into, made with its parents where it is missing. */
  #directoryFor(path: string, entry: FileEntry): Directory {
    const directory = this.#found.get(path) ?? this.#knownChild(path) ??
      walkInside(path, this.#root, (from, base) => {
        let next = from.children.get(base);
        if (next === undefined) {
          next = { inode: impliedDirectory(base), children: new Map() };
          from.children.set(base, next);
        }
        if (isDirectory(next)) return next;
        const { type, linkTarget } = next.inode;
        if (type === "symlink") return new LinkTarget(linkTarget ?? "");
        throw new LayerwrightError(
          "LAYER_INVALID",
          `Cannot stack layers: the parent ${JSON.stringify(base)} of ${
            JSON.stringify(entry.path)
          } is a ${type}`,
        );
      });
    this.#found.set(path, directory);
    return directory;
  }

  /** A directory right below one that was found: without this, a deep chain of directories costs its depth squared. */
  #knownChild(path: string): Directory | undefined {
    const child = this.#found.get(parentPath(path))?.children.get(baseName(path));
    return child !== undefined && isDirectory(child) ? child : undefined;
  }

  /** What is where a path leads, all links followed. */
  #find(path: string): Name | undefined {
    return walkInside<Name | undefined>(path, this.#root, (from, base) => {
      const next = from?.children?.get(base);
      return next?.inode.type === "symlink" ? new LinkTarget(next.inode.linkTarget ?? "") : next;
    });
  }
}

function isDirectory(name: Name): name is Directory {
  return name.children !== undefined;
}

/** A directory that a layer implies by what it has below. */
function impliedDirectory(path: string): FileEntry {
  return { path, type: "directory", mode: 0o755, uid: 0, gid: 0, sizeBytes: 0, mtimeSeconds: 0 };
}
