// Compressed and encrypted content cannot be compressed again: to see that early saves most of its cost, and keeps its
// bytes out of the codes of the text beside it.
import { BYTE_COUNTS } from "./layout";

const PIECE_BYTES: usize = 4096;
/** Coprime to the strides of records and pixels, so that one constant column cannot hide from the sample. */
const SAMPLE_STRIDE: usize = 5;
/**
 * The sum of the squared counts of 820 random bytes is 3,443 with a deviation of 72; 3,700 is what bytes of some 7.9
 * bits give: not worth a code of their own.
 */
const SQUARES_LIMIT: u32 = 3700;

function looksRandom(source: usize): bool {
  memory.fill(BYTE_COUNTS, 0, 256 * 4);
  for (let p = source; p < source + PIECE_BYTES; p += SAMPLE_STRIDE) {
    const count = BYTE_COUNTS + (<usize>load<u8>(p) << 2);
    store<u32>(count, load<u32>(count) + 1);
  }
  let squares: u32 = 0;
  for (let i: usize = 0; i < 256; i++) {
    const count = load<u32>(BYTE_COUNTS + (i << 2));
    squares += count * count;
  }
  return squares < SQUARES_LIMIT;
}

/** The end of the pieces from `source` on that look random; `source` itself when the first does not. */
export function randomUntil(source: usize, end: usize): usize {
  while (source + PIECE_BYTES <= end && looksRandom(source)) source += PIECE_BYTES;
  return source;
}
