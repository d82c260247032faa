/**
 * Cache mounts: who shares them, what they begin with, and how they leave a store and come back.
 * Over 300 lines: one life of a cache, over one recipe.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { host } from "../../../core/host/mod.ts";
import { writeLayer } from "../../../core/layer/write_layer.ts";
import { aboutText } from "../../../core/store/cache_mount_scope.ts";
import { cacheMount, context, image, type ImageBuilder, inlineFile } from "../../../mod.ts";
import type { CacheMountOptions } from "../../../core/dsl/mount.ts";
import type { FileOrigin } from "../../../core/dsl/step.ts";
import { busyboxImage, runObstacle } from "../../support/busybox_image.ts";
import { startChild } from "../../support/child.ts";
import { hasManyIds } from "../../support/many_ids.ts";
import { recordBuild } from "../../support/recorded_build.ts";
import { runtimeCommands } from "../../support/runtimes.ts";
import { type TempEngine, tempEngine } from "../../support/temp_engine.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const reason = await runObstacle();
const options = { skip: reason !== undefined, timeout: 120_000 };
const suffix = reason === undefined ? "" : ` (${reason})`;
const base = busyboxImage();

const manyIds = await hasManyIds();

/** Runs a step that no earlier build ran. */
async function step(
  lw: TempEngine,
  script: string,
  ...mounts: (readonly [target: string, options?: CacheMountOptions<FileOrigin>])[]
): Promise<string> {
  const recipe = image().from(base).run(`${script}\n# ${randomBytes(8).toString("hex")}`, {
    mounts: mounts.map(([target, mount]) => cacheMount(target, mount)),
  });
  const { output, error } = await recordBuild(lw, recipe);
  assert.equal(error, "");
  return output;
}

test(
  `a cache outlives a build, under its id, wherever it is mounted${suffix}`,
  options,
  async () => {
    using lw = tempEngine();
    await step(lw, "echo 1 > /c/a", ["/c/"]);
    assert.equal(await step(lw, "cat /d/a", ["/d", { id: "/c" }]), "1\n");
    assert.equal(
      await step(lw, "cat /c/a /d/a; ls /e", ["/c"], ["/d", { id: "/c" }], ["/e"]),
      "1\n1\n",
    );
    assert.equal(
      await step(lw, "touch /c/b 2>/dev/null || echo no", ["/c", { readOnly: true }]),
      "no\n",
    );
  },
);

test(
  `a new cache has the mode and the owner asked for, and others have other caches${suffix} (needs many ids)`,
  { ...options, skip: options.skip || !manyIds },
  async () => {
    using lw = tempEngine();
    const own = { mode: 0o2700, uid: 1000, gid: 7 };
    const seen = await step(
      lw,
      "stat -c '%a %u:%g' /c; echo x > /c/x; chown 9 /c/x; chmod 0 /c/x",
      [
        "/c",
        own,
      ],
    );
    assert.equal(seen, "2700 1000:7\n");
    assert.equal(await step(lw, "stat -c '%u %a' /c/x", ["/c", own]), "9 0\n");
    assert.equal(await step(lw, "ls -A /c; stat -c '%a %u:%g' /c", ["/c"]), "755 0:0\n");
    const caches = await (await lw.engine.cacheMounts()).list();
    assert.deepEqual(caches.map(({ id, uid }) => [id, uid]).sort(), [["/c", 0], ["/c", 1000]]);
    // Files that only a user namespace has are removed all the same.
    await (await lw.engine.cacheMounts()).remove(["/c"]);
    assert.equal(await step(lw, "ls -A /c", ["/c", own]), "");
    await (await lw.engine.cacheMounts()).remove("all");
  },
);

test(
  `a new cache begins with the files of a stage, an image or a context${suffix}`,
  options,
  async () => {
    using lw = tempEngine({ "deps/lock": "from context", "deps/sub/b": "b" });
    const seed = image("seed").from("scratch")
      .copy(inlineFile("a", "from stage"), "/in/ner/a")
      .copy(inlineFile("b", "other"), "/other");
    const fromStage = ["/c", { from: seed, source: "/in" }] as const;
    assert.equal(
      await step(lw, "cat /c/ner/a; ls /c; echo new > /c/ner/a", [...fromStage]),
      "from stagener\n",
    );
    assert.equal(await step(lw, "cat /c/ner/a", [...fromStage]), "new\n");
    assert.equal(await step(lw, "ls /c", ["/c", { from: seed }]), "in\nother\n");
    assert.equal(await step(lw, "ls /c", ["/c"]), "");
    const fromContext = ["/c", { from: context("./deps") }] as const;
    assert.equal(await step(lw, "cat /c/lock; ls /c/sub", [...fromContext]), "from contextb\n");
    const broken = image().from(base).run("true", {
      mounts: [cacheMount("/c", { from: seed, source: "/nowhere" })],
    });
    const { code, error } = await recordBuild(lw, broken);
    assert.equal(code, "FILE_MISSING");
    assert.match(error, /fill cache "\/c" from "\/nowhere": no such directory/);
    assert.match(error, /cache_mounts_test\.ts:\d+/);
    assert.deepEqual(readdirSync(join(lw.home, "tmp")), []);
  },
);

