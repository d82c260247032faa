import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createEngine, defaultPlugins } from "../../../../mod.ts";
import { type CliOutcome, runRecorded } from "../../../support/recorded_cli.ts";
import { temporaryDirectory } from "../../../support/temporary_directory.ts";

const core = new URL("../../../../core/mod.ts", import.meta.url).href;
const RECIPE = `import { image } from ${JSON.stringify(core)};
export default image("app").from("scratch").as("web")
  .workdir("/srv")
  .copy("src", "./");
`;

interface Workplace extends Disposable {
  readonly path: string;
  run(...argv: readonly string[]): Promise<CliOutcome>;
}

/** A recipe that was built, after which one of its files changed; the engine is a real one. */
async function workplace(): Promise<Workplace> {
  const directory = temporaryDirectory();
  const { path } = directory;
  const engine = createEngine({ plugins: defaultPlugins, home: join(path, "home") });
  writeFileSync(join(path, "layerwright.ts"), RECIPE);
  mkdirSync(join(path, "src"));
  writeFileSync(join(path, "src/main"), "one\n");
  const place: Workplace = {
    path,
    run: (...argv) => runRecorded(argv, engine, { workingDirectory: path }),
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
  assert.equal((await place.run("build", ".", "--progress=none")).code, 0);
  writeFileSync(join(path, "src/main"), "three\n");
  return place;
}

test("explain says of every step where it is and which input differs", async () => {
  using place = await workplace();
  const { code, stdout, stderr } = await place.run("explain");
  assert.deepEqual([code, stderr], [0, ""]);
  // Which line a chain's call is on differs between runtimes, see resolveCallSite().
  assert.match(
    stdout,
    new RegExp(
      [
        String.raw`^1  hit      \[web 1/2\] WORKDIR /srv`,
        String.raw`            layerwright\.ts:\d`,
        String.raw`2  run      \[web 2/2\] COPY src \./`,
        String
          .raw`            layerwright\.ts:\d  file "src/main": content changed \(4 → 6 bytes\)\n$`,
      ].join("\n"),
    ),
  );
});

test("explain takes a step by its number or a part of its name", async () => {
  using place = await workplace();
  for (const wanted of ["2", "copy SRC"]) {
    const { code, stdout } = await place.run("explain", ".", wanted);
    assert.equal(code, 0);
    assert.match(stdout, /^2 {2}run/);
    assert.equal(stdout.trimEnd().split("\n").length, 2);
  }
  for (const wanted of ["3", "0", "RUN"]) {
    const { code, stdout, stderr } = await place.run("explain", ".", wanted);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^OPTION_INVALID: Cannot explain step .*\n.*1 {2}\[web 1\/2\] WORKDIR/);
  }
});

test("explain takes a number alone for a step of this folder's recipe, unless a file has that name", async () => {
  using place = await workplace();
  const { code, stdout } = await place.run("explain", "2");
  assert.deepEqual([code, stdout], [0, (await place.run("explain", ".", "2")).stdout]);
  writeFileSync(join(place.path, "2"), "");
  assert.match((await place.run("explain", "2")).stderr, /^RECIPE_INVALID: .*"2"/);
});

test("explain --json gives outcome, place and difference", async () => {
  using place = await workplace();
  const { code, stdout } = await place.run("explain", "--json");
  assert.equal(code, 0);
  const { steps } = JSON.parse(stdout);
  assert.deepEqual(steps.map(({ number, outcome }: never) => [number, outcome]), [
    [1, "hit"],
    [2, "run"],
  ]);
  const [{ difference: none, reason: noReason }, { difference, reason, at }] = steps;
  assert.deepEqual([none, noReason], [undefined, undefined]);
  assert.equal(at.file, join(place.path, "layerwright.ts"));
  assert.equal(difference.path, "items.src/main");
  assert.deepEqual([difference.before.size, difference.after.size], [4, 6]);
  assert.equal(difference.text, reason);
});

test("explain takes the options that say what is built", async () => {
  using place = await workplace();
  for (const option of ["--no-cache", "--no-cache-filter=web"]) {
    const { stdout } = await place.run("explain", option, "--target", "web");
    assert.equal(stdout.match(/the cache is off for this step/g)?.length, 2);
  }
});
