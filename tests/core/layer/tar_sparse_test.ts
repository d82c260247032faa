import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { indexTar, readTar } from "../../../core/layer/tar_reader.ts";
import { END, joined, paxRecord, rawHeader, rawMember, rawPax } from "../../support/raw_tar.ts";
import { inPieces, read } from "../../support/tar_reading.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

test("readTar() expands each sparse format", async () => {
  const stored = "abcdefgh";
  const expected = `\0\0abc\0\0\0\0\0defgh\0\0\0\0\0`;
  const map = "2\n2\n3\n10\n5\n".padEnd(512, "\0");
  const size = { "GNU.sparse.size": "20", "GNU.sparse.numblocks": "2" };
  const pairs = joined(
    paxRecord("GNU.sparse.size", "20"),
    paxRecord("GNU.sparse.offset", "2"),
    paxRecord("GNU.sparse.numbytes", "3"),
    paxRecord("GNU.sparse.offset", "10"),
    paxRecord("GNU.sparse.numbytes", "5"),
  );
  const octal = (value: number): string => `${value.toString(8).padStart(11, "0")}\0`;
  const old = (
    offsets: readonly number[],
    at: number,
  ): [number, string] => [at, offsets.map(octal).join("")];
  const forms: [string, Uint8Array[]][] = [
    ["0.0", [rawMember({ type: "x" }, pairs), rawMember({ name: "s" }, stored)]],
    ["0.1", [
      rawPax({ ...size, "GNU.sparse.name": "s", "GNU.sparse.map": "2,3,10,5" }),
      rawMember({ name: "GNUSparseFile.0/s" }, stored),
    ]],
    ["1.0", [
      rawPax({
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "s",
        "GNU.sparse.realsize": "20",
      }),
      rawMember({ name: "GNUSparseFile.0/s" }, map + stored),
    ]],
    ["old", [
      rawMember({
        name: "s",
        type: "S",
        magic: "gnu",
        patches: [old([2, 3, 10, 5], 386), [483, octal(20)]],
      }, stored),
    ]],
    ["old, continued", [
      rawHeader({
        name: "s",
        type: "S",
        magic: "gnu",
        size: 8,
        patches: [old([2, 1, 3, 1, 4, 1, 10, 1], 386), [482, "\x01"], [483, octal(20)]],
      }),
      new TextEncoder().encode([11, 4, 20, 0].map(octal).join("").padEnd(512, "\0")),
      rawMember({}, stored).subarray(512),
    ]],
  ];
  for (const [form, parts] of forms) {
    const members = await read(joined(...parts, rawMember({ name: "next" }, "n"), END));
    assert.deepEqual(members.map((m) => [m.entry.path, m.entry.sizeBytes, m.text]), [
      ["s", 20, expected],
      ["next", 1, "n"],
    ], form);
  }
});

test("indexTar() refuses sparse files", () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "layer.tar");
  writeFileSync(
    path,
    joined(
      rawPax({ "GNU.sparse.size": "2", "GNU.sparse.map": "0,1" }),
      rawMember({ name: "s" }, "x"),
      END,
    ),
  );
  assert.throws(() => indexTar(path), { code: "TAR_UNSUPPORTED", message: /member 1 "s"/ });
});

test("readTar() gives holes of any size without storing them", async () => {
  const records = { "GNU.sparse.size": String(2 ** 52), "GNU.sparse.map": `${2 ** 52 - 1},1` };
  const archive = joined(rawPax(records), rawMember({ name: "s" }, "x"), END);
  for await (const { entry, body } of readTar(inPieces(archive))) {
    assert.equal(entry.sizeBytes, 2 ** 52);
    for await (const piece of body()) {
      assert.ok(piece.length <= 1 << 20);
      break;
    }
  }
});
