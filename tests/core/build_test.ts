/** Whole builds without RUN. Over 300 lines: one case for each promise, over one context. */
import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { decompressed } from "../../core/layer/decompress.ts";
import { indexTar } from "../../core/layer/tar_reader.ts";
import { stackTrees, type Tree } from "../../core/layer/tree.ts";
import { type ImageConfig, parseImageConfig } from "../../core/oci/image_config.ts";
import { parseManifest } from "../../core/oci/manifest.ts";
import { validateImage } from "../../core/oci/validate_image.ts";
import {
  type BuildResult,
  context,
  createEngine,
  defaultPlugins,
  type Digest,
  image,
  inlineFile,
} from "../../mod.ts";
import { type TempEngine, tempEngine } from "../support/temp_engine.ts";

const app = image("app").from("scratch")
  .workdir("/srv")
  .copy("src", "./")
  .env({ MODE: "test" }).label("a", "b").expose(80).user("1000")
  .cmd(["/srv/main"]);

async function configOf(lw: TempEngine, result: BuildResult): Promise<ImageConfig> {
  using store = await lw.engine.openStore();
  return parseImageConfig(await store.blobs.readBytes(result.imageId, 1 << 20));
}

/** The merged files of a built image. */
async function filesOf(lw: TempEngine, result: BuildResult): Promise<Tree> {
  using store = await lw.engine.openStore();
  const { rootfs } = parseImageConfig(await store.blobs.readBytes(result.imageId, 1 << 20));
  return stackTrees(rootfs.diff_ids.map((diffId) => indexTar(store.blobs.path(diffId) ?? "")));
}

/** What is left in the store's temporary folder, if the build came as far as to make one. */
function temporaryFiles(lw: TempEngine): string[] {
  const folder = join(lw.home, "tmp");
  return existsSync(folder) ? readdirSync(folder) : [];
}

function listBlobs(lw: TempEngine): string[] {
  return readdirSync(join(lw.home, "blobs", "sha256")).sort();
}

test("build() makes an image in which every digest holds", async () => {
  using lw = tempEngine({ "src/main": { text: "#!/bin/sh\n", mode: 0o755 }, "src/lib/a.txt": "a" });
  const result = await lw.build(app, { tags: ["app:dev"] });
  using store = await lw.engine.openStore();
  const blobs = {
    size: (digest: Digest) => store.blobs.size(digest),
    open: (digest: Digest) => store.blobs.openRead(digest),
  };
  assert.deepEqual(await validateImage(blobs, result.descriptor, { decompressed }), []);
  assert.equal(store.refs.get("app:dev")?.digest, result.descriptor.digest);
});

test("build() gives the config that the recipe says", async () => {
  using lw = tempEngine({ "src/main": "x" });
  const config = await configOf(lw, await lw.build(app, { platform: "linux/arm64" }));
  assert.equal(config.architecture, "arm64");
  assert.equal(config.created, "1970-01-01T00:00:00Z");
  assert.deepEqual(config.config?.Cmd, ["/srv/main"]);
  assert.equal(config.config?.WorkingDir, "/srv");
  assert.equal(config.config?.User, "1000");
  assert.deepEqual(config.config?.Labels, { a: "b" });
  assert.equal(
    config.history?.filter((entry) => entry.empty_layer !== true).length,
    config.rootfs.diff_ids.length,
  );
});

test("a second build() is all hits and gives the same digest, and plan() says both beforehand", async () => {
  using lw = tempEngine({ "src/main": "x" });
  const first = await lw.build(app);
  assert.ok(first.steps.every(({ outcome }) => outcome === "run"));
  const plan = await lw.plan(app);
  assert.ok(plan.steps.length > 0 && plan.steps.every(({ outcome }) => outcome === "hit"));
  assert.equal(plan.imageId, first.imageId);
  assert.equal(plan.digest, undefined);
  assert.equal((await lw.plan(app, { compression: "gzip" })).digest, await first.digest());
  assert.equal((await lw.plan(app)).digest, await first.digest());
  const second = await lw.build(app);
  assert.ok(second.steps.every(({ outcome }) => outcome === "hit"));
  assert.equal(await second.digest(), await first.digest());
});

