/**
 * The pinned DEFLATE encoder: a WebAssembly module whose output is a function of (bytes, level) and of nothing else.
 * No runtime's own zlib may make a blob: its bytes differ between runtimes, versions, CPUs and sizes of writes.
 *
 * @see RFC 1951
 * @module
 */
import { DEFLATE_WASM_BASE64 } from "./deflate_wasm.ts";

/**
 * How hard the encoder looks for matches: 1 tries one earlier position, 2 two, 3 follows hash chains and looks one
 * byte ahead before it takes a match.
 */
export type DeflateLevel = 1 | 2 | 3;

/** Most bytes of one call: 2 MiB. */
export const DEFLATE_INPUT_LIMIT_BYTES: number = 2 * 1024 * 1024;

/** The encoder and its memory. Calls overwrite each other's output: one at a time. */
export interface Deflater {
  /** Where the bytes to compress go: 2 MiB, the same view for ever. */
  readonly input: Uint8Array<ArrayBuffer>;
  /**
   * Compresses the first `lengthBytes` of `input` (which it leaves as they are).
   *
   * @returns DEFLATE blocks that end on a byte border and with an empty stored block, none of them final. A view: the
   * next call overwrites it.
   */
  deflate(lengthBytes: number, level: DeflateLevel): Uint8Array<ArrayBuffer>;
  /** CRC-32 of the first `lengthBytes` of `input`, continuing from `seed`. */
  crc32(lengthBytes: number, seed: number): number;
}

interface EncoderExports {
  readonly memory: WebAssembly.Memory;
  readonly INPUT: WebAssembly.Global;
  readonly INPUT_LIMIT: WebAssembly.Global;
  readonly OUTPUT: WebAssembly.Global;
  compress(length: number, level: number): number;
  crc32(offset: number, length: number, seed: number): number;
}

let instance: Deflater | undefined;

/** The encoder of this thread, made at the first call. */
export function deflater(): Deflater {
  instance ??= instantiate();
  return instance;
}

function instantiate(): Deflater {
  const module = new WebAssembly.Module(Buffer.from(DEFLATE_WASM_BASE64, "base64"));
  const encoder = new WebAssembly.Instance(module).exports as unknown as EncoderExports;
  const memory = encoder.memory.buffer as ArrayBuffer;
  const inputOffset = Number(encoder.INPUT.value);
  const outputOffset = Number(encoder.OUTPUT.value);
  return {
    input: new Uint8Array(memory, inputOffset, DEFLATE_INPUT_LIMIT_BYTES),
    deflate(lengthBytes, level): Uint8Array<ArrayBuffer> {
      checkLength(lengthBytes);
      return new Uint8Array(memory, outputOffset, encoder.compress(lengthBytes, level));
    },
    crc32(lengthBytes, seed): number {
      checkLength(lengthBytes);
      return encoder.crc32(inputOffset, lengthBytes, seed) >>> 0;
    },
  };
}

/** The module has no checks of its own: a longer input would be read from beyond `input`. */
function checkLength(lengthBytes: number): void {
  if (!(lengthBytes >= 0 && lengthBytes <= DEFLATE_INPUT_LIMIT_BYTES)) {
    throw new RangeError(`Cannot deflate ${lengthBytes} bytes: more than 2 MiB at once`);
  }
}
