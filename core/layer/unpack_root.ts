/**
 * A directory that entries are unpacked into, and out of which none gets.
 *
 * Every parent is reached from the root by one name at a time: real directories are entered, symbolic links are
 * followed by us inside the root, never by the kernel, and the last name is never followed. The directory must be
 * ours alone meanwhile: another process that swaps directories for links under our hands is not defended against.
 *
 * @module
 */
import {
  type BigIntStats,
  chmodSync,
  closeSync,
  constants,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import { LayerwrightError, systemErrorCode } from "../errors.ts";
import { writeFully } from "./full_io.ts";
import { checkEntry } from "./entry_rules.ts";
import type { FileEntry } from "./file_entry.ts";
import { baseName, LinkTarget, parentPath, walkInside } from "./link_resolver.ts";
import { RealDirectory } from "./real_directory.ts";
import {
  makeSpecialFile,
  mtimeNsOf,
  setFileMetadata,
  setOwnerAndXattrs,
} from "./unpack_metadata.ts";
import type { SkippedItem, UnpackOptions, UnpackResult } from "./unpack_options.ts";

const MAX_ENTRIES = 2_000_000;
// O_EXCL and O_NOFOLLOW: the last name is made, never followed.
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL |
  (constants.O_NOFOLLOW ?? 0);

/** A directory that an entry has below it without naming it, as the layers below have it. */
export type ImpliedParent = (relative: string) => FileEntry | undefined;

/** The directory entries go into. */
export class UnpackRoot {
  readonly root: RealDirectory;
  readonly #options: UnpackOptions;
  readonly #impliedParent: ImpliedParent;
  readonly #skipped: SkippedItem[] = [];
  #entryCount = 0;
  #sizeBytes = 0;

  /** @param root an existing directory; links on the way to it are the caller's, and followed. */
  constructor(
    root: string,
    options: UnpackOptions,
    impliedParent: ImpliedParent = () => undefined,
  ) {
    const path = realpathSync(root);
    const { mtimeNs } = lstatSync(path, { bigint: true });
    this.root = new RealDirectory(path, "", mtimeNs);
    this.#options = options;
    this.#impliedParent = impliedParent;
  }

  /**
   * Makes what an entry says, in place of whatever was there; a directory over a directory only changes its metadata.
   *
   * @returns for regular files: where the content goes.
   */
  place(entry: FileEntry): OpenFile | undefined {
    this.#count(entry);
    checkEntry(entry);
    requireUtf8(entry);
    // Before any of its parents is made: a refused path of thousands of names would leave them all behind.
    this.root.pathOf(entry.path);
    const parent = this.directory(parentPath(entry.path));
    const name = baseName(entry.path);
    switch (entry.type) {
      case "directory":
        this.#placeDirectory(parent, name, entry);
        return undefined;
      case "hardlink":
        this.#placeHardLink(parent, name, entry);
        return undefined;
      case "file": {
        const path = parent.pathOf(name);
        const fd = this.#replacing(parent, name, () => openSync(path, CREATE, 0o600));
        return new OpenFile(fd, () => setFileMetadata(path, entry, this.#options, this.#skipped));
      }
      default: {
        const path = parent.pathOf(name);
        const made = this.#replacing(parent, name, () => {
          if (entry.type !== "symlink") {
            return makeSpecialFile(path, entry, this.#options, this.#skipped);
          }
          symlinkSync(entry.linkTarget ?? "", path);
          return true;
        });
        if (made) setFileMetadata(path, entry, this.#options, this.#skipped);
        return undefined;
      }
    }
  }

  /** The directory a path leads to inside the root, made where it is missing. */
  directory(path: string): RealDirectory {
    return walkInside(path, this.root, (from, name) => {
      const found = this.#enter(from, name);
      if (found !== undefined) return found;
      const implied = this.#impliedParent(from.relativeOf(name));
      if (implied?.type === "symlink") return new LinkTarget(implied.linkTarget ?? "");
      return this.#placeDirectory(from, name, implied ?? impliedDirectory(from.relativeOf(name)));
    });
  }

  /** The directory a path leads to inside the root, undefined if there is none. */
  findDirectory(path: string): RealDirectory | undefined {
    return walkInside<RealDirectory | undefined>(
      path,
      this.root,
      (from, name) => from === undefined ? undefined : this.#enter(from, name),
    );
  }

  /** Removes a name and all below it; nothing to do where there is none. */
  remove(parent: RealDirectory, name: string): void {
    const path = parent.pathOf(name);
    parent.known.delete(name);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return;
    if (stats.isDirectory()) rmSync(path, { recursive: true });
    else unlinkSync(path);
  }

  /** Removes all in a directory. */
  clear(directory: RealDirectory): void {
    for (const name of readdirSync(directory.path)) this.remove(directory, name);
  }

  /** Ends the work: modes and times of directories, which every change inside would move. */
  finish(): UnpackResult {
    this.root.settle();
    return {
      entryCount: this.#entryCount,
      sizeBytes: this.#sizeBytes,
      skipped: this.#skipped,
    };
  }

  #count(entry: FileEntry): void {
    const { maxEntries = MAX_ENTRIES, maxBytes = Infinity } = this.#options;
    this.#entryCount++;
    this.#sizeBytes += entry.sizeBytes;
    if (this.#entryCount > maxEntries || this.#sizeBytes > maxBytes) {
      const limit = this.#entryCount > maxEntries ? `${maxEntries} entries` : `${maxBytes} bytes`;
      throw new LayerwrightError(
        "LAYER_LIMIT",
        `Cannot unpack entry ${this.#entryCount} ${JSON.stringify(entry.path)}: over ${limit}`,
      );
    }
  }

  /** One step down: a directory, the link to follow, undefined for nothing there. */
  #enter(from: RealDirectory, name: string): RealDirectory | LinkTarget | undefined {
    const known = from.known.get(name);
    if (known !== undefined) return known;
    const path = from.pathOf(name);
    const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    if (!stats.isSymbolicLink() && !stats.isDirectory()) {
      throw new LayerwrightError(
        "LAYER_INVALID",
        `Cannot unpack below ${JSON.stringify(from.relativeOf(name))}: it is not a directory`,
      );
    }
    const found = stats.isSymbolicLink()
      ? new LinkTarget(readlinkSync(path))
      : this.#open(from, name, stats);
    from.known.set(name, found);
    return found;
  }

  #placeDirectory(parent: RealDirectory, name: string, entry: FileEntry): RealDirectory {
    const path = parent.pathOf(name);
    let directory = parent.known.get(name);
    if (!(directory instanceof RealDirectory)) {
      const existing = lstatSync(path, { bigint: true, throwIfNoEntry: false });
      if (existing?.isDirectory()) {
        directory = this.#open(parent, name, existing);
      } else {
        if (existing !== undefined) this.remove(parent, name);
        mkdirSync(path, 0o700);
        directory = new RealDirectory(path, parent.relativeOf(name), 0n);
      }
      parent.known.set(name, directory);
    }
    setOwnerAndXattrs(path, entry, this.#options, this.#skipped);
    directory.settleLater(entry.mode, mtimeNsOf(entry));
    return directory;
  }

  #placeHardLink(parent: RealDirectory, name: string, entry: FileEntry): void {
    const path = parent.pathOf(name);
    const target = entry.linkTarget ?? "";
    const existing = this.findDirectory(parentPath(target))?.pathOf(baseName(target));
    const stats = existing === undefined
      ? undefined
      : lstatSync(existing, { throwIfNoEntry: false });
    if (existing === undefined || stats === undefined) refuseHardLink(entry, "does not exist");
    if (stats.isDirectory()) refuseHardLink(entry, "is a directory");
    // Making room for the link would remove what it is to be a link to.
    if (`${existing}/`.startsWith(`${path}/`)) refuseHardLink(entry, "is the link itself or in it");
    this.#replacing(parent, name, () => linkSync(existing, path));
  }

  /** Makes a file; removes what has its name first. */
  #replacing<T>(parent: RealDirectory, name: string, make: () => T): T {
    try {
      return make();
    } catch (error) {
      if (systemErrorCode(error) !== "EEXIST") throw error;
    }
    this.remove(parent, name);
    return make();
  }

  /** Takes an existing directory as it is, and makes sure that we may work in it. */
  #open(parent: RealDirectory, name: string, stats: BigIntStats): RealDirectory {
    const directory = new RealDirectory(
      parent.pathOf(name),
      parent.relativeOf(name),
      stats.mtimeNs,
    );
    const mode = Number(stats.mode) & 0o7777;
    if ((mode & 0o700) !== 0o700 && process.getuid?.() !== 0) {
      chmodSync(directory.path, mode | 0o700);
      directory.settleLater(mode, stats.mtimeNs);
    }
    return directory;
  }
}

