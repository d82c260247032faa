/** Over 300 lines: one table of all the archives that are refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { base256, END, joined, rawHeader, rawMember, rawPax } from "../../support/raw_tar.ts";
import { assertRefused, read } from "../../support/tar_reading.ts";

test("readTar() accepts an archive without end blocks, without its last padding, or with bytes after its end", async () => {
  const member = rawMember({ name: "a" }, "hi");
  const garbage = new TextEncoder().encode("not a tar header");
  for (
    const archive of [
      joined(member),
      member.subarray(0, 514),
      joined(member, new Uint8Array(512)),
      joined(member, END, garbage),
    ]
  ) {
    assert.deepEqual((await read(archive)).map(({ text }) => text), ["hi"]);
  }
  assert.deepEqual(await read(new Uint8Array()), []);
  assert.deepEqual(await read(END), []);
});

const octalSize = (size: number): string => size.toString(8).padStart(11, "0");
const hostile: [what: string, archive: Uint8Array, code: string, message: RegExp][] = [
  [
    "a wrong checksum",
    joined(rawHeader({ name: "a", checksum: "wrong" }), END),
    "TAR_INVALID",
    /member 1 at byte 0: its checksum/,
  ],
  [
    "bytes that are no header",
    joined(rawMember({ name: "a" }), new Uint8Array(512).fill(65)),
    "TAR_INVALID",
    /member 2 at byte 512/,
  ],
  [
    "a header that is cut off",
    rawHeader({ name: "a" }).subarray(0, 300),
    "TAR_INVALID",
    /ends inside a header/,
  ],
  [
    "content that is cut off",
    rawMember({ name: "a" }, "x".repeat(600)).subarray(0, 1000),
    "TAR_INVALID",
    /member 1 "a": its content ends after 488 of 600/,
  ],
  [
    "an archive of a header that promises 8 EiB",
    joined(rawHeader({ name: "a", size: base256(1n << 52n, 12) }), END),
    "TAR_INVALID",
    /ends after 1024 of/,
  ],
  [
    "a size beyond 2^53",
    joined(rawHeader({ name: "a", size: base256(1n << 60n, 12) }), END),
    "TAR_INVALID",
    /its size .* is too large/,
  ],
  [
    "a negative size",
    joined(rawHeader({ name: "a", size: base256(-1n, 12) }), END),
    "TAR_INVALID",
    /its size -1 is negative/,
  ],
  [
    "a negative owner",
    joined(rawHeader({ name: "a", uid: base256(-2n, 8) }), END),
    "TAR_INVALID",
    /its uid -2 is negative/,
  ],
  [
    "an owner of -1",
    joined(rawPax({ uid: "4294967295" }), rawHeader({ name: "a" }), END),
    "TAR_INVALID",
    /"a": its uid 4294967295/,
  ],
  [
    "a size that is no number",
    joined(rawHeader({ name: "a", size: new TextEncoder().encode("00000000xyz") }), END),
    "TAR_INVALID",
    /its size is not an octal number/,
  ],
  [
    "a negative PAX size",
    joined(rawPax({ size: "-1" }), rawHeader({ name: "a" }), END),
    "TAR_INVALID",
    /"-1" is not a number/,
  ],
  [
    "a PAX size in hexadecimal",
    joined(rawPax({ size: "0x10" }), rawHeader({ name: "a" }), END),
    "TAR_INVALID",
    /"0x10" is not a number/,
  ],
  [
    "a PAX size beyond 2^53",
    joined(rawPax({ size: "9007199254740993" }), rawHeader({ name: "a" }), END),
    "TAR_INVALID",
    /is not a number/,
  ],
  [
    "a PAX size past the end",
    joined(rawPax({ size: "5000" }), rawMember({ name: "a" }, "x"), END),
    "TAR_INVALID",
    /ends after 1536 of 5000/,
  ],
  [
    "a PAX time that is no time",
    joined(rawPax({ mtime: "1e3" }), rawHeader({ name: "a" }), END),
    "TAR_INVALID",
    /its mtime "1e3"/,
  ],
  [
    "PAX records of a wrong length",
    joined(rawMember({ type: "x" }, "99 path=a\n"), rawHeader({ name: "a" }), END),
    "TAR_INVALID",
    /not made of PAX records/,
  ],
  [
    "a PAX header that is cut off",
    rawPax({ path: "x".repeat(600) }).subarray(0, 700),
    "TAR_INVALID",
    /extended header is cut off/,
  ],
  [
    "a PAX header over 1 MiB",
    joined(rawHeader({ type: "x", size: (1 << 20) + 1 }), END),
    "TAR_INVALID",
    /1048577 bytes, over 1048576/,
  ],
  [
    "a GNU long name over 16 KiB",
    joined(rawHeader({ type: "L", size: 16385 }), END),
    "TAR_INVALID",
    /16385 bytes, over 16384/,
  ],
  [
    "an extended header at the end",
    joined(rawPax({ path: "a" }), END),
    "TAR_INVALID",
    /ends after an extended header/,
  ],
  [
    "a single zero block between members",
    joined(rawMember({ name: "a" }), new Uint8Array(512), rawMember({ name: "b" }), END),
    "TAR_INVALID",
    /single zero block/,
  ],
  [
    "an unknown type",
    joined(rawHeader({ name: "a", type: "V" }), END),
    "TAR_UNSUPPORTED",
    /member 1 "a": its type "V"/,
  ],
  ["an empty name", joined(rawHeader({ name: "" }), END), "TAR_INVALID", /its name is empty/],
  [
    "a file named as the root",
    joined(rawHeader({ name: "." }), END),
    "TAR_INVALID",
    /names the root.* as a file/,
  ],
  [
    "a symlink named as the root",
    joined(rawHeader({ name: "./", type: "2", link: "/etc" }), END),
    "TAR_INVALID",
    /names the root/,
  ],
  [
    "a name with ..",
    joined(rawHeader({ name: "../a" }), END),
    "LAYER_ESCAPES_ROOT",
    /member 1 "..\/a": "..\/a" leaves the root/,
  ],
  [
    "a name with .. in the middle",
    joined(rawMember({ name: "ok" }), rawHeader({ name: "a/../b" }), END),
    "LAYER_ESCAPES_ROOT",
    /member 2/,
  ],
  [
    "a PAX name with ..",
    joined(rawPax({ path: "a/.." }), rawHeader({ name: "a" }), END),
    "LAYER_ESCAPES_ROOT",
    /member 1/,
  ],
  [
    "a GNU long name with ..",
    joined(rawMember({ type: "L" }, "/../a\0"), rawHeader({ name: "a" }), END),
    "LAYER_ESCAPES_ROOT",
    /member 1/,
  ],
  [
    "a name with NUL",
    joined(rawPax({ path: "a\0b" }), rawHeader({ name: "a" }), END),
    "LAYER_ESCAPES_ROOT",
    /NUL/,
  ],
  [
    "a hard link with ..",
    joined(rawHeader({ name: "a", type: "1", link: "../etc/passwd" }), END),
    "LAYER_ESCAPES_ROOT",
    /etc\/passwd/,
  ],
  [
    "a hard link to the root",
    joined(rawHeader({ name: "a", type: "1", link: "/" }), END),
    "TAR_INVALID",
    /target is empty/,
  ],
  [
    "a symlink to nothing",
    joined(rawHeader({ name: "a", type: "2" }), END),
    "TAR_INVALID",
    /target is empty/,
  ],
  [
    "a symlink with NUL",
    joined(rawPax({ linkpath: "a\0b" }), rawHeader({ name: "a", type: "2" }), END),
    "TAR_INVALID",
    /target holds a NUL/,
  ],
  [
    "an xattr without a name",
    joined(rawPax({ "SCHILY.xattr.": "x" }), rawHeader({ name: "a" }), END),
    "TAR_INVALID",
    /extended attribute ""/,
  ],
  [
    "an xattr that is not base64",
    joined(rawPax({ "LIBARCHIVE.xattr.user.a": "%%%" }), rawHeader({ name: "a" }), END),
    "TAR_INVALID",
    /not base64/,
  ],
  [
    "a sparse map out of order",
    joined(
      rawPax({ "GNU.sparse.size": "9", "GNU.sparse.map": "4,1,2,1" }),
      rawMember({ name: "a" }, "xx"),
      END,
    ),
    "TAR_INVALID",
    /out of order/,
  ],
  [
    "a sparse map past the end",
    joined(
      rawPax({ "GNU.sparse.size": "4", "GNU.sparse.map": "4,1" }),
      rawMember({ name: "a" }, "x"),
      END,
    ),
    "TAR_INVALID",
    /passes the end/,
  ],
  [
    "a sparse map of other content",
    joined(
      rawPax({ "GNU.sparse.size": "9", "GNU.sparse.map": "4,2" }),
      rawMember({ name: "a" }, "x"),
      END,
    ),
    "TAR_INVALID",
    /tells of 2 bytes/,
  ],
  [
    "a sparse map without its lengths",
    joined(
      rawPax({ "GNU.sparse.size": "9", "GNU.sparse.map": "4" }),
      rawMember({ name: "a" }),
      END,
    ),
    "TAR_INVALID",
    /lacks a length/,
  ],
  [
    "an unknown sparse format",
    joined(
      rawPax({ "GNU.sparse.major": "2", "GNU.sparse.minor": "0" }),
      rawMember({ name: "a" }),
      END,
    ),
    "TAR_INVALID",
    /format 2.0 is unknown/,
  ],
  [
    "a leading sparse map without end",
    joined(
      rawPax({ "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9" }),
      rawMember({ name: "a" }, "9\n1\n"),
      END,
    ),
    "TAR_INVALID",
    /cut off/,
  ],
  [
    "an old sparse map that is cut off",
    joined(
      rawHeader({
        name: "a",
        type: "S",
        magic: "gnu",
        patches: [[482, "\x01"], [483, octalSize(9)]],
      }),
    ),
    "TAR_INVALID",
    /map is cut off/,
  ],
];
for (const [what, archive, code, message] of hostile) {
  test(`readTar() and indexTar() refuse ${what}`, () => assertRefused(archive, { code, message }));
}

test("readTar() accepts an archive of a global header alone, as `git archive` makes of nothing", async () => {
  assert.deepEqual(await read(joined(rawPax({ comment: "commit" }, "g"), END)), []);
});

test("readTar() refuses more global records than members should pay for", () => {
  const records = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`k${i}`, "v"]));
  return assertRefused(joined(rawPax(records, "g"), rawHeader({ name: "a" }), END), {
    code: "TAR_INVALID",
    message: /over 100 records/,
  });
});

test("readTar() refuses a name over 16,384 characters", () =>
  assertRefused(joined(rawPax({ path: "d/".repeat(9000) }), rawHeader({ name: "a" }), END), {
    code: "LAYER_LIMIT",
    message: /member 1/,
  }));