/** Two builds of this process whose steps meet, each waiting for what the other writes to its own cache. */
const MEET =
  "touch /m/$ME; n=0; while [ ! -e /m/$OTHER ]; do n=$((n+1)); [ $n -lt 1500 ] || exit 9; sleep 0.02; done";

function meeting(
  me: string,
  other: string,
  sharing: "shared" | "private",
  script: string,
): ImageBuilder {
  return image().from(base).env({ ME: me, OTHER: other }).run(`${script} # ${me}`, {
    mounts: [cacheMount("/c", { sharing }), cacheMount("/m")],
  });
}

test(`shared caches are used by steps at the same time${suffix}`, options, async () => {
  using lw = tempEngine();
  await lw.build(base);
  const script = `echo $ME > /c/$ME; ${MEET}; ls /c`;
  const results = await Promise.all([
    recordBuild(lw, meeting("a", "b", "shared", script)),
    recordBuild(lw, meeting("b", "a", "shared", script)),
  ]);
  assert.deepEqual(results.map(({ output, error }) => output + error), ["a\nb\n", "a\nb\n"]);
});

test(
  `private caches are one each for steps at the same time, and used again${suffix}`,
  options,
  async () => {
    using lw = tempEngine();
    await lw.build(base);
    const script = `echo $ME > /c/$ME; ${MEET}; ls /c`;
    const results = await Promise.all([
      recordBuild(lw, meeting("a", "b", "private", script)),
      recordBuild(lw, meeting("b", "a", "private", script)),
    ]);
    assert.deepEqual(results.map(({ output, error }) => output + error), ["a\n", "b\n"]);
    const after = await step(lw, "ls /c", ["/c", { sharing: "private" }]);
    assert.match(after, /^[ab]\n$/);
    const cache = (await (await lw.engine.cacheMounts()).list()).find(({ id }) => id === "/c");
    assert.equal(cache?.copies, 2);
  },
);

test(
  `locked caches are used by one step at a time, whichever process it is of${suffix}`,
  options,
  async () => {
    using lw = tempEngine();
    await lw.build(base);
    const recipe = fileURLToPath(new URL("../../support/cache_users.ts", import.meta.url));
    const children = runtimeCommands(recipe).flatMap((command) =>
      [1, 2].map((number) =>
        startChild([...command, lw.home, lw.context, `${command[0]} ${number}`])
      )
    );
    for (const child of children) await child.succeeded();
    assert.equal(await step(lw, "cat /locked/count", ["/locked"]), `${children.length * 3}\n`);
  },
);

test(`a killed build leaves no lock behind${suffix}`, options, async () => {
  using lw = tempEngine();
  await lw.build(base);
  const recipe = fileURLToPath(new URL("../../support/cache_users.ts", import.meta.url));
  const self = host.selfCommand(recipe);
  const child = startChild([...self, lw.home, lw.context, "wait"]);
  await child.printed("holding");
  const caches = await lw.engine.cacheMounts();
  for (
    const work of [caches.remove(["/locked"]), caches.export("/locked", join(lw.context, "t"))]
  ) {
    await assert.rejects(work, { code: "STORE_LOCKED", message: /a build uses it/ });
  }
  assert.ok(!existsSync(join(lw.context, "t")));
  await child.kill();
  assert.equal(await step(lw, "cat /locked/mark", ["/locked", { sharing: "locked" }]), "held\n");
  await caches.remove(["/locked"]);
});

test(`a step that waits for a cache ends with its build${suffix}`, options, async () => {
  using lw = tempEngine();
  await lw.build(base);
  const recipe = fileURLToPath(new URL("../../support/cache_users.ts", import.meta.url));
  await using child = startChild([...host.selfCommand(recipe), lw.home, lw.context, "wait"]);
  await child.printed("holding");
  const abort = new AbortController();
  const waiting = image().from(base).run("true", {
    mounts: [cacheMount("/locked", { sharing: "locked" })],
  });
  const failed = lw.build(waiting, {
    signal: abort.signal,
    progress: {
      event: (event) => {
        if (event.type !== "missed") return;
        // By then it waits, most likely; before, it ends as well.
        setTimeout(() => abort.abort(new Error("enough")), 200);
      },
      close: () => {},
    },
  });
  await assert.rejects(failed);
});

