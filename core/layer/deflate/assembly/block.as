// One block: its codes, its header, and whether it is worth them. RFC 1951, 3.2.7.
import { flush, put, putStored } from "./bits";
import { finishCounts, increment } from "./counts";
import { buildCodes } from "./huffman";
import {
  CODE_LENGTH_RUNS,
  CODE_LENGTHS,
  DISTANCE_CODES,
  DISTANCE_COUNTS,
  LENGTH_CODES,
  LENGTH_COUNTS,
  LITERAL_CODES,
  LITERAL_COUNTS,
} from "./layout";
import { putSequences } from "./sequences";
import { distanceExtraBits, lengthExtraBits } from "./symbols";

const FIRST_LENGTH: u32 = 257;
const LITERAL_SYMBOLS: u32 = 286;
const DISTANCE_SYMBOLS: u32 = 30;
const LENGTH_SYMBOLS: u32 = 19;
const CODE_LIMIT: u32 = 15;
const LENGTH_CODE_LIMIT: u32 = 7;
const REPEAT: u32 = 16;
const ZEROS: u32 = 17;
const MANY_ZEROS: u32 = 18;
/** The order in which a header gives the lengths of the code length code: RFC 1951, 3.2.7. */
const LENGTH_ORDER = memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]);

@inline
function code(codes: usize, symbol: u32): u32 {
  return load<u32>(codes + (<usize>symbol << 2));
}

@inline
function codeLength(codes: usize, symbol: u32): u32 {
  return code(codes, symbol) >> 16;
}

/** Symbols up to the last used one, at least `least`. */
function usedSymbols(codes: usize, symbols: u32, least: u32): u32 {
  while (symbols > least && codeLength(codes, symbols - 1) == 0) symbols--;
  return symbols;
}

@inline
function putRun(run: u32, symbol: u32, extra: u32): u32 {
  store<u16>(CODE_LENGTH_RUNS + (<usize>run << 1), <u16>(symbol | (extra << 8)));
  increment(LENGTH_COUNTS, symbol);
  return run + 1;
}

/** Run-length codes the code lengths of both alphabets; returns how many symbols that took. */
function runLengths(literals: u32, distances: u32): u32 {
  const total = literals + distances;
  for (let i: u32 = 0; i < literals; i++) store<u8>(CODE_LENGTHS + i, <u8>codeLength(LITERAL_CODES, i));
  for (let i: u32 = 0; i < distances; i++) {
    store<u8>(CODE_LENGTHS + literals + i, <u8>codeLength(DISTANCE_CODES, i));
  }
  memory.fill(LENGTH_COUNTS, 0, LENGTH_SYMBOLS << 2);
  let runs: u32 = 0;
  let i: u32 = 0;
  while (i < total) {
    const length: u32 = load<u8>(CODE_LENGTHS + i);
    let left: u32 = 1;
    while (i + left < total && load<u8>(CODE_LENGTHS + i + left) == length) left++;
    i += left;
    if (length == 0) {
      for (; left >= 11; left -= min<u32>(left, 138)) runs = putRun(runs, MANY_ZEROS, min<u32>(left, 138) - 11);
      if (left >= 3) {
        runs = putRun(runs, ZEROS, left - 3);
        left = 0;
      }
    } else {
      runs = putRun(runs, length, 0);
      left--;
      for (; left >= 3; left -= min<u32>(left, 6)) runs = putRun(runs, REPEAT, min<u32>(left, 6) - 3);
    }
    for (; left > 0; left--) runs = putRun(runs, length, 0);
  }
  return runs;
}

@inline
function runExtraBits(symbol: u32): u32 {
  return symbol == REPEAT ? 2 : symbol == ZEROS ? 3 : symbol == MANY_ZEROS ? 7 : 0;
}

/** Bits of the whole block with the codes built. */
function blockBits(literals: u32, distances: u32, lengths: u32): u32 {
  let total: u32 = 3 + 5 + 5 + 4 + lengths * 3;
  for (let i: u32 = 0; i < LENGTH_SYMBOLS; i++) {
    total += code(LENGTH_COUNTS, i) * (codeLength(LENGTH_CODES, i) + runExtraBits(i));
  }
  for (let i: u32 = 0; i < literals; i++) {
    const extra = i < FIRST_LENGTH ? 0 : lengthExtraBits(i - FIRST_LENGTH);
    total += code(LITERAL_COUNTS, i) * (codeLength(LITERAL_CODES, i) + extra);
  }
  for (let i: u32 = 0; i < distances; i++) {
    total += code(DISTANCE_COUNTS, i) * (codeLength(DISTANCE_CODES, i) + distanceExtraBits(i));
  }
  return total;
}

function putHeader(literals: u32, distances: u32, lengths: u32, runs: u32): void {
  put(0b100, 3);
  put(literals - 257, 5);
  put(distances - 1, 5);
  put(lengths - 4, 4);
  flush();
  for (let i: u32 = 0; i < lengths; i++) {
    put(codeLength(LENGTH_CODES, load<u8>(LENGTH_ORDER + i)), 3);
    flush();
  }
  for (let i: u32 = 0; i < runs; i++) {
    const run: u32 = load<u16>(CODE_LENGTH_RUNS + (<usize>i << 1));
    const symbol = run & 0xff;
    const c = code(LENGTH_CODES, symbol);
    put(c & 0xffff, c >> 16);
    put(run >> 8, runExtraBits(symbol));
    flush();
  }
}

/** Writes the bytes from `source` to `end`, with codes of their own or, where that is no shorter, stored. */
export function putBlock(source: usize, end: usize, sequencesEnd: usize): void {
  if (source == end) return;
  finishCounts();
  buildCodes(LITERAL_COUNTS, LITERAL_CODES, LITERAL_SYMBOLS, CODE_LIMIT);
  buildCodes(DISTANCE_COUNTS, DISTANCE_CODES, DISTANCE_SYMBOLS, CODE_LIMIT);
  const literals = usedSymbols(LITERAL_CODES, LITERAL_SYMBOLS, 257);
  const distances = usedSymbols(DISTANCE_CODES, DISTANCE_SYMBOLS, 1);
  const runs = runLengths(literals, distances);
  buildCodes(LENGTH_COUNTS, LENGTH_CODES, LENGTH_SYMBOLS, LENGTH_CODE_LIMIT);
  let lengths = LENGTH_SYMBOLS;
  while (lengths > 4 && codeLength(LENGTH_CODES, load<u8>(LENGTH_ORDER + lengths - 1)) == 0) lengths--;
  if (blockBits(literals, distances, lengths) >= <u32>(end - source + 5) << 3) {
    putStored(source, end);
    return;
  }
  putHeader(literals, distances, lengths, runs);
  putSequences(source, end, sequencesEnd);
}