function impliedDirectory(path: string): FileEntry {
  return { path, type: "directory", mode: 0o755, uid: 0, gid: 0, sizeBytes: 0, mtimeSeconds: 0 };
}

function refuseHardLink(entry: FileEntry, why: string): never {
  throw new LayerwrightError(
    "LAYER_INVALID",
    `Cannot unpack hard link ${JSON.stringify(entry.path)}: its target ${
      JSON.stringify(entry.linkTarget)
    } ${why}`,
  );
}

/** Both runtimes put U+FFFD for what is not UTF-8 on the way to a system call: another name, silently. */
function requireUtf8({ path, linkTarget = "" }: FileEntry): void {
  if (path.isWellFormed() && linkTarget.isWellFormed()) return;
  throw new LayerwrightError(
    "HOST_UNSUPPORTED",
    `Cannot unpack ${
      JSON.stringify(path)
    }: its name or link target is not UTF-8, which this runtime cannot write`,
  );
}

/** A regular file that was made and waits for its content. */
export class OpenFile implements Disposable {
  readonly #fd: number;
  readonly #complete: () => void;

  constructor(fd: number, complete: () => void) {
    this.#fd = fd;
    this.#complete = complete;
  }

  write(bytes: Uint8Array): void {
    writeFully(this.#fd, bytes);
  }

  /** Sets the metadata; the content would have cleared setuid bits and moved the time. */
  complete(): void {
    this.#complete();
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
