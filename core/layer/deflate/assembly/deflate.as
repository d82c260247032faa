// A deterministic DEFLATE encoder: the output is a function of the input bytes and the level, on every host. Integers
// only, no SIMD, no probing of the host, no state kept between calls that the output depends on.
import { outputBytes, putSync, resetOutput } from "./bits";
import { compressGreedy1, compressGreedy2 } from "./greedy";
import { compressLazy } from "./lazy";
import { INPUT } from "./layout";
import { initSymbols } from "./symbols";

export { crc32 } from "./crc32";
export { INPUT, INPUT_LIMIT, OUTPUT } from "./layout";

let ready = false;

/**
 * Compresses the first `length` bytes at INPUT to OUTPUT; returns how many bytes that took. The output is not a whole
 * stream: its last block is an empty stored one, so outputs can be joined and a final block put after them.
 */
export function compress(length: usize, level: u32): usize {
  if (!ready) {
    initSymbols();
    ready = true;
  }
  resetOutput();
  const inputEnd = INPUT + length;
  if (level == 1) compressGreedy1(inputEnd);
  else if (level == 2) compressGreedy2(inputEnd);
  else compressLazy(inputEnd);
  putSync();
  return outputBytes();
}
