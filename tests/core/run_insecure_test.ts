/** Steps that ask for all privileges: only in builds that allow it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ExecSession, type Executor, LayerwrightError } from "../../core/mod.ts";
import { createEngine, image } from "../../mod.ts";
import { busyboxImage, runObstacle } from "../support/busybox_image.ts";
import { tempEngine } from "../support/temp_engine.ts";

const reason = await runObstacle();
const suffix = reason === undefined ? "" : ` (${reason})`;
const insecure = { security: "insecure" } as const;

test("run() with security insecure is refused before anything is started, whether it ran before or not", async () => {
  using lw = tempEngine();
  let opened = 0;
  const executor: Executor = {
    name: "none",
    probe: () => Promise.resolve({ usable: true, findings: [], snapshotVariant: "none" }),
    open(): Promise<ExecSession> {
      opened++;
      return Promise.reject(new Error("opened"));
    },
  };
  const engine = createEngine({
    plugins: [{ name: "none", executors: [executor] }],
    home: lw.home,
  });
  const recipe = image().from("scratch").run(["/a"], insecure);
  for (const allow of [undefined, [], ["network.host"]]) {
    const options = { contextDirectory: lw.context, progress: "none" } as const;
    await assert.rejects(
      engine.build(recipe, { ...options, ...allow === undefined ? {} : { allow } }),
      (error) => {
        assert.ok(error instanceof LayerwrightError);
        assert.equal(error.code, "RUN_NOT_ALLOWED");
        assert.match(error.hint ?? "", /--allow security\.insecure/);
        assert.match(error.at?.file ?? "", /run_insecure_test/);
        return true;
      },
    );
  }
  assert.equal(opened, 0);
  // A plan shows what would be run.
  const { steps } = await engine.plan(recipe, { contextDirectory: lw.context });
  assert.equal(steps.length, 1);
});

test(
  `run() with security insecure has the privileges it asks for when the build allows it${suffix}`,
  { skip: reason !== undefined, timeout: 120_000 },
  async () => {
    using lw = tempEngine();
    const recipe = busyboxImage().run("mkdir /mnt; mount -t tmpfs t /mnt", insecure);
    await lw.build(recipe, { allow: ["security.insecure"] });
    // It is in the store now, and still not for those who do not allow it.
    await assert.rejects(lw.build(recipe), { code: "RUN_NOT_ALLOWED" });
  },
);
