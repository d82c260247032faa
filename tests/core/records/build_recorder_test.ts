/** What a store remembers of builds: through the whole engine, on whatever executor this machine has. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { host } from "../../../core/host/mod.ts";
import { indexTar } from "../../../core/layer/tar_reader.ts";
import { parseImageConfig } from "../../../core/oci/image_config.ts";
import { parseManifest } from "../../../core/oci/manifest.ts";
import { planGc } from "../../../core/store/gc.ts";
import {
  type BuildTarget,
  cacheMount,
  image,
  inlineFile,
  LayerwrightError,
  type PastBuild,
  type ProgressEvent,
  secretMount,
} from "../../../mod.ts";
import { busyboxImage, runObstacle } from "../../support/busybox_image.ts";
import { type TempEngine, tempEngine } from "../../support/temp_engine.ts";

const reason = await runObstacle();
const options = { skip: reason !== undefined, timeout: 120_000 };
const suffix = reason === undefined ? "" : ` (${reason})`;
const base = busyboxImage();

/** The error that a build fails with. */
async function failureOf(
  lw: TempEngine,
  target: BuildTarget,
  more: Parameters<TempEngine["build"]>[1] = {},
): Promise<LayerwrightError> {
  const error = await lw.build(target, more).then(() => undefined, (thrown) => thrown);
  assert.ok(error instanceof LayerwrightError, "the build did not fail");
  return error;
}

async function onlyBuild(lw: TempEngine): Promise<PastBuild> {
  const [build, ...more] = await lw.engine.builds();
  assert.ok(build !== undefined && more.length === 0);
  return build;
}

function reporter(events: ProgressEvent[]): { event(event: ProgressEvent): void; close(): void } {
  return { event: (event) => void events.push(event), close: () => {} };
}

test("a build that runs nothing, or fails before it has made anything, leaves no record", async () => {
  using lw = tempEngine();
  await lw.build(image().from("scratch").copy(inlineFile("a", "a"), "/a"));
  await failureOf(lw, image().from("scratch").copy("missing", "/"));
  assert.equal(existsSync(join(lw.home, "builds")), false);
  assert.deepEqual(await lw.engine.builds(), []);
});

test("a failed COPY is remembered with the image it was to be added to", async () => {
  using lw = tempEngine();
  const recipe = image("web").from("scratch").copy(inlineFile("a", "a"), "/a").env({ A: "1" });
  const error = await failureOf(lw, recipe.copy("missing", "/"));
  assert.equal(error.code, "COPY_SOURCE_MISSING");
  const build = await onlyBuild(lw);
  assert.equal(error.build, build.id);
  assert.deepEqual([build.image, build.outcome, build.failure?.step], ["web", "failed", 2]);
  assert.match(build.recipe ?? "", /build_recorder_test\.ts$/);
  using store = await lw.engine.openStore();
  const reference = `lw-failed:${build.id}`;
  const manifest = store.refs.get(reference);
  assert.ok(manifest !== undefined);
  const { config } = parseManifest(await store.blobs.readBytes(manifest.digest, 1 << 20));
  assert.deepEqual(error.details.slice(-2), [
    `last good image: ${reference} (${config.digest})`,
    `to look around where it failed: layerwright shell ${build.id}`,
  ]);
  const made = parseImageConfig(await store.blobs.readBytes(config.digest, 1 << 20));
  assert.ok(made.config?.Env?.includes("A=1"));
  const paths = made.rootfs.diff_ids.map((diffId) => store.blobs.path(diffId) ?? "");
  assert.deepEqual(paths.flatMap((path) => indexTar(path).map((entry) => entry.path)), ["a"]);
});

test(
  `a build that ran a step is remembered, with all that the step printed${suffix}`,
  options,
  async () => {
    using lw = tempEngine();
    const recipe = image("app").from(base).run("seq 2000; echo oops >&2").run("true");
    await lw.build(recipe);
    const { id, outcome, steps, directory, wasKilled, endedMs = 0, startedMs } = await onlyBuild(
      lw,
    );
    assert.deepEqual([outcome, wasKilled], ["succeeded", false]);
    assert.ok(endedMs >= startedMs);
    assert.deepEqual(
      steps.map(({ number, outcome: how, exitCode, log }) => [number, how, exitCode, log]),
      [
        [1, "run", undefined, undefined],
        [2, "run", 0, undefined],
        [3, "run", 0, "logs/3.log"],
        [4, "run", 0, undefined],
      ],
    );
    const numbers = Array.from({ length: 2000 }, (_, index) => `${index + 1}\n`).join("");
    const text = readFileSync(join(directory, "logs/3.log"), "utf8");
    // Output and errors come by two ways: which of two lines that are written at once is first is not known.
    assert.equal(text.replace("oops\n", ""), numbers);
    assert.match(steps[2]?.at ?? "", /build_recorder_test\.ts:\d+$/);
    // All hits: there is nothing to remember.
    await lw.build(recipe);
    assert.equal((await onlyBuild(lw)).id, id);
  },
);

