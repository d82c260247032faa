/**
 * Where a layer's tar is cut into chunks that are compressed apart: part of the encoder's name (`gz-1`), because the
 * cuts decide the bytes of the blob. They follow from the names and sizes of the members alone, so that the same tree
 * gives the same blob however it was written, and a small change leaves most chunks as they were.
 *
 * @module
 */

const MIB = 1024 * 1024;
/** Below this a chunk is not cut at a name: small chunks cost compression. */
const CUT_FROM_BYTES = MIB / 4;
/** From there on, so many further bytes until the next cut, on average. */
const CUT_WITHIN_BYTES = MIB / 4;
/** No chunk of several members is longer. */
export const CHUNK_LIMIT_BYTES: number = 1.5 * MIB;
/** A longer member has chunks of its own. */
const MEMBER_LIMIT_BYTES = 1.375 * MIB;
/** Length of those, and of the chunks of a tar whose members are not known. */
const SLICE_BYTES = MIB;

/**
 * Where a member went: `joins` the open chunk, `starts` the next one, or is cut into chunks of its own (`alone`), as
 * {@link fixedChunks} cuts its length.
 */
export type MemberPlace = "joins" | "starts" | "alone";

/**
 * Cuts a tar, member by member.
 *
 * A cut before a member depends on a hash of its path, with a chance in proportion to its size, once the chunk has
 * 256 KiB. The state is the length of the open chunk, so after a change the cuts fall into step again at the next
 * name that is a cut for both: usually the chunk changed is the only one.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { ChunkCutter } from "./chunk.ts";
 * const cutter = new ChunkCutter();
 * cutter.member("etc/hosts", 1024);
 * cutter.member("srv/model.bin", 512 + 3 * 1024 * 1024);
 * assert.deepEqual(cutter.finish(1024), [1024, 1048576, 1048576, 1048576, 512, 1024]);
 * ```
 */
export class ChunkCutter {
  readonly #lengths: number[] = [];
  #open = 0;

  /**
   * Takes the next member of the tar.
   *
   * @param path the member's path as in `FileEntry.path`.
   * @param totalBytes all of its bytes: headers (PAX headers too), content, padding.
   */
  member(path: string, totalBytes: number): MemberPlace {
    if (totalBytes > MEMBER_LIMIT_BYTES) {
      this.#cut();
      for (const slice of fixedChunks(totalBytes)) this.#lengths.push(slice);
      return "alone";
    }
    if (
      this.#open + totalBytes > CHUNK_LIMIT_BYTES ||
      (this.#open >= CUT_FROM_BYTES && isCut(path, totalBytes))
    ) this.#cut();
    const place = this.#open === 0 ? "starts" : "joins";
    this.#open += totalBytes;
    return place;
  }

  /**
   * Ends the tar.
   *
   * @param endBytes the zeros after the last member: 1,024 for our own tars.
   * @returns the lengths of the chunks in order; their sum is the length of the tar.
   */
  finish(endBytes: number): number[] {
    if (this.#open + endBytes > CHUNK_LIMIT_BYTES) {
      this.#cut();
      return [...this.#lengths, ...fixedChunks(endBytes)];
    }
    this.#open += endBytes;
    this.#cut();
    return this.#lengths;
  }

  #cut(): void {
    if (this.#open > 0) this.#lengths.push(this.#open);
    this.#open = 0;
  }
}

/**
 * The chunks of a tar of which only the length is known: 1 MiB each, the last one shorter.
 *
 * @param totalBytes length of the tar.
 */
export function fixedChunks(totalBytes: number): number[] {
  const chunks = new Array<number>(Math.floor(totalBytes / SLICE_BYTES)).fill(SLICE_BYTES);
  const rest = totalBytes % SLICE_BYTES;
  if (rest > 0) chunks.push(rest);
  return chunks;
}

function isCut(path: string, totalBytes: number): boolean {
  return hash(path) < totalBytes * (2 ** 32 / CUT_WITHIN_BYTES);
}

/** FNV-1a over the UTF-16 code units, then MurmurHash3's finaliser: FNV alone leaves its high bits to the first letters. */
function hash(path: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < path.length; i++) h = Math.imul(h ^ path.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
