/**
 * The files that are copied onto, seen through what a copy has to know of them. Every answer that is not
 * "nothing there" is kept as a fact: a copied layer depends on these facts and on nothing else of its base,
 * so it stays valid when the base changes elsewhere.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import type { CanonicalValue } from "../graph/canonical_json.ts";
import type { FileEntry } from "../layer/file_entry.ts";
import type { Tree } from "../layer/tree.ts";
import { sha256 } from "../oci/digest.ts";

/** As many as the kernel follows (path_resolution(7): 40), with room for odd images; a loop ends here. */
const LINK_LIMIT = 255;

/** What a copy may ask of the files it is laid upon, and a record of the answers. */
export class Destination {
  readonly #base: Tree;
  readonly #epochSeconds: number;
  readonly #facts = new Map<string, CanonicalValue>();
  /** Existing directories that the new layer repeats, so that it unpacks alone with the right modes. */
  readonly #repeated = new Map<string, FileEntry>();
  readonly #created = new Map<string, FileEntry>();

  /** @param epochSeconds Layers hold no later time, so later times are no different facts. */
  constructor(base: Tree, epochSeconds: number) {
    this.#base = base;
    this.#epochSeconds = epochSeconds;
  }

  /** The entry there now, if any, not following a link in the last place. */
  existing(path: string): FileEntry | undefined {
    const entry = this.#base.get(path);
    // Of what is no directory and no link, a copy either replaces it, whatever it is, or fails: no fact.
    if (entry?.type === "directory" || entry?.type === "symlink") {
      this.#facts.set(path, factOf(entry, this.#epochSeconds));
    }
    return entry;
  }

  /**
   * Checks that an entry that is no directory may take this place: of anything but a directory.
   *
   * @throws {LayerwrightError} `COPY_DESTINATION_CONFLICT` where a directory is.
   */
  checkReplaceable(path: string): void {
    if (this.#base.get(path)?.type === "directory" || this.#created.has(path)) {
      throw conflict(path, `"/${path}" is a directory, and a file cannot replace it`);
    }
  }

  /**
   * The path itself without symbolic links, as the kernel would resolve it inside the root.
   * Names that do not exist yet stand for themselves.
   *
   * @throws {LayerwrightError} `COPY_DESTINATION_CONFLICT` for a link loop or a file in a directory's place.
   */
  resolve(path: string): string {
    const pending = path.split("/").reverse();
    const done: string[] = [];
    let links = 0;
    while (pending.length > 0) {
      const name = pending.pop();
      if (name === undefined || name === "" || name === ".") continue;
      if (name === "..") {
        done.pop();
        continue;
      }
      const here = [...done, name].join("/");
      const entry = this.existing(here);
      if (entry?.type === "symlink") {
        if (++links > LINK_LIMIT) {
          throw conflict(path, `too many symbolic links, the last "/${here}"`);
        }
        const target = entry.linkTarget ?? "";
        if (target.startsWith("/")) done.length = 0;
        pending.push(...target.split("/").reverse());
        continue;
      }
      if (
        entry !== undefined && entry.type !== "directory" &&
        pending.some((rest) => rest !== "" && rest !== ".")
      ) {
        throw conflict(path, `"/${here}" is a ${entry.type}, not a directory`);
      }
      done.push(name);
    }
    return done.join("/");
  }

  /** The directories above `path`: existing ones as they are, missing ones made by `create`. */
  makeParents(path: string, create: (path: string) => FileEntry): void {
    for (let slash = path.indexOf("/"); slash !== -1; slash = path.indexOf("/", slash + 1)) {
      this.makeDirectory(path.slice(0, slash), create);
    }
  }

  /** One directory, whose parents are made already. */
  makeDirectory(path: string, create: (path: string) => FileEntry): void {
    if (path === "" || this.#repeated.has(path) || this.#created.has(path)) return;
    const entry = this.existing(path);
    if (entry === undefined) {
      this.#created.set(path, create(path));
    } else if (entry.type === "directory") {
      this.#repeated.set(path, entry);
    } else {
      throw conflict(path, `"/${path}" is a ${entry.type}, not a directory`);
    }
  }

  /** True where a directory is, or is made by this copy. */
  isDirectory(path: string): boolean {
    return path === "" || this.#created.has(path) || this.existing(path)?.type === "directory";
  }

  /** The directories of the new layer. */
  directories(): FileEntry[] {
    return [...this.#repeated.values(), ...this.#created.values()];
  }

  /** What was found, by path, for the cache key. */
  facts(): CanonicalValue {
    return Object.fromEntries(this.#facts);
  }
}

function factOf(entry: FileEntry, epochSeconds: number): CanonicalValue {
  if (entry.type === "symlink") return { type: entry.type, target: entry.linkTarget };
  // A directory's metadata is repeated in the layer.
  const xattrs = Object.entries(entry.xattrs ?? {}).map(([name, value]) => [name, sha256(value)]);
  return {
    type: entry.type,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    mtimeSeconds: Math.min(entry.mtimeSeconds, epochSeconds),
    xattrs: xattrs.length === 0 ? undefined : Object.fromEntries(xattrs),
  };
}

function conflict(path: string, state: string): LayerwrightError {
  return new LayerwrightError(
    "COPY_DESTINATION_CONFLICT",
    `Cannot copy to "/${path.replace(/^\/+/, "")}": ${state}`,
    { hint: "choose another destination, or remove what is there in an earlier step" },
  );
}
