import assert from "node:assert/strict";
import { test } from "node:test";
import { chainId, chainIds } from "../../../core/oci/chain_id.ts";
import { type DiffID, sha256 } from "../../../core/oci/digest.ts";

const A = sha256<DiffID>("a");
const B = sha256<DiffID>("b");
const C = sha256<DiffID>("c");

test("chainId() is the DiffID for one layer", () => {
  assert.equal(chainId([A]), A);
});

test("chainId() hashes the chain beneath, a space, and the DiffID", () => {
  assert.equal(chainId([A, B]), sha256(`${A} ${B}`));
  assert.equal(chainId([A, B, C]), sha256(`${sha256(`${A} ${B}`)} ${C}`));
});

test("chainId() depends on the order", () => {
  assert.notEqual(chainId([A, B]), chainId([B, A]));
});

test("chainId() rejects a stack without layers", () => {
  assert.throws(() => chainId([]), { code: "CHAIN_EMPTY" });
});

test("chainIds() names every prefix", () => {
  assert.deepEqual(chainIds([A, B, C]), [chainId([A]), chainId([A, B]), chainId([A, B, C])]);
  assert.deepEqual(chainIds([]), []);
});
