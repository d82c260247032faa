import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { parseImageConfig } from "../../core/oci/image_config.ts";
import { executorLadder } from "../../plugins/runtime/mod.ts";
import app from "../../recipes/app.ts";
import { startAndCheckHealth } from "../support/run_image.ts";
import { programPath } from "../support/program_path.ts";
import { recipeDigests } from "../support/recipe_digests.ts";
import { tempEngine } from "../support/temp_engine.ts";

const probes = await Promise.all(executorLadder().map((executor) => executor.probe()));
const noRun = !probes.some(({ usable }) => usable) && "needs an executor";
const noRoot = noRun || (process.getuid?.() !== 0 && "needs root") ||
  (programPath("ip") === undefined && "needs ip");

test(
  "recipes/app.ts makes an image whose server passes its own health check without privileges (needs an executor, root, ip)",
  {
    skip: noRoot,
    timeout: 120_000,
  },
  async () => {
    using lw = tempEngine();
    const dest = join(lw.context, "out");
    const { imageId } = await lw.build(app, { outputs: [{ type: "local", dest }] });
    using store = await lw.engine.openStore();
    const { config = {} } = parseImageConfig(await store.blobs.readBytes(imageId, 1 << 20));
    assert.equal(config.User, "65532:65532");
    assert.deepEqual(Object.keys(config.ExposedPorts ?? {}), ["3000/tcp"]);
    assert.equal(config.Healthcheck?.Interval, 10_000_000_000);
    startAndCheckHealth(dest, config);
  },
);

test("recipes/app.ts prints one digest, on every runtime, in clean stores (needs an executor)", {
  skip: noRun,
  timeout: 120_000,
}, () => {
  const digests = recipeDigests("app");
  assert.match(digests[0] ?? "", /^sha256:[0-9a-f]{64}\n$/);
  assert.equal(new Set(digests).size, 1);
});
