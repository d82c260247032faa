/**
 * RUN steps through the whole engine, on whatever executor this machine has.
 * Over 300 lines: one image and one scenario serve them all.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { host } from "../../core/host/mod.ts";
import { indexTar } from "../../core/layer/tar_reader.ts";
import { stackTrees, type Tree } from "../../core/layer/tree.ts";
import { parseImageConfig } from "../../core/oci/image_config.ts";
import {
  bindMount,
  type BuildResult,
  cacheMount,
  context,
  createEngine,
  image,
  inlineFile,
  type ProgressEvent,
  sh,
  tmpfsMount,
} from "../../mod.ts";
import { busyboxImage, runObstacle } from "../support/busybox_image.ts";
import { runtimeCommands } from "../support/runtimes.ts";
import { type TempEngine, tempEngine } from "../support/temp_engine.ts";

const reason = await runObstacle();
const options = { skip: reason !== undefined, timeout: 120_000 };
const suffix = reason === undefined ? "" : ` (${reason})`;
const base = busyboxImage();

async function filesOf(lw: TempEngine, result: BuildResult): Promise<Tree> {
  using store = await lw.engine.openStore();
  const { rootfs } = parseImageConfig(await store.blobs.readBytes(result.imageId, 1 << 20));
  return stackTrees(rootfs.diff_ids.map((diffId) => indexTar(store.blobs.path(diffId) ?? "")));
}

/** All that steps wrote. */
function recorder(): {
  readonly output: () => string;
  readonly progress: { event(event: ProgressEvent): void; close(): void };
} {
  let text = "";
  const decoder = new TextDecoder();
  return {
    output: () => text,
    progress: {
      event(event): void {
        if (event.type === "log") text += decoder.decode(event.bytes);
      },
      close: () => {},
    },
  };
}

test(
  `run() makes a layer of what the step changed, and finds it again${suffix}`,
  options,
  async () => {
    using lw = tempEngine();
    const recipe = image().from(base).run(
      "mkdir /made && echo hi > /made/file && chmod 600 /made/file",
    );
    const first = await lw.build(recipe);
    const file = (await filesOf(lw, first)).get("made/file");
    assert.equal(file?.mode, 0o600);
    assert.equal(file?.mtimeSeconds, 0);
    const second = await lw.build(recipe);
    assert.equal(await second.digest(), await first.digest());
    assert.ok(second.steps.every(({ outcome }) => outcome === "hit"));
  },
);

test(
  `run() removes files of lower layers, and a step that changes nothing adds an empty layer${suffix}`,
  options,
  async () => {
    using lw = tempEngine();
    const recipe = image().from(base).copy(inlineFile("f", "x"), "/d/f").run("rm -r /d").run(
      "true",
    );
    const files = await filesOf(lw, await lw.build(recipe));
    assert.equal(files.get("d"), undefined);
  },
);

// Another user than root needs more ids than a namespace of one user has.
const oneId = process.getuid?.() !== 0;
test(
  `run() sees the environment, the directory and the user in force${suffix} (needs root)`,
  { ...options, skip: options.skip || oneId },
  async () => {
    using lw = tempEngine();
    const seen = recorder();
    const recipe = image().from(base).arg("WHO", "arg").env("A", "1").workdir("/work/here").user(
      "1000:1001",
    )
      .run(
        sh`echo ${"it's $HOME"} $A $WHO $EXTRA $(pwd) $(id -u):$(id -g) $(hostname) $SOURCE_DATE_EPOCH`,
        { env: { EXTRA: "x" } },
      );
    await lw.build(recipe, { progress: seen.progress, buildArgs: { WHO: "me" } });
    assert.equal(seen.output(), "it's $HOME 1 me x /work/here 1000:1001 buildkitsandbox 0\n");
  },
);

