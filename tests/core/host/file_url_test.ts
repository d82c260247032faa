import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { filePathOf } from "../../../core/host/file_url.ts";

test("filePathOf() gives and refuses what fileURLToPath() does", () => {
  for (
    const url of ["file:///srv/a%20b", "file:///a/../b/", "file:///%C3%BC?x#y", "file:///a//b"]
  ) {
    assert.equal(filePathOf(url), fileURLToPath(url));
    assert.equal(filePathOf(new URL(url)), fileURLToPath(url));
  }
  for (const url of ["file:///a%2fb", "file://host/a", "https://example.com/", "a/b"]) {
    assert.throws(() => fileURLToPath(url), url);
    assert.throws(() => filePathOf(url), url);
  }
});
