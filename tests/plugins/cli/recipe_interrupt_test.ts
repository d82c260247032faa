import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runRecorded } from "../../support/recorded_cli.ts";
import { tempEngine } from "../../support/temp_engine.ts";

test("runCli() hears a signal while a recipe is loaded that never ends", async () => {
  using lw = tempEngine();
  writeFileSync(join(lw.context, "layerwright.ts"), "export default new Promise(() => {});\n");
  const controller = new AbortController();
  const running = runRecorded(["build"], lw.engine, {
    workingDirectory: lw.context,
    interrupt: controller.signal,
  });
  controller.abort("SIGTERM");
  const { code, stderr } = await running;
  assert.equal(code, 143);
  assert.match(stderr, /BUILD_CANCELLED/);
});
