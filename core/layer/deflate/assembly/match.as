// What the match finders have in common.

/** No match is looked for in the last bytes of the input: a load there would read what an earlier call left behind. */
export const TAIL_BYTES: usize = 8;
export const MATCH_LIMIT: u32 = 258;
/** RFC 1951: distances are at most 32 KiB. */
export const WINDOW: u32 = 0x8000;
/** Of random bytes only each 16th position is remembered: enough to find a second copy by. */
export const RANDOM_STRIDE: usize = 16;

@inline
export function nextRemembered(p: usize): usize {
  return (p + RANDOM_STRIDE - 1) & ~(RANDOM_STRIDE - 1);
}

/** Bytes that are equal at both places, `length` of which are known to be; at most 258, and none from `end` on. */
@inline
export function extend(p: usize, earlier: usize, length: u32, end: usize): u32 {
  const limit: u32 = end - p > MATCH_LIMIT ? MATCH_LIMIT : <u32>(end - p);
  while (length + 8 <= limit) {
    const difference = load<u64>(p + length) ^ load<u64>(earlier + length);
    if (difference != 0) return length + <u32>(ctz(difference) >> 3);
    length += 8;
  }
  while (length < limit && load<u8>(p + length) == load<u8>(earlier + length)) length++;
  return length;
}

/** The bucket, of 2^15, of four bytes. */
@inline
export function hashOf(word: u32): usize {
  return <usize>((word * 0x9e3779b1) >>> 17);
}

/** The bucket of the four bytes at `p`. */
@inline
export function hash4(p: usize): usize {
  return hashOf(load<u32>(p));
}
