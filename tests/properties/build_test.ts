/** Promises about whole builds: same inputs, same bytes; and a cache that never lies. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { host } from "../../core/host/mod.ts";
import { type FilesSpec, filesSpec, recipeOf, recipeSpec } from "../support/recipe_arbitrary.ts";
import { otherRuntimeCommand } from "../support/runtimes.ts";
import { tempEngine } from "../support/temp_engine.ts";
import { temporaryDirectory } from "../support/temporary_directory.ts";

const SEED = 4711;
const CHILD = fileURLToPath(new URL("../support/print_digests.ts", import.meta.url));

/** Writes a context in the order given, with permission bits that a umask could have left. */
function writeContext(
  folder: string,
  files: FilesSpec,
  order: readonly string[],
  umask = 0o022,
): void {
  mkdirSync(folder, { recursive: true });
  for (const path of order) {
    const file = files[path];
    if (file === undefined) continue;
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, file.text);
    chmodSync(target, (file.executable ? 0o777 : 0o666) & ~umask);
  }
}

test(`the digest does not depend on folder, file order, mtimes or umask (seed ${SEED})`, async () => {
  await fc.assert(
    fc.asyncProperty(
      recipeSpec,
      fc.infiniteStream(fc.nat()),
      fc.constantFrom(0o022, 0o077, 0o002),
      async (spec, random, umask) => {
        // Modes are asked for by some steps: then they are an input, and only the executable bit may not be.
        const exact = spec.stages.flat().some((step) =>
          step.kind === "copy" && step.mode !== undefined
        );
        const paths = Object.keys(spec.files);
        using one = tempEngine();
        using two = tempEngine();
        writeContext(one.context, spec.files, paths);
        const shuffled = paths.map((path) => ({ path, key: random.next().value ?? 0 })).sort((
          a,
          b,
        ) => a.key - b.key)
          .map(({ path }) => path);
        writeContext(two.context, spec.files, shuffled, exact ? 0o022 : umask);
        for (const path of paths) utimesSync(join(two.context, path), 1e9, 1e9);
        const recipe = recipeOf(spec);
        assert.equal(
          await (await two.build(recipe)).digest(),
          await (await one.build(recipe)).digest(),
        );
      },
    ),
    { seed: SEED, numRuns: 40 },
  );
});

test(`an incremental build is a clean build, whatever was built and edited before (seed ${SEED})`, async () => {
  await fc.assert(
    fc.asyncProperty(
      recipeSpec,
      fc.array(filesSpec, { minLength: 1, maxLength: 3 }),
      recipeSpec,
      async (spec, edits, other) => {
        using grown = tempEngine();
        for (const [index, files] of [spec.files, ...edits, spec.files].entries()) {
          for (
            const path of [
              "src",
              "été",
              "a.b",
              ...Object.keys(spec.files),
              ...edits.flatMap(Object.keys),
            ]
          ) {
            rmSync(join(grown.context, path), { recursive: true, force: true });
          }
          writeContext(grown.context, files, Object.keys(files));
          const recipe = recipeOf(index % 2 === 0 ? spec : { ...other, files });
          using clean = tempEngine();
          writeContext(clean.context, files, Object.keys(files));
          const foretold = await grown.plan(recipe, { compression: "gzip" });
          const incremental = await grown.build(recipe);
          assert.equal(await incremental.digest(), await (await clean.build(recipe)).digest());
          assert.equal(foretold.imageId, incremental.imageId, "plan() foretold another image");
          assert.equal(
            foretold.digest,
            await incremental.digest(),
            "plan() foretold another digest",
          );
          assert.deepEqual(
            (await grown.plan(recipe)).steps.map(({ outcome }) => outcome),
            incremental.steps.map(() => "hit"),
            "a build just made is no hit",
          );
        }
      },
    ),
    { seed: SEED, numRuns: 25 },
  );
});

const other = otherRuntimeCommand(CHILD);
test(
  `both runtimes give one digest under other TZ, LANG, umask and concurrency (seed ${SEED})${
    other === undefined ? " (needs the other runtime)" : ""
  }`,
  {
    skip: other === undefined,
    timeout: 120_000,
  },
  () => {
    const specs = fc.sample(recipeSpec, { seed: SEED, numRuns: 12 });
    const runs = [
      { command: host.selfCommand(CHILD), concurrency: 1, env: { TZ: "UTC", LANG: "C" } },
      {
        command: host.selfCommand(CHILD),
        concurrency: 8,
        env: { TZ: "Asia/Kathmandu", LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8" },
      },
      {
        command: other ?? [],
        concurrency: 3,
        env: { TZ: "America/St_Johns", LANG: "de_DE.UTF-8" },
      },
    ];
    const outputs = runs.map(({ command: [program = "", ...args], concurrency, env }) => {
      using folder = temporaryDirectory();
      for (const [index, { files }] of specs.entries()) {
        writeContext(join(folder.path, "contexts", String(index)), files, Object.keys(files));
      }
      const { status, stdout, stderr } = spawnSync(
        "sh",
        [
          "-c",
          'umask "$1"; shift; exec "$@"',
          "sh",
          concurrency === 1 ? "022" : "077",
          program,
          ...args,
          join(folder.path, "home"),
          join(folder.path, "contexts"),
          String(concurrency),
        ],
        { input: JSON.stringify(specs), encoding: "utf8", env: { ...process.env, ...env } },
      );
      assert.equal(status, 0, stderr);
      return stdout;
    });
    assert.equal(outputs[0]?.trim().split("\n").length, specs.length);
    assert.equal(outputs[1], outputs[0]);
    assert.equal(outputs[2], outputs[0]);
  },
);
