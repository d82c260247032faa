import assert from "node:assert/strict";
import { test } from "node:test";
import { executorLadder, ociExecutor } from "../../../plugins/runtime/mod.ts";

test("probe() gives a reason and a fix for everything that is missing, and a usable ladder no missing need", async () => {
  for (const executor of [...executorLadder(), ociExecutor({ runtime: "runc" })]) {
    const { usable, findings, snapshotVariant } = await executor.probe();
    assert.match(snapshotVariant ?? "", /^(root|user-[0-9]+-(range|single))$/);
    assert.notEqual(findings.length, 0);
    for (const { name, found, detail, fix, optional } of findings) {
      assert.notEqual(detail, "", name);
      if (found) continue;
      assert.match(fix ?? "", /./, name);
      assert.ok(!usable || optional === true, name);
    }
  }
});

test("executorLadder() prefers the container runtime", () => {
  assert.deepEqual(executorLadder().map(({ name }) => name), ["oci", "util"]);
});
