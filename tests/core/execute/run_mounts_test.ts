/** Mounts of steps: what they show, and that the layer has nothing of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { indexTar } from "../../../core/layer/tar_reader.ts";
import { parseImageConfig } from "../../../core/oci/image_config.ts";
import {
  bindMount,
  type BuildResult,
  cacheMount,
  context,
  image,
  inlineFile,
  secretMount,
  sshMount,
  tmpfsMount,
} from "../../../mod.ts";
import { busyboxImage, runObstacle } from "../../support/busybox_image.ts";
import { recordBuild } from "../../support/recorded_build.ts";
import { sshObstacle, startTestAgent } from "../../support/ssh_agent.ts";
import { type TempEngine, tempEngine } from "../../support/temp_engine.ts";

const reason = await runObstacle();
const options = { skip: reason !== undefined, timeout: 120_000 };
const suffix = reason === undefined ? "" : ` (${reason})`;
const base = busyboxImage();
const stage = image("stage").from("scratch")
  .copy(inlineFile("f", "staged"), "/in/f")
  .copy(inlineFile("g", "other"), "/in/sub/g");

/** The paths that the last layer of an image has. */
async function lastLayer(lw: TempEngine, result: BuildResult | undefined): Promise<string[]> {
  using store = await lw.engine.openStore();
  assert.ok(result !== undefined);
  const { rootfs } = parseImageConfig(await store.blobs.readBytes(result.imageId, 1 << 20));
  const diffId = rootfs.diff_ids.at(-1);
  const path = diffId === undefined ? undefined : store.blobs.path(diffId);
  return indexTar(path ?? "").map((entry) => entry.path);
}

test(
  `bind mounts show stages, images and contexts, read-only unless asked${suffix}`,
  options,
  async () => {
    using lw = tempEngine({ "tool/x": "from context" });
    await lw.build(stage, { tags: ["stored:1"] });
    const script =
      "cat /s/f /i/in/f /c/x; for d in s i c; do touch /$d/new 2>/dev/null && echo writable $d; done; true";
    const { output, error, result } = await recordBuild(
      lw,
      image().from(base).run(script, {
        mounts: [
          bindMount("/s", { from: stage, source: "/in" }),
          bindMount("/i", { from: image("other").from("stored:1") }),
          bindMount("/c", { from: context("./tool") }),
        ],
      }),
    );
    assert.deepEqual([error, output], ["", "stagedstagedfrom context"]);
    assert.deepEqual(await lastLayer(lw, result), []);
  },
);

test(`what a step writes to a bind mount is thrown away${suffix}`, options, async () => {
  using lw = tempEngine({ "tool/x": "1" });
  const mount = (from: typeof stage | ReturnType<typeof context>) =>
    bindMount("/m", { from, readWrite: true });
  for (const from of [stage, context("./tool")]) {
    const script = "rm -r /m/*; echo new > /m/new; ls /m; touch /made";
    const first = await recordBuild(lw, image().from(base).run(script, { mounts: [mount(from)] }));
    assert.deepEqual([first.error, first.output], ["", "new\n"]);
    assert.deepEqual(await lastLayer(lw, first.result), ["made"]);
    const again = await recordBuild(
      lw,
      image().from(base).run("ls /m", { mounts: [mount(from)] }),
    );
    assert.match(again.output, /^(in|x)\n$/);
  }
});

test(`bind mounts show a single file, under any name${suffix}`, options, async () => {
  using lw = tempEngine({ "tool/x": "from context" });
  const mounts = [
    bindMount("/etc/one", { from: stage, source: "/in/f" }),
    bindMount("deep/two", { from: context("./tool"), source: "x" }),
  ];
  const recipe = image().from(base).workdir("/work").run("cat /etc/one deep/two; ls deep", {
    mounts,
  });
  const { output, error, result } = await recordBuild(lw, recipe);
  assert.deepEqual([error, output], ["", "stagedfrom contexttwo\n"]);
  assert.deepEqual(await lastLayer(lw, result), []);
});

test(`a bind mount of what is not there names it, and the line${suffix}`, options, async () => {
  using lw = tempEngine();
  const recipe = image().from(base).run("true", {
    mounts: [bindMount("/m", { from: stage, source: "/in/nope" })],
  });
  const { code, error } = await recordBuild(lw, recipe);
  assert.equal(code, "FILE_MISSING");
  assert.match(error, /"\/in\/nope" at "\/m"/);
  assert.match(error, /run_mounts_test\.ts:\d+/);
});