test(
  `a failed step leaves its files, its output and the way to them${suffix}`,
  options,
  async () => {
    using lw = tempEngine();
    const events: ProgressEvent[] = [];
    const recipe = image("app").from(base).run("mkdir /d; echo 1 > /d/old; echo 2 > /d/gone")
      .run("echo new > /d/new; rm /d/gone; echo printed; exit 3", {
        mounts: [cacheMount("/etc/c")],
      });
    const error = await failureOf(lw, recipe, { progress: reporter(events) });
    const { id, directory, kept, failure, steps } = await onlyBuild(lw);
    const log = join(directory, "logs/4.log");
    assert.deepEqual([error.build, error.code, failure?.step], [id, "RUN_FAILED", 4]);
    assert.equal(steps[3]?.exitCode, 3);
    assert.ok(error.details.includes(`full log: ${log}`), error.format());
    assert.equal(readFileSync(log, "utf8"), "printed\n");
    const failed = events.find(({ type }) => type === "failed");
    assert.equal(failed?.type === "failed" ? failed.log : undefined, log);
    assert.deepEqual(kept?.roots, [4]);
    const root = join(directory, "failed/4");
    // Nothing of its mounts, which the image has no places for.
    assert.deepEqual(readdirSync(root), ["d"]);
    assert.equal(readFileSync(join(root, "d/new"), "utf8"), "new\n");
    // A whiteout.
    assert.deepEqual(readdirSync(join(root, "d")).sort(), ["gone", "new"]);
    using store = await lw.engine.openStore();
    const needed = new Set<string>(kept?.digests);
    assert.equal(needed.size, 3);
    for (const { digest, why } of planGc(store, { cacheLimitBytes: 0, graceMs: -10_000 }).kept) {
      assert.match(why, needed.delete(digest) ? /./ : /lw-failed/);
    }
    assert.equal(needed.size, 0);
  },
);

test(
  `a failed step leaves no trace of places that were made for its mounts${suffix}`,
  options,
  async () => {
    using lw = tempEngine();
    // A file that was removed hides the place that is kept beneath all layers.
    const recipe = image().from(base).run("mkdir -p /x/y && touch /x/y/z").run("rm -r /x");
    const mounts = [cacheMount("/x/y/z/cache")];
    await failureOf(lw, recipe.run("touch /left; false", { mounts }));
    const build = await onlyBuild(lw);
    assert.deepEqual(readdirSync(join(build.directory, "failed/5")), ["left"]);
  },
);

test(
  `the files of the last five failures are kept, and no others, whatever steps made of them${suffix}`,
  options,
  async () => {
    using lw = tempEngine();
    for (let round = 0; round < 7; round += 1) {
      await failureOf(
        lw,
        image().from(base).run(`mkdir /d; echo ${round} > /d/f; chmod 0 /d; exit 1`),
      );
    }
    const builds = await lw.engine.builds();
    assert.equal(builds.length, 7);
    const kept = builds.map((build) => build.kept !== undefined);
    assert.deepEqual(kept, [true, true, true, true, true, false, false]);
    for (const { directory } of builds.slice(0, 5)) {
      assert.deepEqual(readdirSync(join(directory, "failed/3")), ["d"]);
    }
    for (const { directory } of builds.slice(5)) {
      assert.equal(existsSync(join(directory, "failed")), false);
    }
    assert.deepEqual(readdirSync(join(lw.home, "tmp")), []);
    using store = await lw.engine.openStore();
    assert.equal(store.refs.list().length, 5);
  },
);

test(`secrets are in no record and in no log${suffix}`, options, async () => {
  using lw = tempEngine();
  const value = "swordfish-1234";
  const step = image().from(base).run("cat /run/secrets/a; echo $B; exit 4", {
    mounts: [secretMount("a", { required: true }), secretMount("b", { env: "B" })],
  });
  await failureOf(lw, step, { secrets: [{ id: "a", value }, { id: "b", value: `${value}-b` }] });
  const { directory } = await onlyBuild(lw);
  for (const name of ["record.json", "logs/3.log"]) {
    assert.doesNotMatch(readFileSync(join(directory, name), "utf8"), /swordfish/, name);
  }
});

test(
  `a cancelled build and a killed one are remembered as what they are${suffix}`,
  options,
  async () => {
    using lw = tempEngine();
    const abort = new AbortController();
    const sleeping = image("app").from(base).run("echo begun; sleep 100");
    const progress = {
      event(event: ProgressEvent): void {
        if (event.type === "log") abort.abort();
      },
      close(): void {},
    };
    const error = await failureOf(lw, sleeping, { signal: abort.signal, progress });
    assert.deepEqual([error.code, error.build], ["BUILD_CANCELLED", undefined]);
    const cancelled = await onlyBuild(lw);
    assert.deepEqual([cancelled.outcome, cancelled.kept], ["cancelled", undefined]);

    const script = fileURLToPath(new URL("../../support/sleeping_build.ts", import.meta.url));
    const [program = "", ...args] = host.selfCommand(script);
    const child = spawn(program, [...args, lw.home], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    child.kill("SIGKILL");
    await once(child, "close");
    const [killed] = await lw.engine.builds();
    assert.deepEqual([killed?.outcome, killed?.wasKilled], ["running", true]);
    assert.equal(readFileSync(join(killed?.directory ?? "", "logs/3.log"), "utf8"), "begun\n");
  },
);
