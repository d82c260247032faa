import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LayerwrightError } from "../../../core/errors.ts";
import {
  type ElfFile,
  executableKind,
  parseElf,
  readElf,
} from "../../../plugins/host_executable/elf.ts";
import { elfFixture } from "../../support/elf_fixture.ts";

function parse(bytes: Uint8Array): ElfFile {
  const read = (offset: number, length: number): Uint8Array => {
    assert.ok(
      offset >= 0 && length >= 0 && offset + length <= bytes.length,
      "reads inside the file only",
    );
    return bytes.subarray(offset, offset + length);
  };
  return parseElf({ sizeBytes: bytes.length, read }, "fixture");
}

for (const addressBits of [32, 64] as const) {
  for (const littleEndian of [true, false]) {
    const name = `${addressBits} bit, ${littleEndian ? "little" : "big"} endian`;
    test(`parseElf() reads every field it promises (${name})`, () => {
      const bytes = elfFixture({
        addressBits,
        littleEndian,
        machine: 21,
        interpreter: "/lib/ld.so.1",
        needed: ["libé.so.1", "libc.so.6"],
        rpath: "/a:$ORIGIN/../lib",
        runpath: "/b",
        soname: "libself.so.0",
      });
      assert.deepEqual(parse(bytes), {
        addressBits,
        littleEndian,
        machine: 21,
        interpreter: "/lib/ld.so.1",
        needed: ["libé.so.1", "libc.so.6"],
        rpath: ["/a", "$ORIGIN/../lib"],
        runpath: ["/b"],
        soname: "libself.so.0",
      });
    });
  }
}

test("parseElf() takes a static program: no interpreter, nothing needed", () => {
  const { interpreter, needed, soname } = parse(elfFixture());
  assert.deepEqual({ interpreter, needed, soname }, {
    interpreter: undefined,
    needed: [],
    soname: undefined,
  });
});

// Offsets in the 64-bit fixture without interpreter: segment 0 (PT_LOAD) at 64, segment 1 (PT_DYNAMIC) at 120.
const DAMAGE: readonly [what: string, offset: number, value: bigint | number, message: RegExp][] = [
  ["class", 4, 3, /class 3/],
  ["byte order", 5, 0, /byte order 0/],
  ["segment table after the end", 32, 1n << 40n, /program headers/],
  ["segment table beyond exact numbers", 32, (1n << 64n) - 1n, /program headers/],
  ["segment header size", 54, 8, /segment headers of/],
  ["PN_XNUM", 56, 0xff, /program headers|too many/],
  ["dynamic section after the end", 120 + 8, 1n << 62n, /dynamic section/],
  ["dynamic section of 2^63 bytes", 120 + 32, 1n << 63n, /dynamic section of/],
  ["nothing loaded", 64 + 32, 0n, /string table is in no segment/],
];
for (const [what, offset, value, message] of DAMAGE) {
  test(`parseElf() rejects damage: ${what}`, () => {
    const bytes = elfFixture({ needed: ["libc.so.6"] });
    const view = new DataView(bytes.buffer);
    if (typeof value === "bigint") view.setBigUint64(offset, value, true);
    else view.setUint8(offset, value);
    assert.throws(() => parse(bytes), { code: "ELF_INVALID", message });
  });
}

test("parseElf() rejects a needed name that starts after the string table", () => {
  const bytes = elfFixture({ needed: ["libc.so.6"] });
  const view = new DataView(bytes.buffer);
  const dynamicAt = Number(view.getBigUint64(120 + 8, true));
  view.setBigUint64(dynamicAt + 8, 1n << 20n, true);
  assert.throws(() => parse(bytes), { code: "ELF_INVALID", message: /needed library is outside/ });
});

test("parseElf() rejects an interpreter that depends on the working directory", () => {
  assert.throws(() => parse(elfFixture({ interpreter: "ld.so" })), {
    code: "ELF_INVALID",
    message: /not absolute/,
  });
});

test("parseElf() gives a value or ELF_INVALID for any damage of any file (seed 42)", () => {
  const originals = [32, 64].flatMap((addressBits) =>
    [true, false].map((littleEndian) =>
      elfFixture({
        addressBits: addressBits as 32 | 64,
        littleEndian,
        interpreter: "/lib/ld.so",
        needed: ["liba.so", "libb.so"],
        runpath: "$ORIGIN",
        soname: "x",
      })
    )
  );
  const edits = fc.array(fc.record({ at: fc.nat(500), value: fc.integer({ min: 0, max: 255 }) }), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(fc.constantFrom(...originals), edits, fc.nat(500), (original, changes, cut) => {
      const bytes = original.slice(0, cut % 3 === 0 ? cut : original.length);
      for (const { at, value } of changes) if (at < bytes.length) bytes[at] = value;
      try {
        parse(bytes);
      } catch (error) {
        assert.ok(error instanceof LayerwrightError, String(error));
        assert.equal(error.code, "ELF_INVALID");
      }
    }),
    { seed: 42, numRuns: 3000 },
  );
});

test("executableKind() tells ELF, scripts and others apart", () => {
  const kind = (text: string): string => executableKind(new TextEncoder().encode(text));
  assert.deepEqual([kind("\x7fELF"), kind("#!/b"), kind("MZ"), kind("")], [
    "elf",
    "script",
    "other",
    "other",
  ]);
});

test("readElf() rejects a file that is no ELF, naming it", () => {
  assert.throws(() => readElf(import.meta.filename ?? ""), {
    code: "ELF_INVALID",
    message: /elf_test\.ts/,
  });
});
