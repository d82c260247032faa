import assert from "node:assert/strict";
import { test } from "node:test";
import type { FileEntry } from "../../../core/layer/file_entry.ts";
import { encodeHeader, headerSizeBytes } from "../../../core/layer/tar_header.ts";

const FILE: FileEntry = {
  path: "a",
  type: "file",
  mode: 0o644,
  uid: 0,
  gid: 0,
  sizeBytes: 0,
  mtimeSeconds: 0,
};

function field(header: Uint8Array, offset: number, size: number): string {
  return new TextDecoder("latin1").decode(header.subarray(offset, offset + size));
}

/** The records of the PAX header, or "" where there is none. */
function paxOf(header: Uint8Array): string {
  return header.length === 512 ? "" : field(header, 512, parseInt(field(header, 124, 11), 8));
}

test("encodeHeader() fills the fixed fields of a file", () => {
  const header = encodeHeader({
    ...FILE,
    path: "bin/sh",
    mode: 0o4755,
    uid: 1000,
    gid: 50,
    sizeBytes: 513,
    mtimeSeconds: 1_700_000_000,
  });
  assert.equal(header.length, 512);
  assert.equal(field(header, 0, 7), "bin/sh\0");
  assert.equal(field(header, 100, 8), "0004755\0");
  assert.equal(field(header, 108, 8), "0001750\0");
  assert.equal(field(header, 116, 8), "0000062\0");
  assert.equal(field(header, 124, 12), "00000001001\0");
  assert.equal(field(header, 136, 12), "14524770400\0");
  assert.equal(field(header, 156, 1), "0");
  assert.equal(field(header, 257, 8), "ustar\x0000");
  // No user or group names, no device numbers, no prefix.
  assert.equal(field(header, 265, 247), "\0".repeat(247));
  const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 0x20 : byte), 0);
  assert.equal(field(header, 148, 8), `${sum.toString(8).padStart(6, "0")}\0 `);
});

test("encodeHeader() ends the name of a directory with a slash", () => {
  assert.equal(field(encodeHeader({ ...FILE, path: "etc", type: "directory" }), 0, 5), "etc/\0");
});

test("encodeHeader() writes device numbers for devices only", () => {
  const device = encodeHeader({ ...FILE, type: "block-device", devMajor: 8, devMinor: 1 });
  assert.equal(field(device, 329, 16), "0000010\x000000001\0");
  assert.equal(field(encodeHeader({ ...FILE, type: "fifo" }), 329, 16), "\0".repeat(16));
});

test("encodeHeader() cuts a long name at the last slash that fits the prefix", () => {
  const path = `${"d".repeat(150)}/${"e".repeat(100)}`;
  const header = encodeHeader({ ...FILE, path });
  assert.equal(header.length, 512);
  assert.equal(field(header, 0, 100), "e".repeat(100));
  assert.equal(field(header, 345, 151), `${"d".repeat(150)}\0`);
});