test(
  `run() mounts stages, contexts, caches and memory, and none of them gets into the layer${suffix}`,
  options,
  async () => {
    using lw = tempEngine({ "tool/name": "context" });
    const other = image("other").from("scratch").copy(inlineFile("o", "stage"), "/o");
    const seen = recorder();
    const mounts = [
      bindMount("/mnt/stage", { from: other }),
      bindMount("/mnt/context", { from: context("./tool") }),
      cacheMount("/mnt/cache"),
      tmpfsMount("/mnt/memory"),
    ];
    const step =
      "cat /mnt/stage/o /mnt/context/name; echo $1 >> /mnt/cache/log; wc -l < /mnt/cache/log; touch /mnt/memory/x";
    const first = await lw.build(image().from(base).run(step, { mounts }), {
      progress: seen.progress,
    });
    await lw.build(image().from(base).run(`${step} #`, { mounts }), { progress: seen.progress });
    assert.equal(seen.output().replace(/\s+/g, " "), "stagecontext1 stagecontext2 ");
    assert.equal((await filesOf(lw, first)).get("mnt"), undefined);
  },
);

test(
  `run() runs again when a file that it could see changes, and only then${suffix}`,
  options,
  async () => {
    using lw = tempEngine({ input: "1", unused: "1" });
    const recipe = image().from(base).copy("input", "/input").run("cp /input /output").copy(
      "unused",
      "/unused",
    );
    await lw.build(recipe);
    lw.write({ unused: "2" });
    assert.deepEqual((await lw.build(recipe)).steps.map(({ outcome }) => outcome).slice(-2), [
      "hit",
      "run",
    ]);
    lw.write({ input: "2" });
    assert.deepEqual((await lw.build(recipe)).steps.map(({ outcome }) => outcome).slice(-3), [
      "run",
      "run",
      "hit",
    ]);
  },
);

test(
  `a step that comes to the same layer as before does not run those after it${suffix}`,
  options,
  async () => {
    using lw = tempEngine({ input: "1" });
    const recipe = image().from(base).run("cat /mnt/input > /dev/null; echo same > /result", {
      mounts: [bindMount("/mnt", { from: context(".") })],
    })
      .run("echo after > /after");
    await lw.build(recipe);
    lw.write({ input: "2" });
    assert.deepEqual((await lw.build(recipe)).steps.map(({ outcome }) => outcome).slice(-2), [
      "run",
      "hit",
    ]);
  },
);

test(
  `plan() says that steps after one that has to run are pending, and runs nothing${suffix}`,
  options,
  async () => {
    using lw = tempEngine();
    const stage = busyboxImage("stage");
    await lw.build(stage);
    const recipe = image().from(stage).run("echo x > /x").copy(inlineFile("y", ""), "/y");
    const plan = await lw.plan(recipe);
    assert.deepEqual(plan.steps.map(({ outcome }) => outcome), ["hit", "hit", "run", "pending"]);
    assert.equal(plan.digest, undefined);
  },
);

test(`a failed step says how it ended, where, and keeps its output${suffix}`, options, async () => {
  using lw = tempEngine();
  const seen = recorder();
  const recipe = image().from(base).run("echo before; exit 7");
  await assert.rejects(
    lw.build(recipe, { progress: seen.progress }),
    (error: Error & { code?: string; at?: { file: string; text?: string } }) => {
      assert.equal(error.code, "RUN_FAILED");
      assert.equal(
        error.message,
        'process "/bin/sh -c echo before; exit 7" did not complete successfully: exit code: 7',
      );
      assert.match(error.at?.file ?? "", /run_test\.ts$/);
      assert.match(error.at?.text ?? "", /exit 7/);
      return true;
    },
  );
  assert.equal(seen.output(), "before\n");
  assert.deepEqual(readdirSync(join(lw.home, "tmp")), []);
});

test(
  `a cancelled step ends, and leaves no mount and no temporary file${suffix}`,
  options,
  async () => {
    using lw = tempEngine();
    const cancel = new AbortController();
    const started = {
      event(event: ProgressEvent): void {
        if (event.type === "log") cancel.abort(new Error("enough"));
      },
      close: () => {},
    };
    const recipe = image().from(base).run("echo started; exec sleep 1000");
    await assert.rejects(lw.build(recipe, { progress: started, signal: cancel.signal }), {
      code: "BUILD_CANCELLED",
    });
    assert.ok(!readFileSync("/proc/self/mounts", "utf8").includes(lw.home));
    assert.deepEqual(readdirSync(join(lw.home, "tmp")), []);
  },
);

