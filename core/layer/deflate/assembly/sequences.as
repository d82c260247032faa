// Sequences (a run of literals, then a match) and the second pass over them, which makes bits: half of it is the loop
// that this file is about. RFC 1951, 3.2.5.
import { bitsWaiting, continueOutput, outputCursor, waitingBits } from "./bits";
import { countMatch } from "./counts";
import { DISTANCE_CODES, LITERAL_CODES, MATCH_CODES, SEQUENCES } from "./layout";
import { distanceExtraBits, distanceSymbol, lengthBase, lengthExtraBits, lengthSymbol } from "./symbols";

const END_OF_BLOCK: u32 = 256;
const FIRST_LENGTH: u32 = 257;
const DISTANCE_SYMBOLS: u32 = 30;

/** Adds a match to the sequences and to the counts; `literals` bytes since the last one stand before it. */
@inline
export function putSequence(sequence: usize, literals: usize, length: u32, distance: u32): void {
  const symbol = distanceSymbol(distance);
  const extra = (distance - 1) & ((1 << distanceExtraBits(symbol)) - 1);
  countMatch(length, symbol);
  store<u64>(sequence, <u64>literals | (<u64>(((length - 3) << 18) | (symbol << 13) | extra) << 32));
}

@inline
function code(codes: usize, symbol: u32): u32 {
  return load<u32>(codes + (<usize>symbol << 2));
}

/** The code of the byte at `p`. The table as a constant offset of the load spares the addition. */
@inline
function literalCode(p: usize): u32 {
  return load<u32>(<usize>load<u8>(p) << 2, LITERAL_CODES);
}

/** Folds the extra bits of each match length into its code: one look-up a match instead of three. */
function fillMatchCodes(): void {
  for (let length: u32 = 3; length <= 258; length++) {
    const symbol = lengthSymbol(length);
    const c = code(LITERAL_CODES, FIRST_LENGTH + symbol);
    const bits = c >> 16;
    const value = (c & 0xffff) | ((length - lengthBase(symbol)) << bits);
    store<u32>(MATCH_CODES + ((length - 3) << 2), value | ((bits + lengthExtraBits(symbol)) << 26));
  }
}

/** Adds to each distance code, from bit 24, its bits with the extra ones. */
function addDistanceBits(): void {
  for (let symbol: u32 = 0; symbol < DISTANCE_SYMBOLS; symbol++) {
    const c = code(DISTANCE_CODES, symbol);
    store<u32>(DISTANCE_CODES + (<usize>symbol << 2), c | (((c >> 16) + distanceExtraBits(symbol)) << 24));
  }
}

/**
 * Writes the block's sequences, the literals after the last one and the end of the block.
 *
 * The state of the bit writer stands in locals: a WebAssembly global is memory, and each code would wait for the one
 * before to get there and back. At most 7 bits wait after each store.
 */
export function putSequences(source: usize, end: usize, sequencesEnd: usize): void {
  fillMatchCodes();
  addDistanceBits();
  let bits = waitingBits();
  let count = bitsWaiting();
  let cursor = outputCursor();
  let s = SEQUENCES;
  for (;;) {
    const isEnd = s == sequencesEnd;
    const sequence = isEnd ? <u64>(end - source) : load<u64>(s);
    let literals = <u32>sequence;
    while (literals > 1) {
      const first = literalCode(source);
      const second = literalCode(source + 1);
      bits |= <u64>(first & 0xffff) << count;
      count += <u64>(first >> 16);
      bits |= <u64>(second & 0xffff) << count;
      count += <u64>(second >> 16);
      store<u64>(cursor, bits);
      cursor += <usize>(count >> 3);
      bits >>= count & ~7;
      count &= 7;
      source += 2;
      literals -= 2;
    }
    // None or one is left: a code of no bits is cheaper than a branch that cannot be predicted.
    const literal = literalCode(source) & (0 - literals);
    bits |= <u64>(literal & 0xffff) << count;
    count += <u64>(literal >> 16);
    if (isEnd) break;

    const match = <u32>(sequence >> 32);
    const length = match >> 18;
    const lengthCode = load<u32>(<usize>length << 2, MATCH_CODES);
    const distanceCode = load<u32>(<usize>((match >> 13) & 31) << 2, DISTANCE_CODES);
    const lengthBits = <u64>(lengthCode >> 26);
    const matchBits = lengthBits + <u64>(distanceCode >> 24);
    const distance = <u64>(distanceCode & 0xffff) | (<u64>(match & 0x1fff) << <u64>((distanceCode >> 16) & 15));
    // 7 waiting bits, a literal of 15 and a match of 48 are too many; hardly any block has such codes.
    if (count + matchBits > 63) {
      store<u64>(cursor, bits);
      cursor += <usize>(count >> 3);
      bits >>= count & ~7;
      count &= 7;
    }
    bits |= (<u64>(lengthCode & 0x3ffffff) | (distance << lengthBits)) << count;
    count += matchBits;
    store<u64>(cursor, bits);
    cursor += <usize>(count >> 3);
    bits >>= count & ~7;
    count &= 7;
    source += length + 3 + literals;
    s += 8;
  }
  const c = code(LITERAL_CODES, END_OF_BLOCK);
  bits |= <u64>(c & 0xffff) << count;
  count += <u64>(c >> 16);
  continueOutput(bits, count, cursor);
}
