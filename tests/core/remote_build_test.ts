/** Builds whose RUN steps run at the other end of a pipe. */
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  cacheMount,
  createEngine,
  defaultPlugins,
  image,
  type LayerwrightError,
  type ProgressEvent,
  remoteRuntime,
} from "../../mod.ts";
import { busyboxImage, runObstacle } from "../support/busybox_image.ts";
import { workerCommand } from "../support/remote_worker.ts";
import { tempEngine } from "../support/temp_engine.ts";
import { temporaryDirectory } from "../support/temporary_directory.ts";

const reason = await runObstacle();
const options = { skip: reason ?? false, timeout: 120_000 };
const suffix = reason === undefined ? "" : ` (${reason})`;

test(
  `a build with a remote executor gives the image that one without gives${suffix}`,
  options,
  async () => {
    using lw = tempEngine();
    using far = temporaryDirectory();
    const farHome = join(far.path, "far");
    const home = join(far.path, "near");
    const remote = remoteRuntime({ command: workerCommand(farHome) });
    const engine = createEngine({ plugins: [remote, ...defaultPlugins], home });
    const side = image().from(busyboxImage()).run("mkdir /side && echo side > /side/file");
    const recipe = image().from(busyboxImage())
      .run(
        "n=$(cat /cache/n 2>/dev/null || echo 0); echo $((n + 1)) > /cache/n; rm /usr/bin/wc; ls / > /seen",
        {
          mounts: [cacheMount("/cache")],
        },
      )
      .run("chmod 4711 /usr/bin/busybox; ln /seen /linked; echo x > /x")
      .copy("/side", "/", { from: side });
    const order = { progress: "none", contextDirectory: lw.context } as const;
    const [there, here] = [await engine.build(recipe, order), await lw.build(recipe)];
    assert.equal(there.imageId, here.imageId);
    assert.equal(await there.digest(), await here.digest());
    {
      using store = await engine.openStore();
      assert.deepEqual(store.snapshots.list(), []);
      assert.deepEqual(readdirSync(join(store.home, "tmp")), []);
    }
    assert.deepEqual(readdirSync(join(farHome, "tmp")), []);
    // The cache is the other machine's, and is there for the next build.
    const [variant = ""] = readdirSync(join(farHome, "cache-mounts"));
    const [name = ""] = readdirSync(join(farHome, "cache-mounts", variant));
    assert.equal(existsSync(join(farHome, "cache-mounts", variant, name, "n")), true);
    const again = image().from(busyboxImage()).run("cat /cache/n", {
      mounts: [cacheMount("/cache")],
    });
    let output = "";
    const event = (event: ProgressEvent): void => {
      if (event.type === "log") output += new TextDecoder().decode(event.bytes);
    };
    await engine.build(again, { ...order, progress: { event, close(): void {} } });
    assert.equal(output, "1\n");
    const failing = image().from(busyboxImage()).run("exit 3");
    await assert.rejects(engine.build(failing, order), { code: "RUN_FAILED" });
  },
);

test(`executor: the one that is named runs steps, or nothing does${suffix}`, options, async () => {
  using lw = tempEngine();
  const recipe = image().from(busyboxImage()).run("true");
  await assert.rejects(lw.build(recipe, { executor: "utl" }), {
    code: "OPTION_INVALID",
    message: /did you mean "util"/,
  });
  await assert.rejects(lw.build(recipe, { executor: "remote" }), (error: LayerwrightError) => {
    assert.equal(error.code, "RUNTIME_MISSING");
    assert.match(error.details[0] ?? "", /LAYERWRIGHT_REMOTE/);
    return true;
  });
  const dead = remoteRuntime({ command: ["sh", "-c", "echo no route to host >&2; exit 255"] });
  const engine = createEngine({ plugins: [dead, ...defaultPlugins], home: lw.home });
  await assert.rejects(engine.build(recipe, { progress: "none" }), { code: "RUN_WORKER_FAILED" });
  const { chosen, executors } = await engine.probe();
  assert.equal(chosen, undefined);
  assert.equal(executors[0]?.usable, false);
  assert.match(executors[0]?.findings[0]?.detail ?? "", /no route to host/);
  assert.notEqual((await lw.engine.probe()).chosen, undefined);
});
