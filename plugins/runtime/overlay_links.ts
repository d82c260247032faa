/**
 * Short names for the directories of overlay mounts: links in memory, made once for each directory of a session.
 *
 * mount(2) cuts its options at 4,096 bytes without a word. Short names keep 500 layers far below that, wherever they are,
 * and no character of a path can be taken for a separator.
 *
 * @module
 */
import { mkdirSync, symlinkSync, unlinkSync } from "node:fs";

/** The names of one worker. */
export class OverlayLinks {
  /** What the names are in. */
  readonly directory: string;
  readonly #emptyParent: string;
  readonly #names = new Map<string, string>();
  #passing = 0;
  #mounts = 0;

  /**
   * @param directory Does not exist yet; best in memory.
   * @param workDirectory On the file system of all layers: a stack that has several shows files of several devices.
   */
  constructor(directory: string, workDirectory: string) {
    mkdirSync(directory, { mode: 0o700 });
    mkdirSync(`${directory}/roots`);
    this.directory = directory;
    this.#emptyParent = workDirectory;
  }

  /** The name of a directory, for as long as the session lasts. */
  nameOf(path: string): string {
    const known = this.#names.get(path);
    if (known !== undefined) return known;
    const name = this.#names.size.toString(36);
    symlinkSync(path, `${this.directory}/${name}`);
    this.#names.set(path, name);
    return name;
  }

  /** Calls `use` with names for directories that are mounted only once. */
  withPassingNames<T>(paths: readonly string[], use: (names: readonly string[]) => T): T {
    const names = paths.map(() => `p${(this.#passing++).toString(36)}`);
    names.forEach((name, index) => symlinkSync(paths[index] ?? "", `${this.directory}/${name}`));
    try {
      return use(names);
    } finally {
      for (const name of names) unlinkSync(`${this.directory}/${name}`);
    }
  }

  /** A directory to mount on. In memory too: making and removing one on a disk takes longer than the mount. */
  newMountPoint(): string {
    const path = `${this.directory}/roots/${this.#mounts++}`;
    mkdirSync(path);
    return path;
  }

  /** The n-th empty directory. */
  emptyDirectory(index: number): string {
    const path = `${this.#emptyParent}/empty-${index}`;
    if (!this.#names.has(path)) mkdirSync(path, { mode: 0o755 });
    this.nameOf(path);
    return path;
  }
}
