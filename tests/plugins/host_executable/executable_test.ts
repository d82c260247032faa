import assert from "node:assert/strict";
import { test } from "node:test";
import { executable } from "../../../plugins/host_executable/executable.ts";

test("executable() rejects what is neither a name nor the absolute path of a file", () => {
  for (
    const program of ["", ".", "..", "./bun", "bin/bun", "/", "/usr/bin/", "/usr/../bin/bun", "a b"]
  ) {
    assert.throws(() => executable(program), { code: "OPTION_INVALID" }, program);
  }
  assert.throws(() => executable(new URL("https://example.com/bun")), { code: "OPTION_INVALID" });
  for (const as of ["", "bun", "/", "/usr/bin/", "/a//b", "/a/./b", "/a/../b"]) {
    assert.throws(() => executable("bun", { as }), { code: "OPTION_INVALID" }, as);
  }
  assert.equal(
    executable(new URL("file:///opt/my%20tool")).identifier,
    "host-executable:///opt/my tool",
  );
  assert.deepEqual(executable("bun", { as: "/bin/..bun" }).attributes, { as: "/bin/..bun" });
});