test("plan() foretells the digest of a build that runs no program, and stores nothing", async () => {
  using lw = tempEngine({ "src/main": "x" });
  (await lw.engine.openStore())[Symbol.dispose]();
  const before = listBlobs(lw);
  const plan = await lw.plan(app, { compression: "gzip" });
  assert.ok(plan.steps.every(({ outcome }) => outcome === "run"));
  assert.deepEqual(listBlobs(lw), before);
  assert.deepEqual(readdirSync(join(lw.home, "tmp")), []);
  assert.equal(await (await lw.build(app)).digest(), plan.digest);
});

test("a miss names what changed", async () => {
  using lw = tempEngine({ "src/main": "x" });
  await lw.build(app);
  lw.write({ "src/main": "y" });
  const copy = (await lw.plan(app)).steps.find(({ name }) => name.includes("COPY"));
  assert.equal(copy?.outcome, "run");
  assert.match(copy?.reason ?? "", /^file "src\/main": content changed \(1 byte as before\)$/);
});

test("the digest is free of mtimes, umask and the context's place", async () => {
  const digests = new Set<string>();
  for (const mode of [0o600, 0o664]) {
    using lw = tempEngine({ "src/main": "x", "src/b/c": "d" });
    chmodSync(join(lw.context, "src/main"), mode);
    chmodSync(join(lw.context, "src/b"), mode | 0o100);
    utimesSync(join(lw.context, "src/main"), mode, mode);
    digests.add(await (await lw.build(app)).digest());
  }
  assert.equal(digests.size, 1);
});

test("the executable bit and the content of a file change the digest", async () => {
  using lw = tempEngine({ "src/main": "x" });
  const digests = [await (await lw.build(app)).digest()];
  chmodSync(join(lw.context, "src/main"), 0o755);
  digests.push(await (await lw.build(app)).digest());
  lw.write({ "src/main": "y" });
  digests.push(await (await lw.build(app)).digest());
  assert.equal(new Set(digests).size, 3);
});

test("a copy keeps its layer when files beneath it change elsewhere", async () => {
  using lw = tempEngine({ "one": "1", "src/main": "x" });
  const recipe = image().from("scratch").copy("one", "/opt/one").copy("src", "/srv/");
  await lw.build(recipe);
  lw.write({ one: "2" });
  const { steps } = await lw.build(recipe);
  assert.deepEqual(steps.map(({ outcome }) => outcome), ["run", "hit"]);
});

test("copy() from a stage takes files, links and modes", async () => {
  using lw = tempEngine({ "bin/tool": { text: "t", mode: 0o755 }, "bin/link": { link: "tool" } });
  const tools = image("tools").from("scratch").copy("bin", "/usr/bin/");
  const result = await lw.build(image().from("scratch").copy("/usr", "/opt", { from: tools }));
  const files = await filesOf(lw, result);
  assert.equal(files.get("opt/bin/tool")?.mode, 0o755);
  assert.equal(files.get("opt/bin/link")?.linkTarget, "tool");
});

test("a copy onto a link goes where the link leads, and existing directories keep their mode", async () => {
  using lw = tempEngine({
    "base/lib": { link: "usr/lib" },
    "base/usr/lib/x": "x",
    "tmp/f": "f",
    "y": "y",
  });
  chmodSync(join(lw.context, "tmp"), 0o1777);
  const recipe = image().from("scratch")
    .copy("base", "/").copy(".", "/", { mode: "preserve", exclude: ["base", "y"] })
    .copy("y", "/lib/y").copy("y", "/tmp/y");
  const files = await filesOf(lw, await lw.build(recipe));
  assert.equal(files.get("lib")?.type, "symlink");
  assert.equal(files.get("usr/lib/y")?.type, "file");
  assert.equal(files.get("tmp")?.mode, 0o1777);
});

test("workdir() makes directories of the user in force", async () => {
  using lw = tempEngine({ passwd: "web:x:33:44::/:\n" });
  const recipe = image().from("scratch").copy("passwd", "/etc/passwd").user("web").workdir("/srv/x")
    .user("7").workdir("y");
  const files = await filesOf(lw, await lw.build(recipe));
  assert.deepEqual(
    ["srv", "srv/x", "srv/x/y"].map((path) => [files.get(path)?.uid, files.get(path)?.gid]),
    [[33, 44], [33, 44], [7, 7]],
  );
});

