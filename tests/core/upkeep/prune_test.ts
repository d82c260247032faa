/** Freeing disk space of a store that has run steps. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { cacheMount, image, inlineFile } from "../../../mod.ts";
import { busyboxImage, runObstacle } from "../../support/busybox_image.ts";
import { type TempEngine, tempEngine } from "../../support/temp_engine.ts";

const reason = await runObstacle();
const options = { skip: reason ?? false, timeout: 120_000 };
const suffix = reason === undefined ? "" : ` (${reason})`;

/** Whether files of other users can be made: not with one id alone. */
const hasIds = process.getuid?.() === 0 ||
  /^nobody:/m.test(existsSync("/etc/subuid") ? readFileSync("/etc/subuid", "utf8") : "");
const GIVE_AWAY = hasIds
  ? "mkdir -p /given/deep && echo x > /given/deep/file && chown -R 7:8 /given && chmod 700 /given"
  : "mkdir -p /given/deep && chmod 700 /given";

async function buildSome(lw: TempEngine): Promise<void> {
  const base = image().from(busyboxImage());
  await lw.build(base.run(GIVE_AWAY, { mounts: [cacheMount("/c")] }), { tags: ["kept"] });
  await lw.build(base.run(`${GIVE_AWAY}; echo other > /other; ${hasIds ? "chown 7 /c" : "true"}`, {
    mounts: [cacheMount("/c")],
  }));
  await assert.rejects(lw.build(base.run(`${GIVE_AWAY}; exit 1`)), { code: "RUN_FAILED" });
}

test(
  `prune() frees what is not needed, trees of other users too, and builds go on${suffix}`,
  options,
  async () => {
    using lw = tempEngine();
    await buildSome(lw);
    const names = (folder: string): string[] => readdirSync(join(lw.home, folder));
    const [trees, blobs] = [names("snapshots").length, names("blobs/sha256").length];
    // All of it is cached, or too young.
    const first = await lw.engine.prune();
    assert.deepEqual([first.freed, first.freedTrees, first.leftovers], [[], [], []]);
    const planned = await lw.engine.prune({ all: true, dryRun: true });
    assert.ok(planned.freed.length > 0 && planned.freedBytes > 0 && planned.freedRecords > 0);
    assert.equal(planned.freedTrees.length, trees);
    assert.deepEqual([names("snapshots").length, names("blobs/sha256").length], [trees, blobs]);
    const kept = planned.kept.filter(({ why }) =>
      why.includes('tag "docker.io/library/kept:latest"')
    );
    assert.ok(kept.length > 0);

    const young = await lw.engine.prune({ all: true, unusedForMs: 3_600_000 });
    assert.deepEqual([young.freed, young.freedTrees], [[], []]);

    const pruned = await lw.engine.prune({ all: true });
    assert.deepEqual(pruned.leftovers, []);
    assert.deepEqual(names("snapshots"), []);
    assert.deepEqual(names("tmp"), []);
    assert.ok(names("blobs/sha256").length < blobs);
    {
      using store = await lw.engine.openStore();
      for (const { digest } of kept) assert.notEqual(store.blobs.path(digest), undefined);
    }
    await lw.build(image().from(busyboxImage()).run(`test ! -e /given; ${GIVE_AWAY}`));
    assert.deepEqual((await lw.engine.removeStore()).remaining, []);
  },
);

test(
  `prune() removes what killed processes left, of other users too${suffix}`,
  options,
  async () => {
    using lw = tempEngine();
    await buildSome(lw);
    // As a process leaves it that is gone: a tree that is nobody's, and one in the folder of temporary ones.
    {
      using store = await lw.engine.openStore();
      const [one] = store.snapshots.list().reverse();
      assert.ok(one !== undefined && existsSync(join(one.directory, "given")));
      store.snapshots.delete(one.chainId, one.variant);
    }
    const orphans = readdirSync(join(lw.home, "snapshots")).length;
    const { leftovers } = await lw.engine.prune();
    assert.deepEqual(leftovers, []);
    assert.equal(readdirSync(join(lw.home, "snapshots")).length, orphans - 1);
    assert.deepEqual(readdirSync(join(lw.home, "tmp")), []);
    assert.deepEqual((await lw.engine.removeStore()).remaining, []);
  },
);

test(`removeStore() removes all of a store, and nothing else${suffix}`, options, async () => {
  using lw = tempEngine();
  await buildSome(lw);
  await (await lw.build(image().from("scratch").copy(inlineFile("a", "a"), "/"))).digest();
  writeFileSync(join(lw.home, "mine.txt"), "");
  {
    using store = await lw.engine.openStore();
    using _lease = store.leases.acquire();
    await assert.rejects(lw.engine.removeStore(), { code: "STORE_LOCKED" });
  }
  assert.deepEqual(await lw.engine.removeStore(), { home: lw.home, remaining: ["mine.txt"] });
  assert.deepEqual(readdirSync(lw.home), ["mine.txt"]);
  await assert.rejects(lw.engine.removeStore(), { code: "OPTION_INVALID" });
});

test("removeStore() removes the folder when it is the store's alone, and one that is not there", async () => {
  using lw = tempEngine();
  await lw.build(image().from("scratch").copy(inlineFile("a", "a"), "/"), { tags: ["a"] });
  assert.deepEqual(await lw.engine.removeStore(), { home: lw.home, remaining: [] });
  assert.equal(existsSync(lw.home), false);
  assert.deepEqual(await lw.engine.removeStore(), { home: lw.home, remaining: [] });
  mkdirSync(lw.home);
  await assert.rejects(lw.engine.removeStore(), { code: "OPTION_INVALID" });
});
