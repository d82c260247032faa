// How often the open block uses each symbol. The match finders count as they go: they wait for memory most of the
// time, so that it costs them next to nothing; a pass of its own would cost like any other.
import { DISTANCE_COUNTS, LITERAL_COUNTS, MATCH_COUNTS } from "./layout";
import { lengthSymbol } from "./symbols";

const END_OF_BLOCK: u32 = 256;
const FIRST_LENGTH: u32 = 257;
/** Where the count of matches of length 0 would be: they start with length 3. */
const COUNTS_FROM_ZERO: usize = MATCH_COUNTS - 3 * 4;

@inline
export function increment(counts: usize, symbol: u32): void {
  const p = counts + (<usize>symbol << 2);
  store<u32>(p, load<u32>(p) + 1);
}

export function clearCounts(): void {
  memory.fill(LITERAL_COUNTS, 0, 288 * 4);
  memory.fill(DISTANCE_COUNTS, 0, 32 * 4);
  memory.fill(MATCH_COUNTS, 0, 256 * 4);
}

// The tables stand as constant offsets of the loads and stores: that spares an addition each.

@inline
export function countLiteral(byte: u32): void {
  const at = <usize>byte << 2;
  store<u32>(at, load<u32>(at, LITERAL_COUNTS) + 1, LITERAL_COUNTS);
}

@inline
export function countMatch(length: u32, distanceSymbol: u32): void {
  const byLength = <usize>length << 2;
  store<u32>(byLength, load<u32>(byLength, COUNTS_FROM_ZERO) + 1, COUNTS_FROM_ZERO);
  const byDistance = <usize>distanceSymbol << 2;
  store<u32>(byDistance, load<u32>(byDistance, DISTANCE_COUNTS) + 1, DISTANCE_COUNTS);
}

export function countLiterals(source: usize, end: usize): void {
  while (source < end) increment(LITERAL_COUNTS, load<u8>(source++));
}

/** Takes literals back which are not going to be in the block. */
export function uncountLiterals(source: usize, end: usize): void {
  while (source < end) {
    const p = LITERAL_COUNTS + (<usize>load<u8>(source++) << 2);
    store<u32>(p, load<u32>(p) - 1);
  }
}

/** Lengths are counted as such, and only here by symbol: 256 additions a block against one look-up a match. */
export function finishCounts(): void {
  for (let length: u32 = 3; length <= 258; length++) {
    const p = LITERAL_COUNTS + (<usize>(FIRST_LENGTH + lengthSymbol(length)) << 2);
    store<u32>(p, load<u32>(p) + load<u32>(MATCH_COUNTS + (<usize>(length - 3) << 2)));
  }
  store<u32>(LITERAL_COUNTS + (END_OF_BLOCK << 2), 1);
}
