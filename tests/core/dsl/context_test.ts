import assert from "node:assert/strict";
import { test } from "node:test";
import { context } from "../../../core/dsl/context.ts";
import { source } from "../../../core/dsl/source.ts";

test("context() takes paths as they are typed and URLs as absolute paths, without a slash at the end", () => {
  assert.equal(context("./web/").path, "./web");
  assert.equal(context("/").path, "/");
  assert.equal(context("//").path, "/");
  assert.equal(context(new URL("file:///srv/my%20app/")).path, "/srv/my app");
});

test("context() keeps its own copy of patterns", () => {
  const ignore = ["a"];
  const made = context(".", { ignore });
  ignore.push("b");
  assert.deepEqual(made.ignore, ["a"]);
});

test("context() refuses what is no directory and names that are not its to give", () => {
  for (const directory of ["", "a\0b", new URL("https://example.com/x")]) {
    assert.throws(() => context(directory), { code: "RECIPE_INVALID" });
  }
  for (const name of ["", "Web", "a b", "../x", "context-12"]) {
    assert.throws(() => context(".", { name }), { code: "RECIPE_INVALID" }, name);
  }
});

test("source() needs a scheme", () => {
  assert.deepEqual({ ...source("git://x/y", { ref: "main" }) }, {
    kind: "source",
    identifier: "git://x/y",
    attributes: { ref: "main" },
  });
  for (const identifier of ["", "debian", "://x", "A://x"]) {
    assert.throws(() => source(identifier), { code: "RECIPE_INVALID" }, identifier);
  }
});
