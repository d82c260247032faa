/**
 * Collects files of this machine into the tree of an image, with the symbolic links on the way to them.
 *
 * @module
 */
import { lstatSync, readlinkSync } from "node:fs";
import type { FileEntry } from "../../core/layer/mod.ts";
import { host } from "../../core/host/mod.ts";
import { LayerwrightError } from "../../core/mod.ts";
import { type Look, unseen } from "./look.ts";

/** Linux gives up after 40 links in one path (path_resolution(7)). */
const LINK_LIMIT = 40;

/** A tree that grows by the files put into it. All paths are absolute. */
export class ImageFiles {
  readonly #entries = new Map<string, FileEntry>();
  readonly #look: Look;

  constructor(look: Look = unseen) {
    this.#look = look;
  }

  /** Adds the file at a path, every directory and every symbolic link that leads to it, each at its own path. */
  addAsIs(hostPath: string): void {
    this.#walk(hostPath, (path) => this.#entries.get(path) ?? this.#entryAt(`/${path}`, path));
  }

  /** Adds the file at `hostPath`, links followed, as a regular file at `imagePath`. */
  addFile(imagePath: string, hostPath: string): void {
    this.#put(imagePath, (path) => this.#entryAt(hostPath, path));
  }

  /** Adds a symbolic link. */
  addLink(imagePath: string, target: string): void {
    this.#put(imagePath, (path) => ({ ...bare(path, "symlink", 0o777), linkTarget: target }));
  }

  /** All entries, sorted by the bytes of their paths. */
  entries(): FileEntry[] {
    return [...this.#entries.values()].sort((a, b) =>
      Buffer.compare(Buffer.from(a.path), Buffer.from(b.path))
    );
  }

  #entryAt(hostPath: string, path: string): FileEntry {
    this.#look(hostPath, true);
    return entryAt(hostPath, path);
  }

  #put(imagePath: string, create: (path: string) => FileEntry): void {
    const slash = imagePath.lastIndexOf("/");
    // Through the links already there: below "/lib" -> "usr/lib" nothing can be but in "/usr/lib".
    const parent = this.#walk(imagePath.slice(0, slash), (path) => {
      return this.#entries.get(path) ?? bare(path, "directory", 0o755);
    });
    const path = [...parent, imagePath.slice(slash + 1)].join("/");
    if (this.#entries.has(path)) {
      throw new LayerwrightError(
        "OPTION_INVALID",
        `Cannot place a program at "${imagePath}": one of its libraries is there`,
        { hint: 'choose another path with "as"' },
      );
    }
    this.#entries.set(path, create(path));
  }

  /** Follows a path from the root, records what `look` finds at each step, and returns where it ends. */
  #walk(from: string, look: (path: string) => FileEntry): string[] {
    const pending = from.split("/").reverse();
    let at: string[] = [];
    let links = 0;
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (name === "" || name === ".") continue;
      if (name === "..") {
        at.pop();
        continue;
      }
      const path = [...at, name].join("/");
      const entry = look(path);
      this.#entries.set(path, entry);
      if (entry.type !== "symlink") {
        if (entry.type !== "directory" && pending.some((rest) => rest !== "")) {
          throw unusable(from, `"/${path}" is not a directory`);
        }
        at.push(name);
        continue;
      }
      if (++links > LINK_LIMIT) throw unusable(from, "too many symbolic links");
      const target = entry.linkTarget ?? "";
      if (target.startsWith("/")) at = [];
      pending.push(...target.split("/").reverse());
    }
    return at;
  }
}

/** What is at a path of this machine, as an entry with the owner and times that every build gives it. */
function entryAt(hostPath: string, path: string): FileEntry {
  const stats = lstatSync(hostPath);
  if (stats.isSymbolicLink()) {
    return { ...bare(path, "symlink", 0o777), linkTarget: readlinkSync(hostPath) };
  }
  if (stats.isDirectory()) return bare(path, "directory", 0o755);
  // In the numbers that a reader compares with.
  const status = host.fileStatus();
  if (!stats.isFile() || !status.look(hostPath)) {
    throw unusable(hostPath, "it is neither a file nor a directory");
  }
  const { dev, ino, mode, sizeBytes, mtimeNs, ctimeNs } = status;
  return {
    ...bare(path, "file", (mode & 0o111) === 0 ? 0o644 : 0o755),
    sizeBytes,
    content: { kind: "path", path: hostPath, identity: { dev, ino, sizeBytes, mtimeNs, ctimeNs } },
  };
}

function bare(path: string, type: FileEntry["type"], mode: number): FileEntry {
  return { path, type, mode, uid: 0, gid: 0, sizeBytes: 0, mtimeSeconds: 0 };
}

function unusable(path: string, why: string): LayerwrightError {
  return new LayerwrightError("EXECUTABLE_NOT_FOUND", `Cannot add "${path}": ${why}`);
}
