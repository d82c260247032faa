// Levels 1 and 2: the first match found is taken; one or two earlier positions a bucket are tried.
import { addMatch, blockIsFull, closeBlock, MISSES_PER_CHECK, skipRandom, startInput } from "./blocks";
import { HASH_TABLE, INPUT } from "./layout";
import { extend, hash4, nextRemembered, RANDOM_STRIDE, TAIL_BYTES, WINDOW } from "./match";

/** Literals in a row after which the step grows by one: LZ4's way through what does not compress. */
const MISSES_PER_STEP: u32 = 64;
/** Positions inside a match that level 2 remembers: the inside of a long one is seldom the start of another. */
const REMEMBERED: usize = 32;

@inline
function remember(p: usize, pairs: bool): void {
  const position = <u32>(p - INPUT) & 0xffff;
  if (pairs) {
    const bucket = HASH_TABLE + (hash4(p) << 2);
    store<u32>(bucket, (load<u32>(bucket) << 16) | position);
  } else {
    store<u16>(HASH_TABLE + (hash4(p) << 1), <u16>position);
  }
}

/**
 * The distance to an earlier position of which the low 16 bits are known, or 0. A stale or empty entry gives a wrong
 * distance, never a wrong match: the bytes are compared.
 */
@inline
function distanceTo(entry: u32, p: usize): u32 {
  const position = <u32>(p - INPUT);
  const distance = (position - entry) & 0xffff;
  return distance - 1 < WINDOW && distance <= position && load<u32>(p - distance) == load<u32>(p) ? distance : 0;
}

@inline
function greedy(inputEnd: usize, pairs: bool): void {
  memory.fill(HASH_TABLE, 0, pairs ? 0x20000 : 0x10000);
  startInput();
  const tail = inputEnd - TAIL_BYTES;
  let p = INPUT;
  let misses: u32 = 0;
  while (p < tail) {
    let length: u32 = 0;
    let distance: u32 = 0;
    if (pairs) {
      const entries = load<u32>(HASH_TABLE + (hash4(p) << 2));
      remember(p, true);
      distance = distanceTo(entries, p);
      if (distance != 0) length = extend(p, p - distance, 4, inputEnd);
      const other = distanceTo(entries >> 16, p);
      if (other != 0) {
        const otherLength = extend(p, p - other, 4, inputEnd);
        if (otherLength > length) {
          length = otherLength;
          distance = other;
        }
      }
    } else {
      distance = distanceTo(load<u16>(HASH_TABLE + (hash4(p) << 1)), p);
      remember(p, false);
      if (distance != 0) length = extend(p, p - distance, 4, inputEnd);
    }
    if (length != 0) {
      misses = 0;
      addMatch(p, length, distance);
      const matchEnd = p + length;
      if (matchEnd < tail) {
        if (pairs) {
          const rememberedEnd = min<usize>(matchEnd, p + REMEMBERED);
          for (let q = p + 1; q < rememberedEnd; q++) remember(q, true);
        } else {
          remember(p + 1, false);
          remember(matchEnd - 2, false);
        }
      }
      p = matchEnd;
    } else {
      misses++;
      p = min<usize>(p + 1 + misses / MISSES_PER_STEP, inputEnd);
      if (misses % MISSES_PER_CHECK == 0) {
        const randomEnd = skipRandom(p, misses, inputEnd);
        if (randomEnd != p) {
          const rememberedEnd = min<usize>(randomEnd, tail);
          for (let q = nextRemembered(p); q < rememberedEnd; q += RANDOM_STRIDE) remember(q, pairs);
          p = randomEnd;
          misses = 0;
        }
      }
    }
    if (blockIsFull(p)) closeBlock(p);
  }
  closeBlock(inputEnd);
}

export function compressGreedy1(inputEnd: usize): void {
  greedy(inputEnd, false);
}

export function compressGreedy2(inputEnd: usize): void {
  greedy(inputEnd, true);
}
