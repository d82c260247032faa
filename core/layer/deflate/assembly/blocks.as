// Where one block ends and the next begins, for all match finders.
import { putStored } from "./bits";
import { putBlock } from "./block";
import { clearCounts, uncountLiterals } from "./counts";
import { putSequence } from "./sequences";
import { BLOCK_BYTES, INPUT, SEQUENCES } from "./layout";
import { randomUntil } from "./random";

/** Literals in a row after which, and after each further so many, the bytes are checked for randomness. */
export const MISSES_PER_CHECK: u32 = 256;

let blockStart: usize = INPUT;
let literalStart: usize = INPUT;
let sequence: usize = SEQUENCES;

function startBlock(p: usize): void {
  blockStart = p;
  literalStart = p;
  sequence = SEQUENCES;
  clearCounts();
}

export function startInput(): void {
  startBlock(INPUT);
}

@inline
export function addMatch(p: usize, length: u32, distance: u32): void {
  putSequence(sequence, p - literalStart, length, distance);
  sequence += 8;
  literalStart = p + length;
}

@inline
export function blockIsFull(p: usize): bool {
  return p - blockStart >= BLOCK_BYTES;
}

export function closeBlock(p: usize): void {
  putBlock(blockStart, p, sequence);
  startBlock(p);
}

/**
 * Stores what looks random from `p` on; returns its end, or `p` when nothing does. The first check in a run of
 * literals starts at the run: its bytes are most likely random too.
 */
export function skipRandom(p: usize, misses: u32, inputEnd: usize): usize {
  const from = misses == MISSES_PER_CHECK ? literalStart : p;
  const randomEnd = randomUntil(from, inputEnd);
  if (randomEnd == from) return p;
  uncountLiterals(from, p);
  closeBlock(from);
  putStored(from, randomEnd);
  startBlock(randomEnd);
  return randomEnd;
}
