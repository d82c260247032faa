/**
 * What the files of one context contained when they were last read, so that an unchanged context is not read again.
 *
 * A file is believed to be unchanged if its path, device, inode, size, mtime and ctime are. The kernel sets ctime at
 * every change and lets nobody choose it, so that equal times mean equal content, with one exception: a change in the
 * same tick of the clock as the last one. Therefore an entry is only kept if both its times lie {@link SETTLED_NS}
 * before the moment the files were listed: any change since would have a later ctime, however coarse the clock.
 *
 * @module
 */
import type { FileIdentity } from "../layer/file_entry.ts";
import type { Digest } from "../oci/digest.ts";
import { keepsChangeTimes } from "./change_times.ts";
import type { ContentDigestCache } from "./content_digest.ts";
import { parseStatColumns, serializeStatColumns, type StatColumns } from "./stat_columns.ts";

/** Covers kernel ticks (10 ms), times cut to the second (by Deno's `node:fs`, by old inodes), and small clock steps. */
export const SETTLED_NS: bigint = 2_000_000_000n;

/**
 * Saves after which an entry goes that no build asked for meanwhile. Recipes may share a context and see different
 * parts of it, so what one build does not ask for is not yet stale.
 */
const KEPT_SAVES = 16;

/** See {@link StatIndex}. */
export interface StatIndexOptions {
  /** The context, absolute: the files asked for are below it. */
  readonly root: string;
  /** The time, taken before the first file was listed. */
  readonly nowMs: number;
  /** Reads the index file; undefined if there is none. Called at the first question. */
  readonly load: () => Uint8Array | undefined;
  /** Believe nothing, and write all anew. */
  readonly paranoid?: boolean;
  /** Is told why an index is not used. */
  readonly warn?: (text: string) => void;
}

interface Digested {
  readonly identity: FileIdentity;
  readonly digest: Digest;
}

/** The digests of one context's files, from earlier builds and from this one. */
export class StatIndex implements ContentDigestCache {
  readonly #options: StatIndexOptions;
  readonly #settledBeforeNs: bigint;
  readonly #honestDevices: Map<bigint, boolean> = new Map();
  readonly #fresh: Map<string, Digested> = new Map();
  #stored: StoredDigests | undefined;

  constructor(options: StatIndexOptions) {
    this.#options = options;
    this.#settledBeforeNs = BigInt(Math.floor(options.nowMs)) * 1_000_000n - SETTLED_NS;
  }

