import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { FileEntry } from "../../../core/layer/file_entry.ts";
import { indexTar, readTar } from "../../../core/layer/tar_reader.ts";
import {
  base256,
  END,
  joined,
  type RawHeader,
  rawHeader,
  rawMember,
  rawPax,
} from "../../support/raw_tar.ts";
import { inPieces, read, readOne } from "../../support/tar_reading.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

test("readTar() reads V7, GNU and ustar members", async () => {
  for (const magic of ["v7", "gnu", "ustar"] as const) {
    const header: RawHeader = { name: "a", magic, mode: 0o100755, uid: 7, gid: 8, mtime: 9 };
    const { entry, text } = await readOne(rawMember(header, "hi"));
    assert.deepEqual(entry, {
      path: "a",
      type: "file",
      mode: 0o755,
      uid: 7,
      gid: 8,
      sizeBytes: 2,
      mtimeSeconds: 9,
    });
    assert.equal(text, "hi");
  }
});

test("readTar() reads each type", async () => {
  const types: [RawHeader, Partial<FileEntry>][] = [
    [{ type: "0" }, { type: "file" }],
    [{ type: "\0" }, { type: "file" }],
    [{ type: "7" }, { type: "file" }],
    [{ type: "\0", name: "a/" }, { type: "directory" }],
    [{ type: "0", name: "a/" }, { type: "file" }],
    [{ type: "1", link: "./b//c" }, { type: "hardlink", linkTarget: "b/c" }],
    [{ type: "2", link: "../b//" }, { type: "symlink", linkTarget: "../b//" }],
    [{ type: "3", major: 1, minor: 3 }, { type: "character-device", devMajor: 1, devMinor: 3 }],
    [{ type: "4", major: 8, minor: 255 }, { type: "block-device", devMajor: 8, devMinor: 255 }],
    [{ type: "5", name: "a/" }, { type: "directory" }],
    [{ type: "6" }, { type: "fifo" }],
  ];
  const base = { path: "a", mode: 0o644, uid: 0, gid: 0, sizeBytes: 0, mtimeSeconds: 0 };
  for (const [header, expected] of types) {
    assert.deepEqual((await readOne(rawHeader({ name: "a", ...header }))).entry, {
      ...base,
      ...expected,
    });
  }
});

test("readTar() takes no content from links, devices and directories, whatever their size says", async () => {
  for (const type of ["1", "2", "3", "4", "5", "6"]) {
    const members = await read(
      joined(
        rawHeader({ name: "a", type, link: "b", size: 512 }),
        rawMember({ name: "b" }, "x"),
        END,
      ),
    );
    assert.deepEqual(members.map(({ entry }) => [entry.path, entry.sizeBytes]), [["a", 0], [
      "b",
      1,
    ]]);
  }
});

test("readTar() joins the ustar prefix, and star's shorter one, but not GNU's other fields", async () => {
  assert.equal((await readOne(rawHeader({ name: "b", prefix: "a" }))).entry.path, "a/b");
  const long = "p".repeat(155);
  assert.equal((await readOne(rawHeader({ name: "b", prefix: long }))).entry.path, `${long}/b`);
  const star = rawHeader({
    name: "b",
    prefix: `${"p".repeat(131)}00000000000 `,
    patches: [[508, "tar\0"]],
  });
  assert.equal((await readOne(star)).entry.path, `${"p".repeat(131)}/b`);
  const gnu = rawHeader({ name: "b", magic: "gnu", prefix: "00000000000" });
  assert.equal((await readOne(gnu)).entry.path, "b");
});

test("readTar() reads numbers in octal with any padding, and in base-256", async () => {
  const encoder = new TextEncoder();
  const fields: [RawHeader, Partial<FileEntry>][] = [
    [{ uid: encoder.encode("    12 \0") }, { uid: 10 }],
    [{ uid: encoder.encode("12\0\0\0\0\0\0") }, { uid: 10 }],
    [{ uid: encoder.encode("\0\0\0\0\0\0\0\0") }, { uid: 0 }],
    [{ uid: encoder.encode("12\x00garba") }, { uid: 10 }],
    [{ uid: encoder.encode("77777777") }, { uid: 0o77777777 }],
    [{ uid: base256(3_000_000n, 8) }, { uid: 3_000_000 }],
    [{ mtime: base256(-1n, 12) }, { mtimeSeconds: -1 }],
    [{ mtime: base256(1n << 40n, 12) }, { mtimeSeconds: 2 ** 40 }],
  ];
  for (const [header, expected] of fields) {
    const { entry } = await readOne(rawHeader({ name: "a", ...header }));
    assert.deepEqual({ ...entry, ...expected }, entry);
  }
});

test("readTar() accepts signed checksums", async () => {
  const name = Uint8Array.of(0xc3, 0xa9, 0xff);
  assert.equal((await readOne(rawHeader({ name, checksum: "signed" }))).entry.path, "é\udcff");
});

test("readTar() reads GNU long names and links", async () => {
  const name = "n".repeat(300);
  const link = "l".repeat(200);
  const { entry } = await readOne(
    rawMember({ name: "././@LongLink", type: "K", magic: "gnu" }, `${link}\0`),
    rawMember({ name: "././@LongLink", type: "L", magic: "gnu" }, `${name}\0`),
    rawHeader({ name: "n", type: "2", link: "l", magic: "gnu" }),
  );
  assert.deepEqual([entry.path, entry.linkTarget], [name, link]);
});

