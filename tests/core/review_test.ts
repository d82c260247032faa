/** What an engine must not do, each once done by it: stale hits, hangs, images of damaged or senseless input. */
import assert from "node:assert/strict";
import { chmodSync, readdirSync, readFileSync, statSync, truncateSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createVertex } from "../../core/graph/vertex.ts";
import { parseImageConfig } from "../../core/oci/image_config.ts";
import { parseManifest } from "../../core/oci/manifest.ts";
import { indexTar } from "../../core/layer/tar_reader.ts";
import {
  type BuildResult,
  createEngine,
  defaultPlugins,
  executable,
  type FileAction,
  type Graph,
  image,
  type ImageBuilder,
  inlineFile,
  type Op,
  parseGraph,
  serializeGraph,
  source,
  tmpfsMount,
} from "../../mod.ts";
import { busyboxImage, runObstacle } from "../support/busybox_image.ts";
import { programPath } from "../support/program_path.ts";
import { type TempEngine, tempEngine } from "../support/temp_engine.ts";
import { temporaryDirectory } from "../support/temporary_directory.ts";

const SCRATCH = image().from("scratch");

test("a copy is made again when the time of a directory it repeats changes", async () => {
  using lw = tempEngine({ "d/sub/f": "1", g: "2" });
  const recipe = SCRATCH.copy("d", "/d", { keepTimes: true }).copy("g", "/d/sub/");
  const options = { epochSeconds: 2_000_000_000 };
  utimesSync(join(lw.context, "d/sub"), 1000, 1000);
  await lw.build(recipe, options);
  utimesSync(join(lw.context, "d/sub"), 5000, 5000);
  const cached = await lw.build(recipe, options);
  const clean = await lw.build(recipe, { ...options, noCache: true });
  assert.equal(await cached.digest(), await clean.digest());
});

test("a copy stays when a directory's time changes beyond the epoch, which no layer shows", async () => {
  using lw = tempEngine({ "d/sub/f": "1", g: "2" });
  const recipe = SCRATCH.copy("d", "/d", { keepTimes: true }).copy("g", "/d/sub/");
  await lw.build(recipe);
  utimesSync(join(lw.context, "d/sub"), 5000, 5000);
  const { steps } = await lw.build(recipe);
  assert.deepEqual(steps.map(({ outcome }) => outcome), ["hit", "hit"]);
});

const obstacle = await runObstacle();
test(
  `a step runs again when a relative mount comes to lie elsewhere${
    obstacle ? ` (${obstacle})` : ""
  }`,
  { skip: obstacle !== undefined, timeout: 120_000 },
  async () => {
    using lw = tempEngine();
    const at = (directory: string): ImageBuilder =>
      image().from(busyboxImage()).workdir("/b").workdir("/a").workdir(directory)
        .run("grep -q ' /a/t ' /proc/self/mounts", {
          workdir: "/",
          mounts: [tmpfsMount("t")],
        });
    await lw.build(at("/a"));
    await assert.rejects(lw.build(at("/b")), { code: "RUN_FAILED" });
  },
);

test(
  `a step runs in a store whose path has characters with a meaning${
    obstacle ? ` (${obstacle})` : ""
  }`,
  { skip: obstacle !== undefined, timeout: 120_000 },
  async () => {
    using folder = temporaryDirectory();
    const home = join(folder.path, "a:b,c d\\e");
    const engine = createEngine({ plugins: defaultPlugins, home });
    const recipe = image().from(busyboxImage()).run("true");
    const digest = await (await engine.build(recipe, { progress: "none" })).digest();
    using lw = tempEngine();
    assert.equal(await (await lw.build(recipe)).digest(), digest);
  },
);

test("build() refuses numbers that no build can have", async () => {
  using lw = tempEngine();
  for (const concurrency of [0, -1, 1.5, NaN]) {
    await assert.rejects(lw.build(SCRATCH, { concurrency }), { code: "OPTION_INVALID" });
  }
  for (const epochSeconds of [-1, 1.5, NaN, Infinity, 253_402_300_800]) {
    await assert.rejects(lw.build(SCRATCH, { epochSeconds }), { code: "OPTION_INVALID" });
    await assert.rejects(lw.plan(SCRATCH, { epochSeconds }), { code: "OPTION_INVALID" });
  }
  await lw.build(SCRATCH, { epochSeconds: 253_402_300_799 });
});

test("build() refuses a tag that says its own digest", async () => {
  using lw = tempEngine();
  const tags = [`a:b@sha256:${"0".repeat(64)}`];
  await assert.rejects(lw.build(SCRATCH, { tags }), { code: "REFERENCE_INVALID" });
});

test("build() and plan() refuse what is no image and no graph", async () => {
  using lw = tempEngine();
  for (const target of [null, undefined, 5, "x", {}, Promise.resolve(SCRATCH)]) {
    await assert.rejects(lw.build(target as never), { code: "RECIPE_INVALID" });
    await assert.rejects(lw.plan(target as never), { code: "RECIPE_INVALID" });
  }
});

/** A graph whose ops were changed by hand and whose digests fit all the same. */
function tampered(graph: Graph, change: (op: Op) => Op): Graph {
  const renamed = new Map<string, string>();
  const vertices = [...graph.vertices.values()].map(({ digest, op, inputs }) => {
    const known = inputs.map((input) => (renamed.get(input) ?? input) as typeof input);
    const vertex = createVertex(change(op), known);
    renamed.set(digest, vertex.digest);
    return [vertex.digest, vertex] as const;
  });
  const targets = graph.targets.map(({ name, vertex }) => ({
    name,
    vertex: (renamed.get(vertex) ?? vertex) as typeof vertex,
  }));
  return { vertices: new Map(vertices), targets, metadata: new Map(), contexts: graph.contexts };
}

