/**
 * All that a build looked at outside of the store, so that a later build can tell by a look at the same that nothing
 * changed: see `core/unchanged/unchanged_build.ts`.
 *
 * What is kept of a file is its status. A directory that has the same ctime holds the same names, and a file that has
 * the same ctime has the same content, mode and attributes, but for a change in the same tick of the clock as the last
 * one: hence the rule of `stat_index.ts`, which holds for everything here.
 *
 * @module
 */
import { type FileStatus, host, STATUS_WORDS } from "../host/mod.ts";
import { keepsChangeTimes } from "./change_times.ts";
import { FOLLOWED, MODE_WORD, type ObservedFiles, PLACE, ROW_WORDS } from "./observed_files.ts";
import { SETTLED_NS } from "./stat_index.ts";

/** Settings of {@link Observations}. */
export interface ObservationsOptions {
  /** The time, taken before the first look. */
  readonly nowMs: number;
  /** How long before that the last change must lie; {@link SETTLED_NS} unless given. */
  readonly settledNs?: bigint;
}

/** Grows with every look of one build. */
export class Observations {
  /** The time before the first look. */
  readonly startedMs: number;
  readonly #settledBeforeNs: bigint;
  readonly #settledBeforeSeconds: number;
  readonly #honestDevices: Map<bigint, boolean> = new Map();
  readonly #paths: string[] = [];
  readonly #images: Map<string, string> = new Map();
  #rows: Uint32Array = new Uint32Array(64 * ROW_WORDS);
  #obstacle: string | undefined;

  constructor({ nowMs, settledNs = SETTLED_NS }: ObservationsOptions) {
    this.startedMs = nowMs;
    this.#settledBeforeNs = BigInt(Math.floor(nowMs)) * 1_000_000n - settledNs;
    this.#settledBeforeSeconds = Number(this.#settledBeforeNs / 1_000_000_000n);
  }

  /** Why nothing can be told from these: something said nothing of what it read, or changed too short a time ago. */
  get obstacle(): string | undefined {
    return this.#obstacle;
  }

  /** The paths looked at, in order; absolute. */
  get paths(): readonly string[] {
    return this.#paths;
  }

  /** References of images, and the digests that they named in the store. */
  get images(): ReadonlyMap<string, string> {
    return this.#images;
  }

  /** Says that something was read of which nothing is known here. */
  obstruct(why: string): void {
    this.#obstacle ??= why;
  }

  /** Says which digest a reference named in the store. */
  addImage(reference: string, digest: string): void {
    this.#images.set(reference, digest);
  }

  /**
   * Adds a path that was just looked at, before anything more of it is read.
   *
   * @param status What was found; undefined if nothing was there.
   * @param flags {@link FOLLOWED} if links were; {@link PLACE} for a directory that is not listed.
   */
  add(path: string, status: FileStatus | undefined, flags = 0): void {
    if (this.#obstacle !== undefined) return;
    if (!path.isWellFormed()) return this.obstruct("a name is not UTF-8");
    const start = this.#paths.length * ROW_WORDS;
    if (start === this.#rows.length) {
      const grown = new Uint32Array(this.#rows.length * 2);
      grown.set(this.#rows);
      this.#rows = grown;
    }
    if (status !== undefined) {
      if ((flags & PLACE) === 0 && !this.#isSettled(path, status)) {
        return this.obstruct(`"${path}" may change unnoticed`);
      }
      for (let word = 0; word < ROW_WORDS; word++) {
        this.#rows[start + word] = status.words[STATUS_WORDS[word] ?? 0] ?? 0;
      }
    }
    const mode = start + MODE_WORD;
    this.#rows[mode] = (this.#rows[mode] ?? 0) + flags;
    this.#paths.push(path);
  }

  /** Looks at a path itself and where it leads, and adds both. To be called before it is read. */
  lookAt(path: string): void {
    this.#lookAt(path, 0);
  }

  /** As {@link lookAt}, of a path whose directory is gone through and not listed. */
  lookAtPlace(path: string): void {
    this.#lookAt(path, PLACE);
  }

  #lookAt(path: string, ofDirectory: number): void {
    const status = host.fileStatus();
    try {
      for (const follow of [0, FOLLOWED]) {
        const found = status.look(path, follow !== 0) ? status : undefined;
        const isDirectory = found !== undefined && (found.mode & 0o170000) === 0o040000;
        this.add(path, found, follow + (isDirectory ? ofDirectory : 0));
      }
    } catch (error) {
      this.obstruct(`"${path}" cannot be looked at: ${String(error)}`);
    }
  }

  /** The columns of a memo. */
  columns(): ObservedFiles {
    const offsets = new Uint32Array(this.#paths.length);
    const text = this.#paths.join("\0") + (this.#paths.length === 0 ? "" : "\0");
    const paths = new TextEncoder().encode(text);
    for (let row = 1; row < offsets.length; row++) {
      offsets[row] = paths.indexOf(0, offsets[row - 1]) + 1;
    }
    return { rows: this.#rows.subarray(0, offsets.length * ROW_WORDS), offsets, paths };
  }

  #isSettled(path: string, status: FileStatus): boolean {
    // Nearly all files are far older than that, and whole seconds are plain numbers.
    const recent = status.mtimeSeconds >= this.#settledBeforeSeconds ||
      status.ctimeSeconds >= this.#settledBeforeSeconds;
    if (
      recent &&
      (status.mtimeNs >= this.#settledBeforeNs || status.ctimeNs >= this.#settledBeforeNs)
    ) return false;
    if (!status.hasInode) return false;
    const { dev } = status;
    let honest = this.#honestDevices.get(dev);
    if (honest === undefined) {
      // A link would be followed, to another file system or to nowhere; nothing can be mounted over one.
      const isLink = (status.mode & 0o170000) === 0o120000;
      honest = keepsChangeTimes(isLink ? path.slice(0, path.lastIndexOf("/") + 1) : path);
      this.#honestDevices.set(dev, honest);
    }
    return honest;
  }
}
