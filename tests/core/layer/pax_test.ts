import assert from "node:assert/strict";
import { test } from "node:test";
import { encodePax, parsePax, paxRecordSizeBytes } from "../../../core/layer/pax.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("encodePax() counts the digits of the length in the length", () => {
  for (let length = 0; length < 1200; length++) {
    const record = encodePax([["k", new Uint8Array(length).fill(0x61)]]);
    assert.equal(parseInt(new TextDecoder().decode(record), 10), record.length);
    assert.equal(paxRecordSizeBytes(1, length), record.length);
  }
});

test("encodePax() sorts records by key", () => {
  const records = [["path", bytes("p")], ["SCHILY.xattr.a", bytes("x")], [
    "mtime",
    bytes("1"),
  ]] as const;
  const text = new TextDecoder().decode(encodePax(records));
  assert.equal(text, "20 SCHILY.xattr.a=x\n11 mtime=1\n9 path=p\n");
});

test("parsePax() keeps binary values and repeated keys", () => {
  const value = Uint8Array.of(0, 10, 61, 255);
  const records = [["a", value], ["a", bytes("2")]] as const;
  assert.deepEqual(parsePax(encodePax(records)), records);
});

const damaged = [
  "x a=b\n",
  "a=b\n",
  " a=b\n",
  "6 a=b",
  "6 a=bX",
  "5 a=b\n",
  "7 a=b\n",
  "4 a\n\n",
  "5 =b\n",
  "0 a=b\n",
  "-6 a=b\n",
  "6  a=b\n\0",
  "99999999999999999999 a=b\n",
  "6 a=b\n6 a=",
  "2 6 a=b\n",
];
for (const text of damaged) {
  test(`parsePax() refuses ${JSON.stringify(text)}`, () => {
    assert.equal(parsePax(bytes(text)), undefined);
  });
}
