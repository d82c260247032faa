import assert from "node:assert/strict";
import { test } from "node:test";
import { cacheKey, COMPAT, preimageJson, Remark } from "../../../core/solve/cache_key.ts";

test("cacheKey() does not depend on the order of properties", () => {
  assert.equal(
    cacheKey({ compat: 1, kind: "run", a: 1, b: [2] }),
    cacheKey({ b: [2], a: 1, kind: "run", compat: 1 }),
  );
});

test("cacheKey() changes with every property, compat among them", () => {
  const preimage = { compat: COMPAT, kind: "run", args: ["a", "b"], user: "" };
  const keys = [
    preimage,
    { ...preimage, compat: COMPAT + 1 },
    { ...preimage, kind: "copy" },
    { ...preimage, args: ["b", "a"] },
    { ...preimage, args: ["a b"] },
    { ...preimage, user: "0" },
  ].map(cacheKey);
  assert.equal(new Set(keys).size, keys.length);
});

test("cacheKey() does not depend on remarks, which are stored with the rest", () => {
  const preimage = { compat: COMPAT, kind: "copy", epoch: 0 };
  const remarked = { ...preimage, names: new Remark(["a"]) };
  assert.equal(cacheKey(remarked), cacheKey(preimage));
  assert.deepEqual(JSON.parse(preimageJson(remarked)), { ...preimage, names: ["a"] });
});
