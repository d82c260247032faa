// CRC-32 as in RFC 1952, 8, eight bytes a step: for runtimes whose node:zlib has none.
import { CRC_TABLE } from "./layout";

const POLYNOMIAL: u32 = 0xedb88320;

let ready = false;

@inline
function entry(slice: usize, byte: u64): u32 {
  return load<u32>(CRC_TABLE + (slice << 10) + (<usize>(byte & 0xff) << 2));
}

function initTable(): void {
  for (let i: u32 = 0; i < 256; i++) {
    let x = i;
    for (let bit = 0; bit < 8; bit++) x = x & 1 ? (x >>> 1) ^ POLYNOMIAL : x >>> 1;
    store<u32>(CRC_TABLE + (<usize>i << 2), x);
  }
  for (let i: usize = 256; i < 8 * 256; i++) {
    const x = load<u32>(CRC_TABLE + ((i - 256) << 2));
    store<u32>(CRC_TABLE + (i << 2), (x >>> 8) ^ entry(0, x));
  }
  ready = true;
}

export function crc32(source: usize, length: usize, seed: u32): u32 {
  if (!ready) initTable();
  let crc = ~seed;
  const end = source + length;
  while (source + 8 <= end) {
    const x = load<u64>(source) ^ <u64>crc;
    crc = entry(7, x) ^ entry(6, x >> 8) ^ entry(5, x >> 16) ^ entry(4, x >> 24) ^
      entry(3, x >> 32) ^ entry(2, x >> 40) ^ entry(1, x >> 48) ^ entry(0, x >> 56);
    source += 8;
  }
  while (source < end) crc = (crc >>> 8) ^ entry(0, <u64>(crc ^ load<u8>(source++)));
  return ~crc;
}