test("readTar() applies PAX records", async () => {
  const records = {
    path: "dir/é",
    size: "3",
    uid: "3000000",
    gid: "4294967294",
    mtime: "-1.5",
    comment: "x",
    "SCHILY.acl.access": "y",
  };
  const { entry, text } = await readOne(
    rawPax(records),
    rawHeader({ name: "x" }),
    rawMember({}, "abc").subarray(512),
  );
  assert.deepEqual(entry, {
    path: "dir/é",
    type: "file",
    mode: 0o644,
    uid: 3000000,
    gid: 4294967294,
    sizeBytes: 3,
    mtimeSeconds: -2,
  });
  assert.equal(text, "abc");
});

test("readTar() rounds PAX times down", async () => {
  for (
    const [text, seconds] of [["1.9", 1], ["-1", -1], ["-1.0", -1], ["-0.1", -1], ["-0", 0], [
      "7.",
      7,
    ]] as const
  ) {
    const { entry } = await readOne(rawPax({ mtime: text }), rawHeader({ name: "a" }));
    assert.ok(Object.is(entry.mtimeSeconds, seconds), text);
  }
});

test("readTar() keeps xattr values binary, and names that JavaScript knows", async () => {
  const value = Uint8Array.of(0, 1, 0x3d, 0x0a, 0xff);
  const { entry } = await readOne(
    rawPax({
      "SCHILY.xattr.user.bin": value,
      "SCHILY.xattr.user.empty": "",
      "SCHILY.xattr.__proto__": "p",
      "LIBARCHIVE.xattr.user.bin": "Zm9v",
      "LIBARCHIVE.xattr.user.%C3%A9": "Zm9v",
    }),
    rawHeader({ name: "a" }),
  );
  const xattrs = entry.xattrs ?? {};
  assert.deepEqual(Object.keys(xattrs).sort(), ["__proto__", "user.bin", "user.empty", "user.é"]);
  assert.deepEqual(xattrs["user.bin"], value);
  assert.deepEqual(xattrs["user.empty"], new Uint8Array());
  assert.deepEqual(xattrs["user.é"], new TextEncoder().encode("foo"));
  assert.equal(Object.getPrototypeOf(xattrs), Object.prototype);
});

test("readTar() keeps global PAX records until they are changed or taken back", async () => {
  const members = await read(joined(
    rawPax({ uid: "5", gid: "6" }, "g"),
    rawHeader({ name: "a", uid: 1 }),
    rawPax({ uid: "7", gid: "" }),
    rawHeader({ name: "b", uid: 1, gid: 2 }),
    rawPax({ uid: "" }, "g"),
    rawHeader({ name: "c", uid: 1 }),
    END,
  ));
  assert.deepEqual(members.map(({ entry }) => [entry.uid, entry.gid]), [[5, 6], [7, 2], [1, 6]]);
});

test("readTar() normalises names and keeps the raw ones", async () => {
  const names: [string, string][] = [["./a/./b//c", "a/b/c"], ["/etc/x", "etc/x"], ["...", "..."], [
    "a/..b",
    "a/..b",
  ]];
  for (const [raw, path] of names) {
    const member = await readOne(rawHeader({ name: raw }));
    assert.deepEqual([member.rawPath, member.entry.path], [raw, path]);
  }
  for (const raw of ["./", "/", ".", "././/"]) {
    assert.equal((await readOne(rawHeader({ name: raw, type: "5" }))).entry.path, "");
  }
});

test("indexTar() leaves out the root", () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "layer.tar");
  writeFileSync(
    path,
    joined(rawHeader({ name: "./", type: "5" }), rawMember({ name: "./a" }, "x"), END),
  );
  assert.deepEqual(indexTar(path).map((entry) => [entry.path, entry.content]), [
    ["a", { kind: "slice", path, offset: 1024 }],
  ]);
});

test("readTar() reads its source to the end, and closes it when stopped early", async () => {
  let position = 0;
  let closed = false;
  const archive = joined(
    rawMember({ name: "a" }, "hi"),
    rawMember({ name: "b" }, "ho"),
    END,
    new Uint8Array(4000),
  );
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      for (position = 0; position < archive.length; position += 512) {
        yield archive.subarray(position, position + 512);
      }
    } finally {
      closed = true;
    }
  }
  for await (const _ of readTar(source()));
  assert.ok(position >= archive.length);
  closed = false;
  for await (const _ of readTar(source())) break;
  assert.ok(closed && position < archive.length);
});

test("readTar() refuses to read a body twice, or after the next member was asked for", async () => {
  const bodies: AsyncIterable<Uint8Array>[] = [];
  const archive = joined(rawMember({ name: "a" }, "hi"), rawMember({ name: "b" }, "ho"), END);
  const drain = async (body: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const _ of body);
  };
  for await (const member of readTar(inPieces(archive))) {
    for (const earlier of bodies) {
      await assert.rejects(drain(earlier), { code: "TAR_INVALID", message: /"a".*passed over/ });
    }
    if (member.entry.path === "b") {
      await drain(member.body());
      await assert.rejects(drain(member.body()), {
        code: "TAR_INVALID",
        message: /"b".*read before/,
      });
    }
    bodies.push(member.body());
  }
});
