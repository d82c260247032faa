/** What a build gives to all of its steps, through the whole engine. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decompressed } from "../../../core/layer/decompress.ts";
import {
  type BuildOptions,
  type BuildTarget,
  type Digest,
  image,
  LayerwrightError,
  type ProgressEvent,
  stepOptionProblems,
  validateImage,
} from "../../../mod.ts";
import { busyboxImage, runObstacle } from "../../support/busybox_image.ts";
import { type TempEngine, tempEngine } from "../../support/temp_engine.ts";

const reason = await runObstacle();
const options = { skip: reason !== undefined, timeout: 120_000 };
const suffix = reason === undefined ? "" : ` (${reason})`;
const base = busyboxImage();

/** What the steps of a build print, and what the build warns of. */
async function build(
  lw: TempEngine,
  recipe: BuildTarget,
  given: BuildOptions,
): Promise<{ readonly output: string; readonly warnings: readonly string[] }> {
  let output = "";
  const warnings: string[] = [];
  const event = (one: ProgressEvent): void => {
    if (one.type === "log") output += new TextDecoder().decode(one.bytes);
    if (one.type === "warning") warnings.push(one.text);
  };
  await lw.build(recipe, { ...given, progress: { event, close: () => {} } });
  return { output, warnings };
}

test("stepOptionProblems() tells what cannot be given to steps", () => {
  const right = {
    network: "none",
    stepTimeoutMs: 1,
    hosts: [{ name: "a", address: "::1" }],
  } as const;
  assert.deepEqual(stepOptionProblems({}), []);
  assert.deepEqual(stepOptionProblems(right), []);
  const wrong = { network: "bridge" as "none", stepTimeoutMs: 0.5, shmSizeBytes: 0 };
  assert.equal(stepOptionProblems(wrong).length, 3);
});

test("build(), plan() and explain() refuse step options before anything else", async () => {
  using lw = tempEngine();
  const recipe = image().from("scratch").workdir("/a");
  const wrong = {
    hosts: [{ name: "a b", address: "1" }],
    ulimits: [{ name: "x", soft: 0, hard: 0 }],
  };
  for (const verb of ["build", "plan", "explain"] as const) {
    await assert.rejects(lw.engine[verb](recipe, wrong), (error) => {
      assert.ok(error instanceof LayerwrightError);
      assert.equal(error.code, "OPTION_INVALID");
      assert.equal(error.details.length, 2);
      return true;
    });
  }
});

test(`build() gives its steps what they do not say themselves${suffix}`, options, async () => {
  using lw = tempEngine();
  await lw.build(base);
  const script =
    "grep '[[:space:]]db' /etc/hosts; ulimit -Hn; df -k /dev/shm | grep -o ' [0-9][0-9]* ' | head -1; " +
    "ls /sys/class/net | wc -l";
  const own = {
    hosts: { "db.own": "10.0.0.9", db: "10.0.0.8" },
    ulimits: { nofile: 90 },
    shmSizeBytes: 1 << 20,
  };
  const given = {
    hosts: [{ name: "db", address: "10.0.0.1" }, { name: "db2", address: "10.0.0.2" }],
    ulimits: [{ name: "nofile", soft: 80, hard: 80 }],
    shmSizeBytes: 2 << 20,
    network: "none",
    noCacheFilter: ["x"],
  } as const;
  const general = await build(lw, image("x").from(base).run(script), given);
  assert.equal(general.output, "10.0.0.1\tdb\n10.0.0.2\tdb2\n80\n 2048 \n1\n");
  const specific = await build(lw, image("x").from(base).run(script, own), given);
  assert.equal(
    specific.output,
    "10.0.0.2\tdb2\n10.0.0.9\tdb.own\n10.0.0.8\tdb\n90\n 1024 \n1\n",
  );
});

test(`build() ends steps that take longer than it allows${suffix}`, options, async () => {
  using lw = tempEngine();
  await lw.build(base);
  await assert.rejects(
    lw.build(image().from(base).run("sleep 30"), { stepTimeoutMs: 300 }),
    { code: "RUN_FAILED", message: /still running after 300 ms/ },
  );
  // A step's own time counts.
  await lw.build(image().from(base).run("sleep 0.5", { timeoutMs: 60_000 }), {
    stepTimeoutMs: 100,
  });
});

test(
  `build() says that a step had no memory left, or that nothing limits it${suffix}`,
  options,
  async () => {
    using lw = tempEngine();
    await lw.build(base);
    const recipe = image().from(base).run(
      "dd if=/dev/zero of=/dev/null bs=200000000 count=1; exit $?",
    );
    const resources = { memoryBytes: 64 << 20 };
    const ending = await build(lw, recipe, { resources }).catch((error: unknown) => error);
    if (ending instanceof LayerwrightError) {
      assert.equal(ending.code, "RUN_FAILED");
      assert.match(ending.message, /did not complete successfully: out of memory: exit code: 137$/);
      assert.match(ending.hint ?? "", /less than 67108864 bytes, or raise memoryBytes/);
      // Not the result of a limit that is none: with more, it ends well, and is found again without any.
      await build(lw, recipe, { resources: { memoryBytes: 512 << 20 } });
      const { steps } = await lw.build(recipe);
      assert.equal(steps.at(-1)?.outcome, "hit");
    } else {
      const { warnings } = ending as { warnings: readonly string[] };
      assert.match(warnings.join("\n"), /^no limit of memory \(67108864 bytes\) for this step: /);
    }
  },
);

test(`build() keeps nothing of a step that ran out of room${suffix}`, options, async () => {
  using lw = tempEngine();
  const first = await lw.build(base);
  const recipe = image().from(base).run("dd if=/dev/zero of=/dev/shm/x bs=2000000 count=1", {
    shmSizeBytes: 1 << 20,
  });
  for (let attempt = 0; attempt < 2; attempt++) {
    await assert.rejects(lw.build(recipe), { code: "RUN_FAILED", message: /exit code: 1$/ });
  }
  const again = await lw.build(base);
  assert.ok(again.steps.every(({ outcome }) => outcome === "hit"));
  assert.equal(await again.digest(), await first.digest());
  using store = await lw.engine.openStore();
  const blobs = {
    size: (digest: Digest) => store.blobs.size(digest),
    open: (digest: Digest) => store.blobs.openRead(digest),
  };
  assert.deepEqual(await validateImage(blobs, again.descriptor, { decompressed }), []);
});