test("squash() makes one layer of the steps since the base, without what they removed", async () => {
  using lw = tempEngine({ a: "a", b: "b" });
  const recipe = image().from("scratch").copy("a", "/x").copy("b", "/x").copy("b", "/y").squash();
  const result = await lw.build(recipe);
  const config = await configOf(lw, result);
  assert.equal(config.rootfs.diff_ids.length, 1);
  assert.equal(config.history?.filter((entry) => entry.empty_layer !== true).length, 1);
  assert.deepEqual((await filesOf(lw, result)).entries.map(({ path }) => path), ["x", "y"]);
});

test("an image is a base for another, by its tag", async () => {
  using lw = tempEngine({ a: "a" });
  await lw.build(image().from("scratch").copy("a", "/a").env("A", "1"), { tags: ["base:1"] });
  const result = await lw.build(image().from("base:1").copy("a", "/b").env("B", "2"));
  assert.deepEqual((await filesOf(lw, result)).entries.map(({ path }) => path), ["a", "b"]);
  assert.deepEqual((await configOf(lw, result)).config?.Env?.slice(1), ["A=1", "B=2"]);
});

test("an image is a base by its digest, whatever name stands before it", async () => {
  using lw = tempEngine({ "src/main": "x" });
  const { descriptor } = await lw.build(app);
  const named = await lw.build(image("next").from(`any/name:v1@${descriptor.digest}`).cmd(["a"]));
  const { config } = await configOf(lw, named);
  assert.deepEqual([config?.Env?.includes("MODE=test"), config?.Cmd], [true, ["a"]]);
  const other = `sha256:${"0".repeat(64)}`;
  await assert.rejects(lw.build(image("next").from(`any/name@${other}`)), {
    code: "SOURCE_MISSING",
  });
  // A blob that is no manifest is no image.
  const [blob = ""] = listBlobs(lw).filter((name) => `sha256:${name}` !== descriptor.digest);
  await assert.rejects(lw.build(image("next").from(`any/name@sha256:${blob}`)), {
    code: "SOURCE_MISSING",
  });
});

test("a store inside the context is no part of it, whatever the ignore file says", async () => {
  using lw = tempEngine({ "a": "a", ".dockerignore": "!st[o]re!\n!**\n" });
  const home = join(lw.context, "st[o]re!");
  const engine = createEngine({ plugins: defaultPlugins, home });
  const everything = image("all").from("scratch").copy(".", "/");
  const options = { contextDirectory: lw.context, progress: "none" };
  const first = await engine.build(everything, options);
  assert.ok(existsSync(join(home, "blobs")));
  assert.equal((await engine.build(everything, options)).imageId, first.imageId);
  assert.equal((await lw.build(everything)).imageId === first.imageId, false);
  rmSync(home, { recursive: true });
  assert.equal((await lw.build(everything)).imageId, first.imageId);
});

test("an OCI layout is a base, and its layers keep their blobs", async () => {
  using lw = tempEngine({ a: "a" });
  const layout = join(lw.context, "layout");
  const base = await lw.build(image().from("scratch").copy("a", "/a"), {
    outputs: [{ type: "oci", dest: `${layout}/` }],
  });
  using other = tempEngine({ b: "b" });
  const { source } = await import("../../mod.ts");
  const result = await other.build(image().from(source(`oci-layout://${layout}`)).copy("b", "/b"));
  const read = async (lw: TempEngine, result: BuildResult): Promise<Digest[]> => {
    const digest = await result.digest();
    using store = await lw.engine.openStore();
    return parseManifest(await store.blobs.readBytes(digest, 1 << 20)).layers.map((layer) =>
      layer.digest
    );
  };
  assert.equal((await read(other, result))[0], (await read(lw, base))[0]);
});

test("SOURCE_DATE_EPOCH and epochSeconds set the times of layers and config", async () => {
  using lw = tempEngine({ a: "a" });
  const result = await lw.build(image().from("scratch").copy("a", "/a"), { epochSeconds: 86400 });
  assert.equal((await configOf(lw, result)).created, "1970-01-02T00:00:00Z");
  assert.equal((await filesOf(lw, result)).get("a")?.mtimeSeconds, 86400);
});