test(`cache mounts are listed, exported, imported and removed${suffix}`, options, async () => {
  using lw = tempEngine();
  using folder = temporaryDirectory();
  const make =
    "mkdir -p /c/d; echo hi > /c/d/f; ln /c/d/f /c/hard; ln -s d/f /c/soft; chmod 700 /c/d; touch -d @5 /c/d/f /c/d; touch -hd @6 /c/soft; touch -d @7 /c";
  await step(lw, make, ["/c"]);
  const caches = await lw.engine.cacheMounts();
  const [info] = await caches.list();
  assert.deepEqual([info?.id, info?.copies, info?.sizeBytes], ["/c", 1, 6]);
  assert.ok((info?.usedMs ?? 0) >= (info?.createdMs ?? Infinity) - 2000);

  const path = (name: string): string => join(folder.path, name);
  const exported = await caches.export("/c", path("1.tar"));
  assert.deepEqual(readdirSync(folder.path), ["1.tar"]);
  // The same files in another place: the same bytes.
  using other = tempEngine();
  await step(other, make.replaceAll("/c", "/x"), ["/x", { id: "/c" }]);
  const again = await (await other.engine.cacheMounts()).export("/c", path("2.tar"));
  assert.equal(again.digest, exported.digest);
  assert.deepEqual(readFileSync(path("1.tar")), readFileSync(path("2.tar")));

  using third = tempEngine();
  const imported = await (await third.engine.cacheMounts()).import(path("1.tar"), {
    digest: exported.digest,
  });
  assert.deepEqual([imported.id, imported.digest], ["/c", exported.digest]);
  const look = "cat /c/hard /c/soft; stat -c '%a %h' /c/d /c/hard";
  assert.equal(await step(third, look, ["/c"]), "hi\nhi\n700 2\n644 2\n");
  const back = await (await third.engine.cacheMounts()).export("/c", path("3.tar"));
  assert.equal(back.digest, exported.digest);
  // Over one that is there, and under another id.
  await step(third, "rm -r /c/d; echo more > /c/more", ["/c"]);
  await (await third.engine.cacheMounts()).import(path("1.tar"));
  assert.equal(await step(third, "ls /c", ["/c"]), "d\nhard\nsoft\n");
  await (await third.engine.cacheMounts()).import(path("1.tar"), { id: "named" });
  assert.equal(await step(third, "ls /n", ["/n", { id: "named" }]), "d\nhard\nsoft\n");
  assert.deepEqual(readdirSync(join(third.home, "tmp")), []);

  const removed = await (await third.engine.cacheMounts()).remove(["named"]);
  assert.deepEqual(removed.map(({ id }) => id), ["named"]);
  assert.equal((await (await third.engine.cacheMounts()).list()).length, 1);
  await (await third.engine.cacheMounts()).remove("all");
  assert.deepEqual(await (await third.engine.cacheMounts()).list(), []);
  assert.equal(await step(third, "ls /c", ["/c"]), "");
});

test(
  `import() refuses what no export wrote, and leaves what is there${suffix}`,
  options,
  async () => {
    using lw = tempEngine();
    using folder = temporaryDirectory();
    await step(lw, "echo kept > /c/f", ["/c"]);
    const caches = await lw.engine.cacheMounts();
    const good = await caches.export("/c", join(folder.path, "good"));
    const about = aboutText({ id: "/c", mode: 0o755, uid: 0, gid: 0 });
    const file = (path: string, text: string) => ({
      path,
      type: "file" as const,
      ...{ mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, sizeBytes: Buffer.byteLength(text) },
      content: { kind: "bytes" as const, bytes: Buffer.from(text) },
    });
    const directory = {
      ...file("files", ""),
      type: "directory" as const,
      content: undefined,
    };
    const { content: _, ...plain } = directory;
    const cases: Readonly<Record<string, Parameters<typeof writeLayer>[0]>> = {
      'it has no "cache.json"': [plain],
      'it has no "files"': [file("cache.json", about)],
      'it has "etc"': [file("cache.json", about), plain, { ...plain, path: "etc" }],
      "does not say what cache it is": [file("cache.json", "{}"), plain],
      'its "files" is no directory': [file("cache.json", about), file("files", "x")],
    };
    let number = 0;
    for (const [why, entries] of Object.entries(cases)) {
      const path = join(folder.path, String(number++));
      writeLayer(entries, path, { epochSeconds: 0 });
      await assert.rejects(caches.import(path), (error: Error & { code?: string }) => {
        assert.ok(error.message.includes(why), error.message);
        return error.code === "TAR_INVALID";
      });
    }
    const noise = join(folder.path, "noise");
    writeFileSync(noise, randomBytes(5000));
    await assert.rejects(caches.import(noise), { code: "TAR_INVALID" });
    await assert.rejects(caches.import(join(folder.path, "gone")), { code: "FILE_MISSING" });
    const cut = join(folder.path, "cut");
    writeFileSync(cut, readFileSync(join(folder.path, "good")).subarray(0, -700));
    await assert.rejects(caches.import(cut, { digest: good.digest }), {
      code: "BLOB_DIGEST_MISMATCH",
    });
    await assert.rejects(caches.export("/d", join(folder.path, "x")), {
      code: "CACHE_MISSING",
      message: /no such cache mount, did you mean "\/c"/,
    });
    assert.equal(await step(lw, "cat /c/f", ["/c"]), "kept\n");
    assert.deepEqual(readdirSync(join(lw.home, "tmp")), []);
  },
);
