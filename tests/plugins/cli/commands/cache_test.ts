/** `layerwright cache`, over a real store. */
import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { cacheMount, image } from "../../../../mod.ts";
import { busyboxImage, runObstacle } from "../../../support/busybox_image.ts";
import { type CliOutcome, runRecorded } from "../../../support/recorded_cli.ts";
import { type TempEngine, tempEngine } from "../../../support/temp_engine.ts";

const reason = await runObstacle();
const options = { skip: reason !== undefined, timeout: 120_000 };
const suffix = reason === undefined ? "" : ` (${reason})`;

function cli(lw: TempEngine, ...argv: readonly string[]): Promise<CliOutcome> {
  return runRecorded(argv, lw.engine, { workingDirectory: lw.context });
}

/** A store with the caches `/a` and `b`, of 6 bytes each. */
async function storeWithCaches(): Promise<TempEngine> {
  const lw = tempEngine();
  try {
    await lw.build(
      image().from(busyboxImage()).run("echo hello | tee /a/f > /b/f; touch -d @0 /?/f /a /b", {
        mounts: [cacheMount("/a"), cacheMount("/b", { id: "b" })],
      }),
    );
    return lw;
  } catch (error) {
    lw[Symbol.dispose]();
    throw error;
  }
}

test(`cache ls lists ids, sizes and times${suffix}`, options, async () => {
  using lw = await storeWithCaches();
  const { code, stdout, stderr } = await cli(lw, "cache", "ls");
  assert.deepEqual([code, stderr], [0, ""]);
  const [head = "", ...rows] = stdout.trimEnd().split("\n");
  assert.match(head, /^ID +NAME +SIZE +COPIES +CREATED +LAST USED +OWNED AS$/);
  assert.deepEqual(rows.map((row) => row.split(/ {2,}/).slice(0, 1)), [["/a"], ["b"]]);
  assert.match(rows[0] ?? "", / 6 B +1 +\d{4}-\d\d-\d\dT\S+Z +\d{4}-\d\d-\d\dT\S+Z +\S+$/);
  const { caches } = JSON.parse((await cli(lw, "cache", "ls", "--json")).stdout);
  assert.deepEqual(
    caches.map(({ id, sizeBytes }: { id: string; sizeBytes: number }) => [
      id,
      sizeBytes,
    ]),
    [["/a", 6], ["b", 6]],
  );
});

test(`cache rm removes what is named, or all, and says so${suffix}`, options, async () => {
  using lw = await storeWithCaches();
  const wrong = await cli(lw, "cache", "rm");
  assert.match(wrong.stderr, /^OPTION_INVALID: .*none is named/);
  assert.match((await cli(lw, "cache", "rm", "b", "--all")).stderr, /both --all and ids/);
  const missing = await cli(lw, "cache", "rm", "/b");
  assert.match(missing.stderr, /^CACHE_MISSING: Cannot find cache "\/b"/);
  assert.match(missing.stderr, /it has "\/a", "b"/);
  assert.deepEqual(await cli(lw, "cache", "rm", "b"), {
    code: 0,
    stdout: "b\n",
    stderr: "removed 1 cache mount, 6 B\n",
  });
  const { stdout } = await cli(lw, "cache", "ls");
  const name = /^\/a +([0-9a-f]{12}) /m.exec(stdout)?.[1] ?? "";
  assert.equal((await cli(lw, "cache", "rm", name)).stdout, "/a\n");
  assert.equal((await cli(lw, "cache", "rm", "--all")).stdout, "");
  assert.equal((await cli(lw, "cache", "ls", "--json")).stdout, '{"caches":[]}\n');
});

test(`cache export and import print the digest of the file${suffix}`, options, async () => {
  using lw = await storeWithCaches();
  const exported = await cli(lw, "cache", "export", "/a", "a.tar");
  assert.match(exported.stdout, /^sha256:[0-9a-f]{64}\n$/);
  assert.match(exported.stderr, /^exported "\/a", .* kB\n$/);
  assert.ok(existsSync(join(lw.context, "a.tar")));
  const digest = exported.stdout.trim();
  const imported = await cli(lw, "cache", "import", "copy", "a.tar", "--digest", digest);
  assert.deepEqual([imported.code, imported.stdout], [0, `${digest}\n`]);
  assert.equal((await cli(lw, "cache", "import", "a.tar")).stdout, `${digest}\n`);
  const ids = JSON.parse((await cli(lw, "cache", "ls", "--json")).stdout).caches;
  assert.deepEqual(ids.map(({ id }: { id: string }) => id), ["/a", "b", "copy"]);
  // Another id is another file, the same id and files the same one.
  assert.equal((await cli(lw, "cache", "export", "/a", "again.tar")).stdout.trim(), digest);
  assert.notEqual((await cli(lw, "cache", "export", "copy", "copy.tar")).stdout.trim(), digest);
  writeFileSync(join(lw.context, "a.tar"), "nothing", { flag: "a" });
  const damaged = await cli(lw, "cache", "import", "a.tar", "--digest", digest);
  assert.match(damaged.stderr, /^BLOB_DIGEST_MISMATCH: /);
  assert.match((await cli(lw, "cache", "import")).stderr, /no file is named/);
});
