/**
 * Chunks of stored layers by what is in them, so that a layer that differs in one file need not be made anew.
 *
 * @module
 */
import type { BlobDigest, DiffID } from "../oci/digest.ts";
import type { Database } from "./database.ts";
import type { LayerStore } from "./layer_store.ts";

/** A chunk of a layer that is here. */
export interface ChunkPlace {
  readonly diffId: DiffID;
  /** The layer's tar, and where the chunk begins in it. */
  readonly tarPath: string;
  readonly offset: number;
  /** CRC-32 of its bytes. */
  readonly crc: number;
}

/** The chunks of a layer, in order. */
export interface LayerChunks {
  readonly lengths: readonly number[];
  /** Null where there is none. */
  readonly keys: readonly (string | null)[];
  readonly crcs: readonly number[];
}

/** A chunk that was compressed in a layer that became a blob. */
export interface CompressedPlace {
  readonly blob: BlobDigest;
  /** Where the chunk begins in the tar of that layer. */
  readonly place: number;
}

/** What is said here is a hint: who uses a chunk checks what it holds. */
export class ChunkIndex {
  readonly #database: Database;
  readonly #layers: LayerStore;

  constructor(database: Database, layers: LayerStore) {
    this.#database = database;
    this.#layers = layers;
  }

  /** Records the chunks of a layer that is in the store. */
  add(diffId: DiffID, { lengths, keys, crcs }: LayerChunks): void {
    this.#database.transaction(() => {
      let offset = 0;
      for (const [index, length] of lengths.entries()) {
        const key = keys[index] ?? null;
        if (key !== null) {
          this.#database.run(
            "INSERT OR IGNORE INTO chunks (key, diff_id, place, crc) VALUES (?, ?, ?, ?)",
            key,
            diffId,
            offset,
            crcs[index] ?? 0,
          );
        }
        offset += length;
      }
    });
  }

  /** Finds chunks by key; each layer is looked at once. */
  finder(): (key: string) => ChunkPlace | undefined {
    const paths = new Map<DiffID, string | undefined>();
    return (key) => {
      const row = this.#database.get("SELECT diff_id, place, crc FROM chunks WHERE key = ?", key);
      if (row === undefined) return undefined;
      const diffId = String(row.diff_id) as DiffID;
      if (!paths.has(diffId)) paths.set(diffId, this.#layers.get(diffId)?.path);
      const tarPath = paths.get(diffId);
      return tarPath === undefined
        ? undefined
        : { diffId, tarPath, offset: Number(row.place), crc: Number(row.crc) };
    };
  }

  /**
   * The chunks of a layer that an encoder compressed before, in other layers.
   *
   * @returns by their places in the tar of the layer, where they are in another one.
   */
  compressedElsewhere(diffId: DiffID, encoder: string): Map<number, CompressedPlace> {
    const rows = this.#database.all(
      "SELECT own.place AS own_place, other.place AS place, encoded.digest AS digest " +
        "FROM chunks own JOIN chunks other ON other.key = own.key AND other.diff_id <> own.diff_id " +
        "JOIN encoded ON encoded.diff_id = other.diff_id AND encoded.encoder = ? " +
        "AND encoded.chunks IS NOT NULL WHERE own.diff_id = ?",
      encoder,
      diffId,
    );
    return new Map(
      rows.map((row) => [Number(row.own_place), {
        blob: String(row.digest) as BlobDigest,
        place: Number(row.place),
      }]),
    );
  }

  /** The records of the chunks of a blob, in order; undefined where there are none. */
  recordsOf(blob: BlobDigest, encoder: string): Uint8Array | undefined {
    const row = this.#database.get(
      "SELECT chunks FROM encoded WHERE digest = ? AND encoder = ? AND chunks IS NOT NULL",
      blob,
      encoder,
    );
    return row?.chunks instanceof Uint8Array ? row.chunks : undefined;
  }
}
