import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { host } from "../../core/host/mod.ts";
import { parseManifest } from "../../core/oci/manifest.ts";
import { image, inlineFile } from "../../mod.ts";
import { type TempEngine, tempEngine } from "../support/temp_engine.ts";

const ROUNDS = 100;
const SEED = 20_261;
const CHILD = fileURLToPath(new URL("../support/build_until_killed.ts", import.meta.url));

/** Numbers that look random and are the same every time. */
function* pseudoRandom(seed: number): Generator<number, never> {
  for (let state = seed;;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

async function killAfter(lw: TempEngine, round: number, waitMs: number): Promise<void> {
  const [program = "", ...args] = host.selfCommand(CHILD);
  const child = spawn(program, [...args, lw.home, lw.context, String(round)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the builder ended by itself with ${code}`)));
    child.stdout.once("data", () => resolve());
  });
  const ended = new Promise((resolve) => child.removeAllListeners("exit").once("exit", resolve));
  setTimeout(() => child.kill("SIGKILL"), waitMs);
  await ended;
}

/** Everything with a name is whole: each blob has its digest, each tag names a manifest whose blobs are all there. */
async function checkStore(lw: TempEngine): Promise<void> {
  const folder = join(lw.home, "blobs", "sha256");
  for (const name of readdirSync(folder)) {
    assert.equal(createHash("sha256").update(readFileSync(join(folder, name))).digest("hex"), name);
  }
  using store = await lw.engine.openStore();
  for (const { descriptor } of store.refs.list()) {
    const manifest = parseManifest(await store.blobs.readBytes(descriptor.digest, 1 << 20));
    for (const { digest, size } of [manifest.config, ...manifest.layers]) {
      assert.equal(await store.blobs.size(digest), size, `blob ${digest} of a tagged image`);
    }
  }
}

test(
  `a build killed at a random moment leaves a valid store, and the next build is right (${ROUNDS} rounds, seed ${SEED})`,
  { timeout: 300_000 },
  async () => {
    using lw = tempEngine();
    using clean = tempEngine();
    for (const { context } of [lw, clean]) {
      writeFileSync(
        join(context, "data"),
        "0123456789".repeat(40_000),
      );
    }
    const recipe = image().from("scratch").copy("data", "/data").copy(
      inlineFile("n", "after"),
      "/n",
    );
    const expected = await (await clean.build(recipe)).digest();
    const random = pseudoRandom(SEED);
    for (let round = 0; round < ROUNDS; round++) {
      await killAfter(lw, round, random.next().value * 150);
      // Every blob of every round would be hashed again each time: enough is now and then, and at the end.
      if (round % 10 === 9) await checkStore(lw);
      // Also one that is known to be unchanged would be right, but only one that works cleans up.
      const paranoid = round % 2 === 0;
      assert.equal(await (await lw.build(recipe, { paranoid })).digest(), expected);
      if (!paranoid) continue;
      assert.deepEqual(readdirSync(join(lw.home, "tmp")), []);
    }
    await checkStore(lw);
  },
);
