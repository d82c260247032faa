import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { VERSION } from "../../../plugins/cli/version.ts";

test("VERSION is that of both manifests", () => {
  for (const name of ["package.json", "deno.json"]) {
    const manifest = JSON.parse(readFileSync(new URL(`../../../${name}`, import.meta.url), "utf8"));
    assert.equal(manifest.version, VERSION, name);
  }
});
