/**
 * Builds the smallest ELF files that say what a test wants them to say.
 *
 * @module
 */

/** What the file says; everything else is as a linker on x86-64 would have it. */
export interface ElfFixture {
  readonly addressBits?: 32 | 64;
  readonly littleEndian?: boolean;
  readonly machine?: number;
  readonly interpreter?: string;
  readonly needed?: readonly string[];
  readonly rpath?: string;
  readonly runpath?: string;
  readonly soname?: string;
}

const BASE_ADDRESS = 0x10000;

/** The bytes of a file with one PT_LOAD over all of it, PT_INTERP where asked for, and PT_DYNAMIC. */
export function elfFixture(fixture: ElfFixture = {}): Uint8Array {
  const { addressBits = 64, littleEndian = true, machine = 62 } = fixture;
  const wide = addressBits === 64;
  const width = wide ? 8 : 4;
  const [headerSize, segmentSize] = wide ? [64, 56] : [52, 32];

  const encoder = new TextEncoder();
  const strings = [0];
  const stringAt = (text: string): number =>
    strings.push(...encoder.encode(text), 0) - encoder.encode(text).length - 1;
  const dynamic: [number, number][] = (fixture.needed ?? []).map((name) => [1, stringAt(name)]);
  if (fixture.soname !== undefined) dynamic.push([14, stringAt(fixture.soname)]);
  if (fixture.rpath !== undefined) dynamic.push([15, stringAt(fixture.rpath)]);
  if (fixture.runpath !== undefined) dynamic.push([29, stringAt(fixture.runpath)]);
  const interpreter = fixture.interpreter === undefined ? "" : `${fixture.interpreter}\0`;

  const segmentCount = interpreter === "" ? 2 : 3;
  const interpreterAt = headerSize + segmentCount * segmentSize;
  const stringsAt = interpreterAt + interpreter.length;
  const dynamicAt = stringsAt + strings.length;
  const dynamicSize = (dynamic.length + 3) * 2 * width;
  dynamic.push([5, BASE_ADDRESS + stringsAt], [10, strings.length], [0, 0]);
  const bytes = new Uint8Array(dynamicAt + dynamicSize);
  const view = new DataView(bytes.buffer);
  const word = (at: number, value: number): void => {
    if (wide) view.setBigUint64(at, BigInt(value), littleEndian);
    else view.setUint32(at, value, littleEndian);
  };

  bytes.set([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, littleEndian ? 1 : 2, 1]);
  view.setUint16(16, 3, littleEndian);
  view.setUint16(18, machine, littleEndian);
  view.setUint32(20, 1, littleEndian);
  word(wide ? 32 : 28, headerSize);
  view.setUint16(wide ? 54 : 42, segmentSize, littleEndian);
  view.setUint16(wide ? 56 : 44, segmentCount, littleEndian);

  const segments: [number, number, number][] = [[1, 0, bytes.length], [2, dynamicAt, dynamicSize]];
  if (interpreter !== "") segments.push([3, interpreterAt, interpreter.length]);
  segments.forEach(([type, offset, size], index) => {
    const at = headerSize + index * segmentSize;
    view.setUint32(at, type, littleEndian);
    word(at + (wide ? 8 : 4), offset);
    word(at + (wide ? 16 : 8), BASE_ADDRESS + offset);
    word(at + (wide ? 32 : 16), size);
    word(at + (wide ? 40 : 20), size);
  });
  bytes.set(encoder.encode(interpreter), interpreterAt);
  bytes.set(strings, stringsAt);
  dynamic.forEach(([tag, value], index) => {
    word(dynamicAt + index * 2 * width, tag);
    word(dynamicAt + index * 2 * width + width, value);
  });
  return bytes;
}
