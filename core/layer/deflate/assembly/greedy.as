// Levels 1 and 2: the first match found is taken; one or two earlier positions a bucket are tried.
import { addMatch, blockIsFull, closeBlock, MISSES_PER_CHECK, skipRandom, startInput } from "./blocks";
import { countLiteral, countLiterals } from "./counts";
import { HASH_TABLE, INPUT } from "./layout";
import { extend, hashOf, nextRemembered, RANDOM_STRIDE, TAIL_BYTES, WINDOW } from "./match";

/** Literals in a row after which the step grows by one: LZ4's way through what does not compress. */
const MISSES_PER_STEP: u32 = 64;
/** Positions inside a match that level 2 remembers: the inside of a long one is seldom the start of another. */
const REMEMBERED: usize = 32;
/** What `equalBytes` sees at once. */
const GLANCE: u32 = 16;

/** Offset in HASH_TABLE of the bucket of four bytes. */
@inline
function bucketOf(word: u32, pairs: bool): usize {
  return pairs ? hashOf(word) << 2 : hashOf(word) << 1;
}

/** Enters `p`, where the four bytes `word` stand. The low 16 bits of an address are those of its offset in INPUT. */
@inline
function enter(word: u32, p: usize, pairs: bool): void {
  const bucket = bucketOf(word, pairs);
  if (pairs) store<u32>(bucket, (load<u32>(bucket, HASH_TABLE) << 16) | (<u32>p & 0xffff), HASH_TABLE);
  else store<u16>(bucket, <u16>p, HASH_TABLE);
}

@inline
function remember(p: usize, pairs: bool): void {
  enter(load<u32>(p), p, pairs);
}

/** Level 2 remembers the inside of a match: one load serves four positions. */
@inline
function rememberInside(p: usize, end: usize): void {
  let q = p + 1;
  for (; q + 4 <= end; q += 4) {
    const word = load<u64>(q);
    enter(<u32>word, q, true);
    enter(<u32>(word >> 8), q + 1, true);
    enter(<u32>(word >> 16), q + 2, true);
    enter(<u32>(word >> 24), q + 3, true);
  }
  for (; q < end; q++) remember(q, true);
}

/**
 * The distance to an earlier position of which the low 16 bits are known; at most `reach` is one. A stale or empty
 * entry gives a wrong distance, never a wrong match: the bytes are compared.
 */
@inline
function distanceTo(entry: u32, p: usize): u32 {
  return (<u32>p - entry) & 0xffff;
}

/**
 * Equal bytes at both places up to GLANCE, without a branch: how long a match is cannot be predicted, and nine of ten
 * end within. What lies beyond the input may be compared too, so near its end `extend` must have the last word.
 */
@inline
function equalBytes(p: usize, earlier: usize): u32 {
  const first = load<u64>(p) ^ load<u64>(earlier);
  const second = load<u64>(p, 8) ^ load<u64>(earlier, 8);
  return <u32>(select<u64>(ctz(first), 64 + ctz(second), first != 0) >> 3);
}

@inline
function greedy(inputEnd: usize, pairs: bool): void {
  memory.fill(HASH_TABLE, 0, pairs ? 0x20000 : 0x10000);
  startInput();
  const tail = inputEnd - TAIL_BYTES;
  const lastGlance = inputEnd - GLANCE;
  let p = INPUT;
  let misses: u32 = 0;
  while (p < tail) {
    const word = load<u32>(p);
    const bucket = bucketOf(word, pairs);
    const reach = min<u32>(WINDOW, <u32>(p - INPUT));
    let length: u32 = 0;
    let distance: u32;
    if (pairs) {
      const entries = load<u32>(bucket, HASH_TABLE);
      store<u32>(bucket, (entries << 16) | (<u32>p & 0xffff), HASH_TABLE);
      distance = distanceTo(entries, p);
      const other = distanceTo(entries >> 16, p);
      length = select<u32>(equalBytes(p, p - distance), 0, distance - 1 < reach);
      let otherLength = select<u32>(equalBytes(p, p - other), 0, other - 1 < reach);
      if (length == GLANCE || otherLength == GLANCE || p > lastGlance) {
        if (length >= 4) length = extend(p, p - distance, 4, inputEnd);
        if (otherLength >= 4) otherLength = extend(p, p - other, 4, inputEnd);
      }
      distance = select<u32>(other, distance, otherLength > length);
      length = max<u32>(length, otherLength);
    } else {
      distance = distanceTo(load<u16>(bucket, HASH_TABLE), p);
      store<u16>(bucket, <u16>p, HASH_TABLE);
      if (load<u32>(p - distance) == word && distance - 1 < reach) {
        length = equalBytes(p, p - distance);
        if (length == GLANCE || p > lastGlance) length = extend(p, p - distance, 4, inputEnd);
      }
    }
    if (length >= 4) {
      misses = 0;
      addMatch(p, length, distance);
      const matchEnd = p + length;
      if (matchEnd < tail) {
        if (pairs) {
          rememberInside(p, min<usize>(matchEnd, p + REMEMBERED));
        } else {
          remember(p + 1, false);
          remember(matchEnd - 2, false);
        }
      }
      p = matchEnd;
    } else {
      misses++;
      if (misses < MISSES_PER_STEP) {
        countLiteral(word & 0xff);
        p++;
      } else {
        const next = min<usize>(p + 1 + misses / MISSES_PER_STEP, inputEnd);
        countLiterals(p, next);
        p = next;
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
    }
    if (blockIsFull(p)) closeBlock(p);
  }
  countLiterals(p, inputEnd);
  closeBlock(inputEnd);
}

export function compressGreedy1(inputEnd: usize): void {
  greedy(inputEnd, false);
}

export function compressGreedy2(inputEnd: usize): void {
  greedy(inputEnd, true);
}