  get(file: string, identity: FileIdentity): Digest | undefined {
    if (this.#options.paranoid === true || !this.#isSettled(file, identity)) return undefined;
    const path = this.#pathOf(file);
    const fresh = this.#fresh.get(path);
    if (fresh !== undefined && isEqual(fresh.identity, identity)) return fresh.digest;
    this.#stored ??= this.#load();
    return this.#stored.find(path, identity);
  }

  set(file: string, identity: FileIdentity, digest: Digest): void {
    // Only this digest has a column of fixed width.
    if (!digest.startsWith("sha256:") || !this.#isSettled(file, identity)) return;
    this.#fresh.set(this.#pathOf(file), { identity, digest });
  }

  /** The bytes of the new index file; undefined if the old one says the same, or the clock went back meanwhile. */
  changedBytes(nowMs: number): Uint8Array | undefined {
    if (nowMs < this.#options.nowMs) return undefined;
    if (this.#fresh.size === 0 && this.#stored?.needsSave !== true) return undefined;
    this.#stored ??= this.#load();
    return serializeStatColumns(this.#stored.merged(this.#fresh, nowMs));
  }

  #pathOf(file: string): string {
    return file.slice(this.#options.root.length);
  }

  #isSettled(file: string, { dev, ino, mtimeNs, ctimeNs }: FileIdentity): boolean {
    // A runtime or file system without inode numbers gives none.
    if (ino === 0n || mtimeNs >= this.#settledBeforeNs || ctimeNs >= this.#settledBeforeNs) {
      return false;
    }
    let honest = this.#honestDevices.get(dev);
    if (honest === undefined) {
      honest = keepsChangeTimes(file);
      this.#honestDevices.set(dev, honest);
    }
    return honest;
  }

  #load(): StoredDigests {
    const { load, nowMs, warn } = this.#options;
    const bytes = load();
    if (bytes === undefined) return new StoredDigests();
    const columns = parseStatColumns(bytes);
    if (columns === undefined) {
      warn?.("its index is damaged or of another version");
      return new StoredDigests(undefined, true);
    }
    if (columns.savedMs > nowMs) {
      warn?.("the clock went back since its index was written");
      return new StoredDigests(undefined, true);
    }
    return new StoredDigests(columns);
  }
}

/** The index file as it was read. */
class StoredDigests {
  readonly #columns: StatColumns | undefined;
  readonly #rows: ReadonlyMap<string, number>;
  readonly #asked: Uint8Array;
  #needsSave: boolean;

  constructor(columns?: StatColumns, needsSave = false) {
    this.#columns = columns;
    this.#needsSave = needsSave;
    this.#rows = new Map(columns?.paths.map((path, row) => [path, row]));
    this.#asked = new Uint8Array(this.#rows.size);
  }

  /** True if the file is bad, or forgets what is still in use after a few more saves by other recipes. */
  get needsSave(): boolean {
    return this.#needsSave;
  }

  find(path: string, identity: FileIdentity): Digest | undefined {
    const row = this.#rows.get(path);
    if (row === undefined || this.#columns === undefined) return undefined;
    const { dev, ino, sizeBytes, mtimeNs, ctimeNs, seen, digests, save } = this.#columns;
    if (
      dev[row] !== identity.dev || ino[row] !== identity.ino ||
      sizeBytes[row] !== identity.sizeBytes || mtimeNs[row] !== identity.mtimeNs ||
      ctimeNs[row] !== identity.ctimeNs
    ) return undefined;
    this.#asked[row] = 1;
    if (save - (seen[row] ?? 0) >= KEPT_SAVES / 2) this.#needsSave = true;
    return `sha256:${digests.subarray(row * 32, row * 32 + 32).toHex()}` as Digest;
  }

  /** The columns of the next file: what was digested anew, and what there was and is not forgotten. */
  merged(fresh: ReadonlyMap<string, Digested>, savedMs: number): StatColumns {
    const old = this.#columns;
    const save = (old?.save ?? 0) + 1;
    const kept = [...this.#rows].filter(([path, row]) =>
      !fresh.has(path) && (this.#asked[row] === 1 || save - (old?.seen[row] ?? 0) < KEPT_SAVES)
    );
    const count = kept.length + fresh.size;
    const next = {
      savedMs,
      save,
      paths: [...kept.map(([path]) => path), ...fresh.keys()],
      dev: new BigUint64Array(count),
      ino: new BigUint64Array(count),
      sizeBytes: new Float64Array(count),
      mtimeNs: new BigInt64Array(count),
      ctimeNs: new BigInt64Array(count),
      seen: new Uint32Array(count).fill(save),
      digests: new Uint8Array(count * 32),
    };
    if (old !== undefined) {
      for (const [to, [, from]] of kept.entries()) {
        next.dev[to] = old.dev[from] ?? 0n;
        next.ino[to] = old.ino[from] ?? 0n;
        next.sizeBytes[to] = old.sizeBytes[from] ?? 0;
        next.mtimeNs[to] = old.mtimeNs[from] ?? 0n;
        next.ctimeNs[to] = old.ctimeNs[from] ?? 0n;
        next.digests.set(old.digests.subarray(from * 32, from * 32 + 32), to * 32);
        if (this.#asked[from] !== 1) next.seen[to] = old.seen[from] ?? 0;
      }
    }
    let to = kept.length;
    for (const { identity, digest } of fresh.values()) {
      next.dev[to] = identity.dev;
      next.ino[to] = identity.ino;
      next.sizeBytes[to] = identity.sizeBytes;
      next.mtimeNs[to] = identity.mtimeNs;
      next.ctimeNs[to] = identity.ctimeNs;
      next.digests.set(Uint8Array.fromHex(digest.slice("sha256:".length)), to * 32);
      to++;
    }
    return next;
  }
}

function isEqual(a: FileIdentity, b: FileIdentity): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.sizeBytes === b.sizeBytes &&
    a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;
}