const edges: [what: string, entry: Partial<FileEntry>, pax: string][] = [
  ["a name of 100 bytes", { path: "n".repeat(100) }, ""],
  [
    "a name of 101 bytes without a slash",
    { path: "n".repeat(101) },
    `111 path=${"n".repeat(101)}\n`,
  ],
  ["a directory of 99 bytes", { path: "n".repeat(99), type: "directory" }, ""],
  [
    "a directory of 100 bytes",
    { path: "n".repeat(100), type: "directory" },
    `111 path=${"n".repeat(100)}/\n`,
  ],
  ["a prefix of 155 bytes", { path: `${"p".repeat(155)}/n` }, ""],
  ["a prefix of 156 bytes", { path: `${"p".repeat(156)}/n` }, `168 path=${"p".repeat(156)}/n\n`],
  [
    "a directory whose slash would be the cut",
    { path: `${"p".repeat(120)}`, type: "directory" },
    `131 path=${"p".repeat(120)}/\n`,
  ],
  ["a name that is not ASCII", { path: "é" }, "11 path=Ã©\n"],
  ["a name that is not UTF-8", { path: "\udcff" }, "9 path=ÿ\n"],
  ["a control character in a name", { path: "a\nb\x7f" }, ""],
  ["a link of 100 bytes", { type: "symlink", linkTarget: "l".repeat(100) }, ""],
  [
    "a link of 101 bytes",
    { type: "symlink", linkTarget: "l".repeat(101) },
    `115 linkpath=${"l".repeat(101)}\n`,
  ],
  ["a size of 8 GiB - 1", { sizeBytes: 8 ** 11 - 1 }, ""],
  ["a size of 8 GiB", { sizeBytes: 8 ** 11 }, "19 size=8589934592\n"],
  ["an owner of 7 digits", { uid: 0o7777777, gid: 0o7777777 }, ""],
  [
    "an owner of 8 digits",
    { uid: 0o10000000, gid: 0xffff_fffe },
    "18 gid=4294967294\n15 uid=2097152\n",
  ],
  ["a time before 1970", { mtimeSeconds: -1 }, "12 mtime=-1\n"],
  ["a time after 2242", { mtimeSeconds: 8 ** 11 }, "20 mtime=8589934592\n"],
  [
    "xattrs",
    { xattrs: { "user.b": Uint8Array.of(0xff, 0), "user.a": new Uint8Array() } },
    "24 SCHILY.xattr.user.a=\n26 SCHILY.xattr.user.b=ÿ\0\n",
  ],
];
for (const [what, change, pax] of edges) {
  test(`encodeHeader() uses PAX ${pax === "" ? "not " : ""}for ${what}`, () => {
    const entry = { ...FILE, ...change };
    const header = encodeHeader(entry);
    assert.equal(paxOf(header), pax);
    assert.equal(headerSizeBytes(entry), header.length);
  });
}

test("encodeHeader() names a PAX header after its file and leaves 0 for what it carries", () => {
  const header = encodeHeader({ ...FILE, path: "dir/é", uid: 0o10000000 });
  assert.equal(field(header, 0, 14), "PaxHeaders/__\0");
  assert.equal(field(header, 156, 1), "x");
  const own = header.subarray(1024);
  assert.equal(field(own, 0, 7), "dir/__\0");
  assert.equal(field(own, 108, 8), "0000000\0");
});

const refused: [what: string, code: string, entry: Partial<FileEntry>][] = [
  ["an empty path", "LAYER_INVALID", { path: "" }],
  ["an absolute path", "LAYER_INVALID", { path: "/a" }],
  ["a trailing slash", "LAYER_INVALID", { path: "a/" }],
  ["a double slash", "LAYER_INVALID", { path: "a//b" }],
  ['a ".." component', "LAYER_INVALID", { path: "a/../b" }],
  ['a "." component', "LAYER_INVALID", { path: "./a" }],
  ["a NUL byte", "LAYER_INVALID", { path: "a\0b" }],
  ["escaped bytes that are UTF-8", "LAYER_INVALID", { path: "\udcc3\udca9" }],
  ["a surrogate for no byte", "LAYER_INVALID", { path: "\ud800" }],
  ["file type bits in the mode", "LAYER_INVALID", { mode: 0o100644 }],
  ["an owner of -1", "LAYER_INVALID", { uid: 0xffff_ffff }],
  ["a negative size", "LAYER_INVALID", { sizeBytes: -1 }],
  ["half a second", "LAYER_INVALID", { mtimeSeconds: 0.5 }],
  ["a directory with content", "LAYER_INVALID", { type: "directory", sizeBytes: 1 }],
  ["a symlink to nothing", "LAYER_INVALID", { type: "symlink", linkTarget: "" }],
  ["a hard link out of the root", "LAYER_INVALID", { type: "hardlink", linkTarget: "../a" }],
  ["a hard link without target", "LAYER_INVALID", { type: "hardlink" }],
  ["a file with a target", "LAYER_INVALID", { linkTarget: "b" }],
  ["a device without numbers", "LAYER_INVALID", { type: "character-device" }],
  ["a file with device numbers", "LAYER_INVALID", { devMajor: 1, devMinor: 3 }],
  ["a device number of 8 digits", "TAR_UNSUPPORTED", {
    type: "block-device",
    devMajor: 1,
    devMinor: 0o10000000,
  }],
  ["an xattr named with =", "TAR_UNSUPPORTED", { xattrs: { "user.a=b": new Uint8Array() } }],
];
for (const [what, code, change] of refused) {
  test(`encodeHeader() refuses ${what}`, () => {
    assert.throws(() => encodeHeader({ ...FILE, ...change }), { code });
  });
}
