// The bit writer: DEFLATE packs codes from the least significant bit of each byte.
// At most 7 bits wait after flush(), so 57 more may be put before the next one.
import { OUTPUT } from "./layout";

let bits: u64 = 0;
let bitCount: u64 = 0;
let cursor: usize = OUTPUT;

export function resetOutput(): void {
  bits = 0;
  bitCount = 0;
  cursor = OUTPUT;
}

export function outputBytes(): usize {
  return cursor - OUTPUT;
}

// A loop that puts many codes takes the state over, as locals, and gives it back.

@inline
export function waitingBits(): u64 {
  return bits;
}

@inline
export function bitsWaiting(): u64 {
  return bitCount;
}

@inline
export function outputCursor(): usize {
  return cursor;
}

/** Takes the state back; whole bytes of it are written. */
export function continueOutput(waiting: u64, count: u64, at: usize): void {
  bits = waiting;
  bitCount = count;
  cursor = at;
  flush();
}

@inline
export function put(value: u64, count: u64): void {
  bits |= value << bitCount;
  bitCount += count;
}

@inline
export function flush(): void {
  store<u64>(cursor, bits);
  cursor += <usize>(bitCount >> 3);
  bits >>= bitCount & ~7;
  bitCount &= 7;
}

/** Fills the last byte with zero bits. */
function align(): void {
  flush();
  if (bitCount != 0) cursor++;
  bits = 0;
  bitCount = 0;
}

/** One stored block of at most 65,535 bytes. RFC 1951, 3.2.4: LEN and its complement follow on a byte border. */
function putStoredBlock(source: usize, length: usize): void {
  put(0, 3);
  align();
  store<u16>(cursor, <u16>length);
  store<u16>(cursor + 2, <u16>~length);
  memory.copy(cursor + 4, source, length);
  cursor += 4 + length;
}

/** Bytes as they are, in as many stored blocks as they need. */
export function putStored(source: usize, end: usize): void {
  while (source < end) {
    const length: usize = min<usize>(end - source, 0xffff);
    putStoredBlock(source, length);
    source += length;
  }
}

/** An empty stored block: the output now ends on a byte border, and any further block may follow. */
export function putSync(): void {
  putStoredBlock(OUTPUT, 0);
}
