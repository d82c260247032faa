// Length-limited canonical Huffman codes, a function of the counts alone.
import { CODES_OF_LENGTH, COUNT_BUCKETS, NODES, SORTED } from "./layout";

/** Counts of 255 and more share the last bucket of the sort. */
const BUCKETS: u32 = 256;
const SYMBOL_BITS: u32 = 9;
const SYMBOL_MASK: u32 = (1 << SYMBOL_BITS) - 1;

@inline
function at(table: usize, index: u32): u32 {
  return load<u32>(table + (<usize>index << 2));
}

@inline
function set(table: usize, index: u32, value: u32): void {
  store<u32>(table + (<usize>index << 2), value);
}

/**
 * Sorts the used symbols by (count, symbol), ascending: ties must not depend on the order of an algorithm. Most counts
 * are small, so a counting sort does nearly all; the few large ones share its last bucket and are inserted one by one.
 */
function sortUsed(counts: usize, symbols: u32): u32 {
  memory.fill(COUNT_BUCKETS, 0, BUCKETS << 2);
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const bucket = min(at(counts, symbol), BUCKETS - 1);
    set(COUNT_BUCKETS, bucket, at(COUNT_BUCKETS, bucket) + 1);
  }
  let used: u32 = 0;
  for (let bucket: u32 = 1; bucket < BUCKETS; bucket++) {
    const start = used;
    used += at(COUNT_BUCKETS, bucket);
    set(COUNT_BUCKETS, bucket, start);
  }
  const firstLarge = at(COUNT_BUCKETS, BUCKETS - 1);
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const count = at(counts, symbol);
    if (count == 0) continue;
    const bucket = min(count, BUCKETS - 1);
    const index = at(COUNT_BUCKETS, bucket);
    set(COUNT_BUCKETS, bucket, index + 1);
    set(SORTED, index, (count << SYMBOL_BITS) | symbol);
  }
  for (let i = firstLarge + 1; i < used; i++) {
    const moving = at(SORTED, i);
    let j = i;
    for (; j > firstLarge && at(SORTED, j - 1) > moving; j--) set(SORTED, j, at(SORTED, j - 1));
    set(SORTED, j, moving);
  }
  return used;
}

/**
 * Moffat and Katajainen, "In-place calculation of minimum-redundancy codes" (1995): from sorted counts to the
 * depth of each inner node, in one array.
 */
function buildTree(used: u32): void {
  for (let i: u32 = 0; i < used; i++) set(NODES, i, at(SORTED, i) >> SYMBOL_BITS);
  let root: u32 = 0;
  let leaf: u32 = 0;
  for (let next: u32 = 0; next < used - 1; next++) {
    let weight: u32 = 0;
    for (let child = 0; child < 2; child++) {
      if (leaf >= used || (root < next && at(NODES, root) < at(NODES, leaf))) {
        weight += at(NODES, root);
        set(NODES, root++, next);
      } else {
        weight += at(NODES, leaf++);
      }
    }
    set(NODES, next, weight);
  }
  set(NODES, used - 2, 0);
  for (let i = <i32>used - 3; i >= 0; i--) set(NODES, i, at(NODES, at(NODES, i)) + 1);
}

/** Counts the codes of each length; those over the limit are cut to it and the Kraft sum repaired. */
function countLengths(used: u32, limit: u32): void {
  memory.fill(CODES_OF_LENGTH, 0, 16 * 4);
  let node = <i32>used - 2;
  let available: u32 = 1;
  for (let depth: u32 = 0; available > 0; depth++) {
    let inner: u32 = 0;
    while (node >= 0 && at(NODES, node) == depth) {
      inner++;
      node--;
    }
    const length = min(depth, limit);
    set(CODES_OF_LENGTH, length, at(CODES_OF_LENGTH, length) + available - inner);
    available = inner << 1;
  }
  let kraft: u32 = 0;
  for (let length: u32 = 1; length <= limit; length++) kraft += at(CODES_OF_LENGTH, length) << (limit - length);
  // Each round frees one unit: a longest code goes beside the deepest shorter one, which moves down a level.
  for (; kraft > 1 << limit; kraft--) {
    let length = limit - 1;
    while (at(CODES_OF_LENGTH, length) == 0) length--;
    set(CODES_OF_LENGTH, limit, at(CODES_OF_LENGTH, limit) - 1);
    set(CODES_OF_LENGTH, length, at(CODES_OF_LENGTH, length) - 1);
    set(CODES_OF_LENGTH, length + 1, at(CODES_OF_LENGTH, length + 1) + 2);
  }
}

@inline
function reversed(code: u32, length: u32): u32 {
  let x = code;
  x = ((x & 0x5555) << 1) | ((x >> 1) & 0x5555);
  x = ((x & 0x3333) << 2) | ((x >> 2) & 0x3333);
  x = ((x & 0x0f0f) << 4) | ((x >> 4) & 0x0f0f);
  x = ((x & 0x00ff) << 8) | ((x >> 8) & 0x00ff);
  return x >> (16 - length);
}

/**
 * Writes the code of each of `symbols` symbols: bit-reversed code, its length from bit 16, 0 for an unused one.
 * Fewer than two used symbols become two of one bit: RFC 1951 allows a single distance code, but decoders disagree
 * on what an incomplete code is.
 */
export function buildCodes(counts: usize, codes: usize, symbols: u32, limit: u32): void {
  memory.fill(codes, 0, symbols << 2);
  const used = sortUsed(counts, symbols);
  if (used < 2) {
    const symbol: u32 = used == 1 ? at(SORTED, 0) & SYMBOL_MASK : 0;
    const other: u32 = symbol == 0 ? 1 : 0;
    set(codes, min(symbol, other), 1 << 16);
    set(codes, max(symbol, other), (1 << 16) | 1);
    return;
  }
  buildTree(used);
  countLengths(used, limit);
  let rank: u32 = 0;
  for (let length = limit; length > 0; length--) {
    for (let left = at(CODES_OF_LENGTH, length); left > 0; left--) {
      set(codes, at(SORTED, rank++) & SYMBOL_MASK, length << 16);
    }
  }
  let code: u32 = 0;
  for (let length: u32 = 1; length <= limit; length++) {
    const count = at(CODES_OF_LENGTH, length);
    set(CODES_OF_LENGTH, length, code);
    code = (code + count) << 1;
  }
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const length = at(codes, symbol) >> 16;
    if (length == 0) continue;
    const next = at(CODES_OF_LENGTH, length);
    set(CODES_OF_LENGTH, length, next + 1);
    set(codes, symbol, reversed(next, length) | (length << 16));
  }
}