const main = fileURLToPath(new URL("../../bin/main.ts", import.meta.url));
const recipe = fileURLToPath(new URL("../support/run_once_recipe.ts", import.meta.url));

function environment(lw: TempEngine): NodeJS.ProcessEnv {
  return { ...process.env, LAYERWRIGHT_HOME: lw.home, BUILDKIT_PROGRESS: "plain" };
}

test(
  `a step runs once for three builds at once in three processes of both runtimes${suffix}`,
  options,
  async () => {
    using lw = tempEngine();
    const commands = [...runtimeCommands(main), host.selfCommand(main)];
    const ends = commands.map(([program = "", ...args]) => {
      const child = spawn(program, [...args, "build", recipe, "--target", "counted", "-q"], {
        env: environment(lw),
        stdio: ["ignore", "pipe", "inherit"],
      });
      let digest = "";
      child.stdout.on("data", (chunk) => digest += chunk);
      return once(child, "close").then(([code]) => ({ code, digest }));
    });
    const results = await Promise.all(ends);
    assert.deepEqual(results.map(({ code }) => code), commands.map(() => 0));
    assert.equal(new Set(results.map(({ digest }) => digest)).size, 1);
    const caches = join(lw.home, "cache-mounts");
    const counted = readdirSync(caches, { recursive: true }).map(String)
      .filter((path) => path.endsWith("/runs"));
    assert.deepEqual(counted.map((path) => readFileSync(join(caches, path), "utf8")), ["run\n"]);
  },
);

for (const signal of ["SIGINT", "SIGKILL"] as const) {
  test(
    `${signal} during a step leaves a valid store, no mount and no process${suffix}`,
    options,
    async () => {
      using lw = tempEngine();
      const [program = "", ...args] = host.selfCommand(main);
      const child = spawn(program, [...args, "build", recipe, "--target", "waiting"], {
        env: environment(lw),
        stdio: ["ignore", "ignore", "pipe"],
      });
      let errors = "";
      await new Promise<void>((resolve) =>
        child.stderr.on("data", (chunk) => {
          errors += chunk;
          if (/\d waiting\n/.test(errors)) resolve();
        })
      );
      const closed = once(child, "close");
      process.kill(child.pid ?? 0, signal);
      await closed;
      if (signal === "SIGINT") {
        assert.match(errors, /CANCELED/);
        assert.equal(child.exitCode, 130);
      }
      assert.ok(!readFileSync("/proc/self/mounts", "utf8").includes(lw.home));
      await noProcessOf(lw.home);
      await lw.build(busyboxImage("waiting").run("true"));
      assert.deepEqual(readdirSync(join(lw.home, "tmp")), []);
    },
  );
}

/** Waits until no process has a folder in its command line or as its root: the kernel ends them one after another. */
async function noProcessOf(folder: string): Promise<void> {
  const alive = (): string[] =>
    readdirSync("/proc").filter((pid) => {
      try {
        return /^\d+$/.test(pid) && Number(pid) !== process.pid &&
          (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(folder) ||
            readFileSync(`/proc/${pid}/mounts`, "utf8").includes(folder));
      } catch {
        return false;
      }
    });
  for (let tries = 0; alive().length > 0; tries++) {
    assert.ok(tries < 200, `still there: ${alive().join(" ")}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("run() without any executor is refused with what is missing, and images without run() still build", async () => {
  using lw = tempEngine({ a: "a" });
  const bare = createEngine({ plugins: [], home: lw.home });
  const options = { contextDirectory: lw.context, progress: "none" };
  await assert.rejects(bare.build(image().from("scratch").run(["/x"]), options), {
    code: "RUNTIME_MISSING",
  });
  await bare.build(image().from("scratch").copy("a", "/a"), options);
});