test("add() extracts an archive by its content, and copies what only looks like one", async () => {
  using lw = tempEngine({ a: "a", "fake.tar.gz": "not gzip" });
  const tar = join(lw.context, "data.bin");
  await lw.build(image().from("scratch").copy("a", "/in/a"), {
    outputs: [{ type: "tar", dest: tar }],
  });
  const result = await lw.build(image().from("scratch").add(["data.bin", "fake.tar.gz"], "/out/"));
  assert.deepEqual((await filesOf(lw, result)).entries.map(({ path }) => path), [
    "out",
    "out/fake.tar.gz",
    "out/in",
    "out/in/a",
  ]);
});

test("a layer cut short in the store is made again", async () => {
  using lw = tempEngine({ "src/main": "x" });
  const first = await lw.build(app);
  const { rootfs } = await configOf(lw, first);
  for (const diffId of rootfs.diff_ids) {
    const path = join(lw.home, "blobs/sha256", diffId.slice(7));
    chmodSync(path, 0o600);
    truncateSync(path, 100);
  }
  const second = await lw.build(app);
  assert.equal(await second.digest(), await first.digest());
  assert.ok(second.steps.every(({ outcome }) => outcome === "run"));
});

test("a blob with a flipped bit does not leave the store: it is named, and made again", async () => {
  using lw = tempEngine({ "src/main": "x".repeat(5000) });
  const first = await lw.build(app);
  using store = await lw.engine.openStore();
  const { layers } = parseManifest(await store.blobs.readBytes(await first.digest(), 1 << 20));
  const blob = layers.at(-1)?.digest ?? "";
  const path = join(lw.home, "blobs/sha256", blob.slice(7));
  chmodSync(path, 0o600);
  const bytes = readFileSync(path);
  bytes[40] = (bytes[40] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  const warnings: string[] = [];
  const out = join(lw.context, "out.tar");
  const second = await lw.build(app, {
    outputs: [{ type: "oci", dest: out }],
    progress: {
      event: (event) => void (event.type === "warning" && warnings.push(event.text)),
      close: () => {},
    },
  });
  assert.equal(await second.digest(), await first.digest());
  assert.match(warnings.join(), new RegExp(blob));
  assert.ok(statSync(out).size > 0);
});

test("a layer with a flipped bit is not copied from: it is named, and made again", async () => {
  using lw = tempEngine({ data: "0123456789" });
  using clean = tempEngine({ data: "0123456789" });
  const stage = image("stage").from("scratch").copy("data", "/data");
  const [diffId = ""] = (await configOf(lw, await lw.build(stage))).rootfs.diff_ids;
  const path = join(lw.home, "blobs/sha256", diffId.slice(7));
  const bytes = readFileSync(path);
  bytes[515] = (bytes[515] ?? 0) ^ 1;
  chmodSync(path, 0o600);
  writeFileSync(path, bytes);
  const recipe = image().from("scratch").copy("/data", "/copied", { from: stage });
  assert.equal(await (await lw.build(recipe)).digest(), await (await clean.build(recipe)).digest());
});

test("two builds of one image at once both succeed, and make each layer once", async () => {
  using lw = tempEngine({ "src/main": "x" });
  const [a, b] = await Promise.all([
    lw.build(app, { tags: ["app:1"] }),
    lw.build(app, { tags: ["app:1"] }),
  ]);
  assert.equal(await a.digest(), await b.digest());
});

test("a cancelled build ends with BUILD_CANCELLED and leaves no temporary files", async () => {
  using lw = tempEngine({ "src/main": "x" });
  const cancelled = AbortSignal.abort(new Error("enough"));
  await assert.rejects(lw.build(app, { signal: cancelled }), { code: "BUILD_CANCELLED" });
  assert.deepEqual(readdirSync(join(lw.home, "tmp")), []);
});

test("noCache runs every step again and comes to the same image", async () => {
  using lw = tempEngine({ "src/main": "x" });
  const first = await lw.build(app);
  const again = await lw.build(app, { noCache: true });
  assert.ok(again.steps.every(({ outcome }) => outcome === "run"));
  assert.equal(await again.digest(), await first.digest());
});

const NOTHING = image().from("scratch");
const mistakes = {
  "a missing file is named with the nearest one": {
    files: { "dist/app.mjs": "" },
    recipe: NOTHING.copy("dist/app.js", "/srv/"),
    code: "COPY_SOURCE_MISSING",
    says: [/dist\/app\.mjs/, /build_test\.ts:\d+/],
  },
  "an ignored file is named with the rule": {
    files: { "dist/app.js": "", ".dockerignore": "# built\n\ndist/*.js\n" },
    recipe: NOTHING.copy("dist/app.js", "/srv/"),
    code: "COPY_SOURCE_MISSING",
    says: [/\.dockerignore" line 3: "dist\/\*\.js"/],
  },
  "a path out of the context": {
    files: {},
    recipe: NOTHING.copy("../secret", "/"),
    code: "CONTEXT_ESCAPE",
    says: [/\.\.\/secret/],
  },
  "a link out of the context": {
    files: { evil: { link: "../../etc/passwd" } },
    recipe: NOTHING.copy("evil", "/x"),
    code: "CONTEXT_ESCAPE",
    says: [/etc\/passwd/],
  },
  "a file where a directory is": {
    files: { "d/f": "", e: "" },
    recipe: NOTHING.copy("d", "/x/y/").copy(".", "/x", { exclude: ["d"] }).copy(
      inlineFile("y", ""),
      "/x/",
    ),
    code: "COPY_DESTINATION_CONFLICT",
    says: [/"\/x\/y" is a directory/],
  },
  "a directory where a file is": {
    files: { "d/f": "", e: "" },
    recipe: NOTHING.copy("e", "/x").copy("d", "/x"),
    code: "COPY_DESTINATION_CONFLICT",
    says: [/"\/x" is a file/],
  },
  "a file that would be a whiteout": {
    files: { ".wh.passwd": "" },
    recipe: NOTHING.copy(".", "/etc/", { mode: "preserve" }),
    code: "LAYER_NAME_RESERVED",
    says: [/\.wh\.passwd/],
  },
  "an owner that the image does not know": {
    files: { e: "", passwd: "root:x:0:0::/root:/bin/sh\nweb:x:33:33::/:\n" },
    recipe: NOTHING.copy("passwd", "/etc/passwd").copy("e", "/e", { owner: "wbe" }),
    code: "COPY_OWNER_UNKNOWN",
    says: [/"wbe"/, /web/],
  },
  "a base image whose name is none": {
    files: {},
    recipe: image().from("Not A Name"),
    code: "GRAPH_INVALID",
    says: [/Not A Name/],
  },
  "a base image that is not there": {
    files: {},
    recipe: image().from("nosuch:1"),
    code: "SOURCE_MISSING",
    says: [/docker\.io\/library\/nosuch:1/],
  },
  "a context that is not there": {
    files: {},
    recipe: NOTHING.copy(".", "/", { from: context("./nowhere") }),
    code: "CONTEXT_MISSING",
    says: [/nowhere/],
  },
} as const;

for (const [name, { files, recipe, code, says }] of Object.entries(mistakes)) {
  test(`build() refuses ${name}`, async () => {
    using lw = tempEngine(files);
    await assert.rejects(
      lw.build(recipe),
      (error: Error & { code?: string; format?: () => string }) => {
        assert.equal(error.code, code, error.message);
        for (const pattern of says) assert.match(error.format?.() ?? "", pattern);
        return true;
      },
    );
    assert.deepEqual(temporaryFiles(lw), []);
  });
}

test("build() refuses a tag or an exporter it does not know before it works", async () => {
  using lw = tempEngine({ "src/main": "x" });
  await assert.rejects(lw.build(app, { tags: ["App:1"] }), { code: "REFERENCE_INVALID" });
  await assert.rejects(lw.build(app, { outputs: [{ type: "zip", dest: "x" }] }), {
    code: "EXPORTER_UNKNOWN",
  });
  assert.throws(() => readdirSync(lw.home), { code: "ENOENT" });
});

test("a database from a newer version is refused, and nothing is touched", async () => {
  using lw = tempEngine({ "src/main": "x" });
  await lw.build(app);
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(join(lw.home, "state.db"));
  database.exec("PRAGMA user_version = 9999");
  database.close();
  const before = readFileSync(join(lw.home, "state.db"));
  await assert.rejects(lw.build(app), { code: "STORE_NEWER" });
  assert.deepEqual(readFileSync(join(lw.home, "state.db")), before);
});

test("blobs that someone removed are made again", async () => {
  using lw = tempEngine({ "src/main": "x" });
  const first = await lw.build(app);
  for (const blob of listBlobs(lw)) rmSync(join(lw.home, "blobs/sha256", blob));
  assert.equal(await (await lw.build(app)).digest(), await first.digest());
});
