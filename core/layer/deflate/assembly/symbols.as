// Length and distance symbols: RFC 1951, 3.2.5.
import { LENGTH_SYMBOL } from "./layout";

const LENGTH_SYMBOLS: u32 = 29;
const LENGTH_BASES = memory.data<u16>([
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
]);
const LENGTH_EXTRA_BITS = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
]);

@inline
export function lengthSymbol(length: u32): u32 {
  return load<u8>(LENGTH_SYMBOL + length - 3);
}

@inline
export function lengthBase(symbol: u32): u32 {
  return load<u16>(LENGTH_BASES + (<usize>symbol << 1));
}

@inline
export function lengthExtraBits(symbol: u32): u32 {
  return load<u8>(LENGTH_EXTRA_BITS + symbol);
}

// The table of distances has two symbols for each power of two: the bit below the highest one chooses. So the symbol
// and the extra bits follow from `distance - 1` without a table.

@inline
export function distanceSymbol(distance: u32): u32 {
  const d = distance - 1;
  const top: u32 = 31 - <u32>clz(d);
  return select<u32>(d, (top << 1) + ((d >> (top - 1)) & 1), d < 2);
}

@inline
export function distanceExtraBits(symbol: u32): u32 {
  return select<u32>(0, (symbol >> 1) - 1, symbol < 4);
}

export function initSymbols(): void {
  for (let symbol: u32 = 0; symbol < LENGTH_SYMBOLS; symbol++) {
    // 258 has a symbol of its own, although the one before could say it too.
    const count = symbol == 27 ? 31 : 1 << lengthExtraBits(symbol);
    memory.fill(LENGTH_SYMBOL + lengthBase(symbol) - 3, <u8>symbol, count);
  }
}
