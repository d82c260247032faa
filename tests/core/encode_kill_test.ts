import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { host } from "../../core/host/mod.ts";
import { image } from "../../mod.ts";
import { sampleBytes } from "../support/sample_bytes.ts";
import { type TempEngine, tempEngine } from "../support/temp_engine.ts";

const CHILD = fileURLToPath(new URL("../support/encode_until_killed.ts", import.meta.url));
const MIB = 1024 * 1024;
const DATA = { data: sampleBytes("mixed", 40 * MIB) };
const RECIPE = image().from("scratch").copy("data", "/data");
const RECORD_BYTES = 16;
const timeout = 120_000;

/** The unfinished blob, or undefined while there is none. */
function partialOf(
  lw: TempEngine,
): { readonly blob: string; readonly records: number } | undefined {
  const folder = join(lw.home, "partial");
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const log = names.find((name) => name.endsWith(".chunks"));
  if (log === undefined) return undefined;
  const blob = join(folder, log.slice(0, -".chunks".length));
  return { blob, records: Math.floor(statSync(join(folder, log)).size / RECORD_BYTES) };
}

/** Starts to build, and kills the process once some chunks are compressed. */
async function killWhileEncoding(lw: TempEngine, chunks: number): Promise<void> {
  const [program = "", ...args] = host.selfCommand(CHILD);
  const child = spawn(program, [...args, lw.home, lw.context], { stdio: "inherit" });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  let hasEnded = false;
  void ended.then(() => hasEnded = true);
  try {
    while ((partialOf(lw)?.records ?? 0) < chunks && !hasEnded) await sleep(5);
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
}

const eager = async (lw: TempEngine): Promise<string> =>
  await (await lw.build(RECIPE, { compression: "zstd:12" })).digest();

test("an encoder killed in the middle goes on from there, to the same blob", {
  timeout,
}, async () => {
  using clean = tempEngine(DATA);
  const expected = await eager(clean);
  using lw = tempEngine(DATA);
  await killWhileEncoding(lw, 4);
  const left = partialOf(lw) ?? assert.fail("nothing was left");
  assert.ok(left.records >= 4 && left.records < 40, `${left.records} chunks were done`);
  const { ino } = statSync(left.blob);
  const before = readFileSync(left.blob);
  assert.equal(await eager(lw), expected);
  assert.equal(partialOf(lw), undefined);
  assert.deepEqual(readdirSync(join(lw.home, "partial")), []);
  // The file that was left is the blob now, with the bytes it had.
  const folder = join(lw.home, "blobs/sha256");
  const [blob = ""] = readdirSync(folder).filter((name) =>
    statSync(join(folder, name)).ino === ino
  );
  const bytes = readFileSync(join(folder, blob));
  assert.ok(bytes.length > before.length);
  // At most what follows the last record was written in part.
  const half = before.length / 2;
  assert.ok(bytes.subarray(0, half).equals(before.subarray(0, half)));
});

test("damage to what a killed encoder left is found, and costs time only", {
  timeout,
}, async () => {
  using clean = tempEngine(DATA);
  const expected = await eager(clean);
  using lw = tempEngine(DATA);
  await killWhileEncoding(lw, 3);
  const { blob } = partialOf(lw) ?? assert.fail("nothing was left");
  const bytes = readFileSync(blob);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  writeFileSync(blob, bytes);
  assert.equal(await eager(lw), expected);
  assert.deepEqual(readdirSync(join(lw.home, "partial")), []);
});