test("build() refuses a graph from elsewhere for what it refuses in a recipe", async () => {
  using lw = tempEngine({ f: "1" });
  const graph = lw.engine.graph(SCRATCH.copy("f", "/f"));
  const changes: ((op: Op) => Op)[] = [
    (op) => op.type === "copy" ? { ...op, destination: "" } : op,
    (op) => op.type === "copy" ? { ...op, destination: "/a\0b" } : op,
    (op) => op.type === "copy" ? { ...op, sources: [] } : op,
    (op) =>
      op.type === "source" ? { ...op, platform: { os: "Linux", architecture: "x86_64" } } : op,
  ];
  for (const change of changes) {
    const text = serializeGraph(tampered(graph, change));
    await assert.rejects(lw.build(await parseGraph(text)), { code: "GRAPH_INVALID" });
  }
  const same = await parseGraph(serializeGraph(tampered(graph, (op) => op)));
  assert.equal(
    await (await lw.build(same)).digest(),
    await (await lw.build(SCRATCH.copy("f", "/f"))).digest(),
  );
});

test("removing a link, or putting one in its place, leaves what it leads to alone", async () => {
  using lw = tempEngine({ real: "1", link: { link: "real" } });
  const graph = lw.engine.graph(SCRATCH.copy(".", "/").workdir("/d"));
  const actions: FileAction[] = [
    { kind: "rm", path: "/link", optional: false },
    { kind: "symlink", path: "/link", target: "new" },
  ];
  for (const action of actions) {
    const changed = tampered(
      graph,
      (op) => op.type === "file" ? { type: "file", actions: [action] } : op,
    );
    const config = await configOf(lw, (await lw.build(changed)).imageId);
    const entries = indexTar(blobPath(lw, config.rootfs.diff_ids.at(-1) ?? ""));
    assert.deepEqual(entries.map(({ path }) => path), [action.kind === "rm" ? ".wh.link" : "link"]);
  }
});

async function configOf(
  lw: TempEngine,
  imageId: BuildResult["imageId"],
): Promise<ReturnType<typeof parseImageConfig>> {
  using store = await lw.engine.openStore();
  return parseImageConfig(await store.blobs.readBytes(imageId, 1 << 20));
}

const program = programPath("true");
const linux = {
  skip: process.platform !== "linux" || program === undefined ? "needs Linux" : false,
};

test(
  "an image that is a program's files and nothing else can be built (needs Linux)",
  linux,
  async () => {
    using lw = tempEngine();
    const recipe = image().from(executable("true"));
    const { imageId } = await lw.build(recipe);
    assert.equal((await configOf(lw, imageId)).rootfs.diff_ids.length, 1);
    assert.equal((await lw.plan(recipe)).imageId, imageId);
  },
);

test(
  "an image from a program's files has their platform, not another stage's (needs Linux)",
  linux,
  async () => {
    using lw = tempEngine({ f: "1" });
    const here = lw.engine.graph(SCRATCH).vertices.values().next().value?.op;
    assert.ok(here?.type === "source");
    const { os, architecture } = here.platform;
    const recipe = image().platform("linux/s390x").from("scratch").copy("f", "/f").as("other")
      .platform(`${os}/${architecture}`).from(executable("true")).copy("/f", "/f", {
        from: "other",
      });
    assert.equal((await configOf(lw, (await lw.build(recipe)).imageId)).architecture, architecture);
  },
);

test("a damaged layer of a base image is fetched again, and the digest stays", async () => {
  using lw = tempEngine({ f: "x".repeat(5000), g: "2" });
  const layout = join(lw.context, "../layout");
  const outputs = [{ type: "oci", dest: layout, attributes: { tar: "false" } }];
  const base = await lw.build(SCRATCH.copy("f", "/f"), { outputs });
  using other = tempEngine({ g: "2" });
  const recipe = image().from(source(`oci-layout://${layout}`)).copy("g", "/g");
  const first = await other.build(recipe);
  const manifest = parseManifest(readFileSync(blobPath(lw, base.encoded?.digest ?? "")));
  const config = parseImageConfig(readFileSync(blobPath(lw, base.imageId)));
  for (const digest of [manifest.layers[0]?.digest, config.rootfs.diff_ids[0]]) {
    const path = blobPath(other, digest ?? "");
    const { size } = statSync(path);
    chmodSync(path, 0o644);
    truncateSync(path, 20);
    assert.equal(await (await other.build(recipe)).digest(), await first.digest());
    assert.equal(statSync(path).size, size);
  }
});

function blobPath(lw: TempEngine, digest: string): string {
  return join(lw.home, "blobs/sha256", digest.slice("sha256:".length));
}

test("plan() foretells the digest of a chain of 100 copies, and leaves nothing behind", async () => {
  using lw = tempEngine();
  let recipe = SCRATCH;
  for (let i = 0; i < 100; i++) recipe = recipe.copy(inlineFile(`f${i}`, `${i}`), "/d/");
  const plan = await lw.plan(recipe, { compression: "gzip" });
  assert.deepEqual(readdirSync(join(lw.home, "tmp")), []);
  assert.equal(await (await lw.build(recipe)).digest(), plan.digest);
});
