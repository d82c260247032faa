import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import hello from "../../recipes/hello.ts";
import site from "../../recipes/static_site.ts";
import { recipeDigests } from "../support/recipe_digests.ts";
import { tempEngine } from "../support/temp_engine.ts";

test("recipes/hello.ts makes an image of one file", async () => {
  using lw = tempEngine();
  const dest = join(lw.context, "out");
  await lw.build(hello, { outputs: [{ type: "local", dest }] });
  assert.equal(readFileSync(join(dest, "hello.txt"), "utf8"), "Hello from a layer\n");
});

test("recipes/static_site.ts makes an image of the site's files", async () => {
  using lw = tempEngine();
  const dest = join(lw.context, "out");
  await lw.build(site, { outputs: [{ type: "local", dest }] });
  const page = readFileSync(join(dest, "srv/www/index.html"), "utf8");
  const [, style = ""] = /href="([^"]+)"/.exec(page) ?? [];
  assert.match(readFileSync(join(dest, "srv/www", style), "utf8"), /font-family/);
});

for (const name of ["hello", "static_site"]) {
  test(`recipes/${name}.ts prints one digest, on every runtime, in clean stores`, {
    timeout: 60_000,
  }, () => {
    const digests = recipeDigests(name);
    assert.match(digests[0] ?? "", /^sha256:[0-9a-f]{64}\n$/);
    assert.equal(new Set(digests).size, 1);
  });
}
