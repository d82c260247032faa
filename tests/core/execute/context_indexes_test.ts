import assert from "node:assert/strict";
import { chmodSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { keepsChangeTimes } from "../../../core/context/change_times.ts";
import { openContext, walkContext } from "../../../core/context/walk.ts";
import { ContextIndexes } from "../../../core/execute/context_indexes.ts";
import { sha256 } from "../../../core/oci/digest.ts";
import { memoFolder } from "../../../core/store/memo_folder.ts";
import { type BuildOptions, image, type ProgressEvent } from "../../../mod.ts";
import { type TempEngine, tempEngine } from "../../support/temp_engine.ts";

/** Files that nobody writes while tests run: what a test writes itself is too new to be in an index. */
const settledContext = join(import.meta.dirname ?? ".", "../../../recipes");
const skip = !keepsChangeTimes(settledContext) || !keepsChangeTimes(tmpdir());
const suffix = skip ? " (needs a local file system)" : "";
const app = image("app").from("scratch").copy(".", "/recipes/");

interface Surroundings {
  readonly options: BuildOptions;
  readonly warnings: string[];
}

function surroundings(more: BuildOptions = {}): Surroundings {
  const warnings: string[] = [];
  const event = (told: ProgressEvent): void => {
    if (told.type === "warning") warnings.push(told.text);
  };
  const progress = { event, close(): void {} };
  return { options: { contextDirectory: settledContext, progress, ...more }, warnings };
}

function indexFiles(lw: TempEngine): string[] {
  const folder = join(lw.home, "context-index");
  return readdirSync(folder).map((name) => join(folder, name));
}

/** Says of one file that it holds what it does not. */
async function forge(lw: TempEngine): Promise<void> {
  using store = await lw.engine.openStore();
  const indexes = new ContextIndexes({
    store,
    paranoid: false,
    warn: (text) => assert.fail(text),
  });
  const index = indexes.of(settledContext);
  const entry = walkContext(settledContext).entries.find(({ type }) => type === "file");
  assert.ok(entry?.content?.kind === "path" && entry.content.identity !== undefined);
  index.set(entry.content.path, entry.content.identity, sha256("something else"));
  indexes.save();
}

test(`a build believes its index, and a plan too; paranoid ones do not${suffix}`, {
  skip,
  timeout: 60_000,
}, async () => {
  using lw = tempEngine();
  const { options } = surroundings();
  const digest = await (await lw.build(app, options)).digest();
  assert.equal(indexFiles(lw).length, 1);
  await forge(lw);
  const misled = await lw.plan(app, options).catch((error) => error);
  assert.equal(misled.code, "CONTEXT_FILE_CHANGED");
  const plan = await lw.plan(app, { ...options, paranoid: true });
  assert.deepEqual([plan.digest, plan.steps[0]?.outcome], [digest, "hit"]);
  assert.equal(await (await lw.build(app, { ...options, paranoid: true })).digest(), digest);
  // The paranoid build wrote what it found.
  assert.equal(await (await lw.build(app, options)).digest(), digest);
});

test(
  `an index that is wrong makes an error, never a layer that is not what its key says${suffix}`,
  {
    skip,
  },
  async () => {
    using lw = tempEngine();
    const { options } = surroundings();
    await forge(lw);
    await assert.rejects(lw.build(app, options), { code: "CONTEXT_FILE_CHANGED" });
  },
);

test(`a damaged index is said once, and replaced${suffix}`, { skip }, async () => {
  using lw = tempEngine();
  const digest = await (await lw.build(app, surroundings().options)).digest();
  const [file = ""] = indexFiles(lw);
  const good = readFileSync(file);
  writeFileSync(file, good.subarray(100));
  // Or nobody would ask the index.
  rmSync(memoFolder(lw.home), { recursive: true });
  const { options, warnings } = surroundings();
  for (let build = 0; build < 2; build++) {
    assert.equal(await (await lw.build(app, options)).digest(), digest);
  }
  assert.deepEqual(warnings, [
    `all files of build context "${settledContext}" are read again: its index is damaged or of another version`,
  ]);
  assert.equal(readFileSync(file).length, good.length);
});

test(`an index that cannot be kept costs no build${suffix}`, { skip }, async () => {
  using lw = tempEngine();
  (await lw.engine.openStore())[Symbol.dispose]();
  writeFileSync(join(lw.home, "context-index"), "a file where the folder should be");
  const { options, warnings } = surroundings();
  await lw.build(app, options);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /^the index of build context ".*recipes" was not kept: /);
});

test(`a plan writes no index${suffix}`, { skip }, async () => {
  using lw = tempEngine();
  await lw.plan(app, surroundings().options);
  assert.ok(!readdirSync(lw.home).includes("context-index"));
});

test(`contexts that were not built for long lose their index${suffix}`, { skip }, async () => {
  using lw = tempEngine({ "a.txt": "a" });
  using store = await lw.engine.openStore();
  const identity = walkContext(settledContext).entries.find(({ type }) => type === "file")?.content;
  assert.ok(identity?.kind === "path" && identity.identity !== undefined);
  for (let place = 0; place < 70; place++) {
    const root = join(lw.context, String(place));
    lw.write({ [`${place}/a`]: "" });
    const indexes = new ContextIndexes({ store, paranoid: false, warn: assert.fail });
    indexes.of(root).set(join(root, "a"), identity.identity, sha256("a"));
    indexes.save();
  }
  assert.equal(indexFiles(lw).length, 64);
});

test(
  `a context reached through a link has the index of the real one${suffix}`,
  { skip },
  async () => {
    using lw = tempEngine({ "real/a": "a" });
    symlinkSync("real", join(lw.context, "link"));
    using store = await lw.engine.openStore();
    const indexes = new ContextIndexes({ store, paranoid: false, warn: assert.fail });
    const identity = walkContext(settledContext).entries.find(({ type }) => type === "file")
      ?.content;
    assert.ok(identity?.kind === "path" && identity.identity !== undefined);
    const [real, link] = ["real", "link"].map((name) => join(lw.context, name));
    indexes.of(real ?? "").set(join(real ?? "", "a"), identity.identity, sha256("a"));
    indexes.save();
    const later = new ContextIndexes({ store, paranoid: false, warn: assert.fail });
    assert.equal(later.of(link ?? "").get(join(link ?? "", "a"), identity.identity), sha256("a"));
  },
);

test("edits of a context between builds are always seen", { timeout: 60_000 }, async () => {
  using lw = tempEngine({ "a.txt": "one", "b.txt": "two" });
  const seen = new Set<string>();
  const file = join(lw.context, "a.txt");
  for (const text of ["one", "two", "six", "longer"]) {
    writeFileSync(file, text);
    seen.add(await (await lw.build(app)).digest());
    chmodSync(file, 0o755);
    seen.add(await (await lw.build(app)).digest());
    chmodSync(file, 0o644);
  }
  assert.equal(seen.size, 8);
  assert.equal(openContext(lw.context).lookup("a.txt")?.sizeBytes, 6);
});