test(`a step runs again when what a bind mount shows is another${suffix}`, options, async () => {
  using lw = tempEngine({ "tool/x": "1" });
  const recipe = image().from(base).run("true", {
    mounts: [bindMount("/m", { from: context("./tool") })],
  });
  const outcome = async (): Promise<string | undefined> =>
    (await lw.build(recipe)).steps.at(-1)?.outcome;
  assert.deepEqual([await outcome(), await outcome()], ["run", "hit"]);
  lw.write({ "tool/x": "2" });
  assert.equal(await outcome(), "run");
});

test(`no mount leaves a trace in the layer, wherever its target is${suffix}`, options, async () => {
  await using agent = sshObstacle === undefined ? await startTestAgent() : undefined;
  using lw = tempEngine({ "tool/x": "1" });
  const given = {
    secrets: [{ id: "s", value: "abcdef" }],
    ...agent === undefined ? {} : { ssh: [{ id: "default", paths: [agent.socket] }] },
  };
  // New, below what is there, relative to the working directory, through a link.
  const targets = ["/new/deep/er", "/usr/bin/er", "rel/ative", "/link/er", "/empty", "/etc/er"];
  const kinds = {
    bind: (target: string) => bindMount(target, { from: stage, source: "/in" }),
    file: (target: string) => bindMount(target, { from: context("./tool"), source: "/x" }),
    writable: (target: string) => bindMount(target, { from: stage, readWrite: true }),
    cache: (target: string) => cacheMount(target, { id: "c" }),
    tmpfs: (target: string) => tmpfsMount(target),
    secret: (target: string) => secretMount("s", { target }),
    ...agent === undefined ? {} : { ssh: (target: string) => sshMount({ target }) },
  };
  const start = image().from(base).run(
    "mkdir /real /etc; ln -s real /link; mkdir /gone; rmdir /gone",
  )
    .workdir("/work");
  for (const [kind, mount] of Object.entries(kinds)) {
    const own = targets.filter((target) =>
      target !== "/empty" || !["file", "secret", "ssh"].includes(kind)
    );
    const script = own.map((target) => `test -e ${target}`).join(" && ");
    const recipe = start.run(`${script} && touch /made`, {
      mounts: own.map((target) => mount(target)),
    });
    const { error, result } = await recordBuild(lw, recipe, given);
    assert.equal(error, "", kind);
    assert.deepEqual(await lastLayer(lw, result), ["made"], kind);
    // Nor in what the next step sees.
    const next = recipe.run(
      // Its layer is the same for all kinds: without their name this would be one step.
      `for d in new work real empty usr/bin/er etc/er; do find /$d; done 2>/dev/null; true # ${kind}`,
    );
    const seen = await recordBuild(lw, next, given);
    assert.deepEqual([seen.error, seen.output], ["", "/work\n/real\n"], kind);
  }
});

test(`mounts lie inside one another, in any order and of any kind${suffix}`, options, async () => {
  using lw = tempEngine({ "tool/x": "1" });
  const inner = [
    ["bind", (target: string) => bindMount(target, { from: stage, source: "/in" })],
    ["file", (target: string) => bindMount(target, { from: stage, source: "/in/f" })],
    ["cache", (target: string) => cacheMount(target, { id: "inner" })],
    ["tmpfs", (target: string) => tmpfsMount(target)],
    ["secret", (target: string) => secretMount("s", { target })],
  ] as const;
  const outer = [
    ["bind", (target: string) => bindMount(target, { from: context("./tool") })],
    ["writable", (target: string) => bindMount(target, { from: stage, readWrite: true })],
    ["cache", (target: string) => cacheMount(target, { id: "outer" })],
    ["tmpfs", (target: string) => tmpfsMount(target)],
  ] as const;
  for (const [outerKind, makeOuter] of outer) {
    for (const [innerKind, makeInner] of inner) {
      const name = `${innerKind} in ${outerKind}`;
      const recipe = image().from(base).run(`test -e /o/p-${innerKind}/i && ls /o && touch /made`, {
        mounts: [makeInner(`/o/p-${innerKind}/i`), makeOuter("/o")],
      });
      const { error, result } = await recordBuild(lw, recipe, {
        secrets: [{ id: "s", value: "abcdef" }],
      });
      assert.equal(error, "", name);
      assert.deepEqual(await lastLayer(lw, result), ["made"], name);
    }
  }
});
