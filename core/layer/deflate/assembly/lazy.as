// Level 3: hash chains, and a match is given up for a better one at the next byte.
import { addMatch, blockIsFull, closeBlock, MISSES_PER_CHECK, skipRandom, startInput } from "./blocks";
import { countLiteral, countLiterals } from "./counts";
import { CHAINS, HASH_TABLE, INPUT, SHORT_HASH_TABLE } from "./layout";
import { extend, hash4, nextRemembered, RANDOM_STRIDE, TAIL_BYTES, WINDOW } from "./match";

/** Earlier positions tried for one match, and for one that must beat the match at the byte before. */
const DEPTH: u32 = 24;
const LAZY_DEPTH: u32 = 12;
/** A match this long is taken without looking further. */
const NICE_LENGTH: u32 = 96;
/** Three bytes further away than this cost about as much as a match as they do as literals. */
const SHORT_WINDOW: u32 = 512;

let matchLength: u32 = 0;
let matchDistance: u32 = 0;

@inline
function hash3(p: usize): usize {
  return <usize>(((load<u32>(p) << 8) * 0x9e3779b1) >>> 17);
}

@inline
function remember(p: usize): void {
  const position = <u32>(p - INPUT);
  const head = HASH_TABLE + (hash4(p) << 1);
  store<u16>(CHAINS + (<usize>(position & (WINDOW - 1)) << 1), load<u16>(head));
  store<u16>(head, <u16>position);
  store<u16>(SHORT_HASH_TABLE + (hash3(p) << 1), <u16>position);
}

/**
 * Finds the longest match at `p` that is longer than `longerThan`, tries at most `depth` positions, remembers `p`.
 * matchLength is 0 when there is none.
 */
@inline
function findMatch(p: usize, inputEnd: usize, longerThan: u32, depth: u32): void {
  const position = <u32>(p - INPUT);
  const word = load<u32>(p);
  let best = longerThan;
  let bestDistance: u32 = 0;
  if (best < 3) {
    const distance = (position - <u32>load<u16>(SHORT_HASH_TABLE + (hash3(p) << 1))) & 0xffff;
    if (distance - 1 < SHORT_WINDOW && distance <= position && (load<u32>(p - distance) ^ word) << 8 == 0) {
      best = 3;
      bestDistance = distance;
    }
  }
  let entry: u32 = load<u16>(HASH_TABLE + (hash4(p) << 1));
  remember(p);
  let last: u32 = 0;
  while (depth-- > 0) {
    const distance = (position - entry) & 0xffff;
    // Distances grow along a chain; one that does not is an entry that a later position has overwritten.
    if (distance <= last || distance > WINDOW || distance > position) break;
    last = distance;
    const earlier = p - distance;
    // A longer match must be equal where the best one ended: the cheapest way to refuse most candidates.
    const ending = max<u32>(best, 3) - 3;
    if (load<u32>(earlier + ending) == load<u32>(p + ending) && load<u32>(earlier) == word) {
      const length = extend(p, earlier, 4, inputEnd);
      if (length > best) {
        best = length;
        bestDistance = distance;
        if (length >= NICE_LENGTH || p + length >= inputEnd) break;
      }
    }
    entry = load<u16>(CHAINS + (<usize>(entry & (WINDOW - 1)) << 1));
  }
  matchLength = bestDistance == 0 ? 0 : best;
  matchDistance = bestDistance;
}

/** libdeflate's rule: a byte of length is worth four bits, and the next match must pay for the literal before it. */
@inline
function nextIsBetter(length: u32, distance: u32): bool {
  if (matchLength == 0) return false;
  return 4 * (<i32>matchLength - <i32>length) + <i32>clz(matchDistance) - <i32>clz(distance) > 2;
}

export function compressLazy(inputEnd: usize): void {
  memory.fill(HASH_TABLE, 0, 0x10000);
  memory.fill(CHAINS, 0, 0x10000);
  memory.fill(SHORT_HASH_TABLE, 0, 0x10000);
  startInput();
  const tail = inputEnd - TAIL_BYTES;
  let p = INPUT;
  let misses: u32 = 0;
  while (p < tail) {
    findMatch(p, inputEnd, 2, DEPTH);
    if (matchLength != 0) {
      let length = matchLength;
      let distance = matchDistance;
      let unseen = p + 1;
      while (length < NICE_LENGTH && unseen < tail) {
        findMatch(unseen++, inputEnd, length - 1, LAZY_DEPTH);
        if (!nextIsBetter(length, distance)) break;
        countLiteral(load<u8>(p++));
        length = matchLength;
        distance = matchDistance;
      }
      misses = 0;
      addMatch(p, length, distance);
      p += length;
      const rememberedEnd = min<usize>(p, tail);
      while (unseen < rememberedEnd) remember(unseen++);
    } else {
      misses++;
      countLiteral(load<u8>(p++));
      if (misses % MISSES_PER_CHECK == 0) {
        const randomEnd = skipRandom(p, misses, inputEnd);
        if (randomEnd != p) {
          const rememberedEnd = min<usize>(randomEnd, tail);
          for (let q = nextRemembered(p); q < rememberedEnd; q += RANDOM_STRIDE) remember(q);
          p = randomEnd;
          misses = 0;
        }
      }
    }
    if (blockIsFull(p)) closeBlock(p);
  }
  countLiterals(p, inputEnd);
  closeBlock(inputEnd);
}
