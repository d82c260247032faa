// The memory map. Everything has one fixed place: no allocator, so nothing of an earlier call can move what a later
// call writes. Static data of the compiler lies below TABLES.

/** Most bytes one call takes. */
export const INPUT_LIMIT: usize = 0x200000;
/** Input bytes after which a block is closed: small enough that its code fits the data, large enough to pay for its header. */
export const BLOCK_BYTES: usize = 0x18000;

const TABLES: usize = 0x800;

/** u32 per symbol: how often the block uses it. */
export const LITERAL_COUNTS: usize = TABLES;
export const DISTANCE_COUNTS: usize = LITERAL_COUNTS + 288 * 4;
export const LENGTH_COUNTS: usize = DISTANCE_COUNTS + 32 * 4;
/** u32 per symbol: bit-reversed code, and its length from bit 16. */
export const LITERAL_CODES: usize = LENGTH_COUNTS + 20 * 4;
export const DISTANCE_CODES: usize = LITERAL_CODES + 288 * 4;
export const LENGTH_CODES: usize = DISTANCE_CODES + 32 * 4;
/** u32 per match length - 3: its code with the extra bits filled in, and the bits of both from bit 26. */
export const MATCH_CODES: usize = LENGTH_CODES + 20 * 4;
/** u8 per match length - 3: its symbol - 257. */
export const LENGTH_SYMBOL: usize = MATCH_CODES + 256 * 4;
/** Scratch of the code construction. */
export const SORTED: usize = LENGTH_SYMBOL + 256;
export const NODES: usize = SORTED + 288 * 4;
export const CODES_OF_LENGTH: usize = NODES + 288 * 4;
/** Scratch of a block header: u8 code lengths, then u16 run-length symbols (value, extra bits from bit 8). */
export const CODE_LENGTHS: usize = CODES_OF_LENGTH + 16 * 4;
export const CODE_LENGTH_RUNS: usize = CODE_LENGTHS + 320;
/** u32 x 256. */
export const BYTE_COUNTS: usize = CODE_LENGTH_RUNS + 640;
/** u32 x 256 x 8. */
export const CRC_TABLE: usize = BYTE_COUNTS + 256 * 4;
/** u32 per match length - 3: how often the block has it. */
export const MATCH_COUNTS: usize = CRC_TABLE + 256 * 8 * 4;
/** u32 x 256: scratch of the code construction. */
export const COUNT_BUCKETS: usize = MATCH_COUNTS + 256 * 4;

export const INPUT: usize = 0x10000;
/** Hash table: 2^15 positions (level 1), pairs of positions (level 2), heads of chains (level 3). */
export const HASH_TABLE: usize = INPUT + INPUT_LIMIT + 0x1000;
/** Level 3 only: the position before each of the last 2^15, and the last position of each three bytes. */
export const CHAINS: usize = HASH_TABLE + 0x10000;
export const SHORT_HASH_TABLE: usize = CHAINS + 0x10000;
/**
 * u32 literals, u32 match (extra bits of the distance, its symbol from bit 13, length - 3 from bit 18): at most one for
 * three input bytes.
 */
export const SEQUENCES: usize = HASH_TABLE + 0x40000;
export const OUTPUT: usize = SEQUENCES + (BLOCK_BYTES / 3 + 0x200) * 8;
