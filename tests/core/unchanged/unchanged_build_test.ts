// Over 300 lines: every reason to believe a memo or not, over one set of files.
import assert from "node:assert/strict";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { keepsChangeTimes } from "../../../core/context/change_times.ts";
import { collectGarbage } from "../../../core/store/gc.ts";
import { memoFolder } from "../../../core/store/memo_folder.ts";
import { openStore } from "../../../core/store/store.ts";
import { parseMemo, serializeMemo } from "../../../core/unchanged/memo_file.ts";
import { type BuildOptions, type BuildTarget, executable, image, source } from "../../../mod.ts";
import { type ElfFixture, elfFixture } from "../../support/elf_fixture.ts";
import { type MemoBuild, memoBuild, untilNextTick } from "../../support/memo_engine.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";
import { writeFiles } from "../../support/temp_engine.ts";

const skip = !keepsChangeTimes(tmpdir());
const suffix = skip ? " (needs a local file system)" : "";
const everything = image("app").from("scratch").copy(".", "/");

interface Place extends Disposable {
  readonly home: string;
  readonly context: string;
  build(target?: BuildTarget, options?: BuildOptions): Promise<MemoBuild>;
}

function place(): Place {
  const directory = temporaryDirectory();
  const [home, context] = [join(directory.path, "home"), join(directory.path, "context")];
  mkdirSync(context);
  writeFiles(context, { "a": "a", "d/b": "b", "d/c": { link: "b" } });
  return {
    home,
    context,
    async build(target = everything, options = {}): Promise<MemoBuild> {
      untilNextTick(directory.path);
      return await memoBuild(target, { home, contextDirectory: context, ...options });
    },
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}

function memoFiles(home: string): string[] {
  const folder = memoFolder(home);
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}

/** Changes what the head of the only memo says. */
function changeHead(home: string, change: (head: Record<string, unknown>) => void): void {
  const [path = ""] = memoFiles(home);
  const memo = parseMemo(readFileSync(path));
  assert.ok(memo !== undefined);
  change(memo.head as Record<string, unknown>);
  writeFileSync(path, serializeMemo(memo));
}

test(`an unchanged build answers what the build before answered${suffix}`, { skip }, async () => {
  using lw = place();
  const first = await lw.build();
  const second = await lw.build();
  assert.deepEqual([first.unchanged, second.unchanged], [false, true]);
  assert.equal(second.result.imageId, first.result.imageId);
  assert.deepEqual(second.result.descriptor, first.result.descriptor);
  assert.equal(await second.result.digest(), await first.result.digest());
  assert.deepEqual(
    second.result.steps,
    first.result.steps.map((step) => ({ ...step, outcome: "hit" })),
  );
});

test(
  `an unchanged build tells progress what a build of hits tells${suffix}`,
  { skip },
  async () => {
    using lw = place();
    const target = image("app").from("scratch").copy("a", "/").copy("d", "/d");
    await lw.build(target);
    const told = async (options: BuildOptions): Promise<unknown[]> => {
      const { events } = await lw.build(target, options);
      return events.map((event) => ({ ...event, timeMs: 0 }));
    };
    // With one more option that changes nothing, no memo is asked.
    const hits = await told({ paranoid: true });
    assert.ok(hits.length > 4);
    assert.deepEqual(await told({}), hits);
  },
);

for (
  const [what, change] of Object.entries<(lw: Place) => void>({
    "a file has other bytes, as many, and its old times": ({ context }) => {
      const path = join(context, "a");
      writeFileSync(path, "A");
      utimesSync(path, 1, 1);
    },
    "a file is replaced by another": ({ context }) => {
      writeFileSync(join(context, "..", "new"), "A");
      renameSync(join(context, "..", "new"), join(context, "a"));
    },
    "a file has another mode": ({ context }) => chmodSync(join(context, "a"), 0o755),
    "a file is there that was not": ({ context }) => writeFileSync(join(context, "d", "n"), ""),
    "a file is gone": ({ context }) => rmSync(join(context, "d", "b")),
    "an ignore file is there that was not": ({ context }) =>
      writeFileSync(join(context, ".containerignore"), "a"),
    "the context is another directory": ({ context }) => {
      renameSync(context, `${context}-old`);
      mkdirSync(context);
      writeFiles(context, { "a": "A" });
    },
    "a layer is gone": ({ home }) => damageBlobs(home, (path) => rmSync(path)),
    "a layer is cut": ({ home }) =>
      damageBlobs(home, (path) => {
        chmodSync(path, 0o644);
        truncateSync(path, 1);
      }),
  })
) {
  test(`a build builds when ${what}${suffix}`, { skip }, async () => {
    using lw = place();
    await lw.build();
    assert.ok((await lw.build()).unchanged);
    change(lw);
    const { result, unchanged } = await lw.build();
    assert.equal(unchanged, false);
    const { result: fresh } = await memoBuild(everything, {
      home: `${lw.home}-fresh`,
      contextDirectory: lw.context,
    });
    assert.equal(result.imageId, fresh.imageId);
    assert.ok((await lw.build()).unchanged);
  });
}

function damageBlobs(home: string, damage: (path: string) => void): void {
  const folder = join(home, "blobs", "sha256");
  // Layers begin with the name of a file; configs and manifests are JSON.
  const layers = readdirSync(folder).map((name) => join(folder, name))
    .filter((path) => readFileSync(path)[0] !== 0x7b);
  assert.ok(layers.length > 0);
  for (const path of layers) damage(path);
}

test(`a build builds when the ignore file leads to other rules${suffix}`, { skip }, async () => {
  using lw = place();
  const rules = join(lw.context, "..", "rules");
  writeFileSync(rules, "a\n");
  symlinkSync(rules, join(lw.context, ".dockerignore"));
  const first = await lw.build();
  assert.ok((await lw.build()).unchanged);
  writeFileSync(rules, "d\n");
  const second = await lw.build();
  assert.equal(second.unchanged, false);
  assert.notEqual(second.result.imageId, first.result.imageId);
});

test(`a memo belongs to the context that a relative path means now${suffix}`, {
  skip,
}, async () => {
  using lw = place();
  const other = join(lw.context, "..", "other");
  mkdirSync(join(other, "context"), { recursive: true });
  writeFileSync(join(other, "context", "a"), "other");
  const before = process.cwd();
  try {
    process.chdir(join(lw.context, ".."));
    const first = await lw.build(everything, { contextDirectory: "context" });
    assert.ok((await lw.build(everything, { contextDirectory: "context" })).unchanged);
    process.chdir(other);
    const second = await lw.build(everything, { contextDirectory: "context" });
    assert.notEqual(second.result.imageId, first.result.imageId);
  } finally {
    process.chdir(before);
  }
});

test(`a build looks at nothing that it did not look at before${suffix}`, { skip }, async () => {
  using lw = place();
  writeFiles(lw.context, { ".dockerignore": "ignored\n", "ignored/f": "" });
  const target = image("app").from("scratch").copy("d", "/d");
  await lw.build(target);
  writeFileSync(join(lw.context, "ignored", "g"), "");
  assert.ok((await lw.build(target)).unchanged);
  writeFileSync(join(lw.context, "a"), "not copied");
  assert.ok((await lw.build(target)).unchanged);
});

test(`a build of another order has no memo${suffix}`, { skip }, async () => {
  using lw = place();
  await lw.build();
  const other = image("app").from("scratch").copy(".", "/").env({ A: "b" });
  assert.equal((await lw.build(other)).unchanged, false);
  const orders: BuildOptions[] = [
    { epochSeconds: 1 },
    { noCache: true },
    { noCacheFilter: ["app"] },
    { paranoid: true },
    { compression: "gzip" },
    { labels: { a: "b" } },
    { platform: "linux/riscv64" },
    { buildArgs: { UNUSED: "1" } },
    { outputs: [{ type: "oci", dest: join(lw.context, "..", "out.tar") }] },
  ];
  for (const options of orders) {
    assert.equal((await lw.build(everything, options)).unchanged, false, JSON.stringify(options));
  }
  assert.ok((await lw.build()).unchanged);
  const read = { buildArgs: { READ: "by the recipe" }, readArgs: ["READ"] };
  assert.ok((await lw.build(everything, read)).unchanged);
  await assert.rejects(lw.build(everything, { signal: AbortSignal.abort() }), {
    code: "BUILD_CANCELLED",
  });
  await assert.rejects(lw.build(everything, { concurrency: 0 }), { code: "OPTION_INVALID" });
  await assert.rejects(lw.build(everything, { epochSeconds: -1 }), { code: "OPTION_INVALID" });
});

test(`a build of files that just changed leaves no memo, nor the one before it${suffix}`, {
  skip,
}, async () => {
  using lw = place();
  await lw.build();
  assert.equal(memoFiles(lw.home).length, 1);
  writeFileSync(join(lw.context, "a"), "new");
  const options = { home: lw.home, contextDirectory: lw.context, settledNs: 2_000_000_000n };
  assert.equal((await memoBuild(everything, options)).unchanged, false);
  assert.equal(memoFiles(lw.home).length, 0);
  // A time in the future is no time that all changes to come are later than.
  utimesSync(join(lw.context, "a"), 2 ** 33, 2 ** 33);
  assert.equal((await lw.build()).unchanged, false);
  assert.equal(memoFiles(lw.home).length, 0);
});

test(
  `a memo of another boot, of the future, of last week or of another order is not believed${suffix}`,
  {
    skip,
  },
  async () => {
    const times = [{ savedMs: Date.now() + 1e9 }, { savedMs: Date.now() - 7 * 86_400_000 }];
    for (const change of [{ boot: "another" }, ...times, { key: "{}" }]) {
      using lw = place();
      await lw.build();
      changeHead(lw.home, (head) => Object.assign(head, change));
      assert.equal((await lw.build()).unchanged, false, JSON.stringify(change));
      assert.ok((await lw.build()).unchanged);
    }
  },
);

test(`a memo does not answer with what garbage collection freed the record of${suffix}`, {
  skip,
}, async () => {
  using lw = place();
  await lw.build();
  assert.equal(memoFiles(lw.home).length, 1);
  using store = openStore({ home: lw.home, durability: "fast" });
  const { freedRecords } = collectGarbage(store, { cacheLimitBytes: 0, graceMs: 0 });
  assert.ok(freedRecords.length > 0);
  assert.equal(memoFiles(lw.home).length, 0);
});

test(`a damaged memo is none, wherever it is damaged${suffix}`, { skip }, async () => {
  using lw = place();
  const { result } = await lw.build();
  const [path = ""] = memoFiles(lw.home);
  const bytes = readFileSync(path);
  for (let at = 0; at < bytes.length; at++) {
    const damaged = Uint8Array.from(bytes);
    damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
    assert.equal(parseMemo(damaged), undefined, `byte ${at}`);
  }
  for (const damaged of [bytes.subarray(0, -4), bytes.subarray(0, 40), bytes.subarray(0, 0)]) {
    writeFileSync(path, damaged);
    const built = await lw.build();
    assert.deepEqual([built.unchanged, built.result.imageId], [false, result.imageId]);
    appendFileSync(path, "xxxx");
  }
  rmSync(path);
  mkdirSync(path);
  assert.equal((await lw.build()).unchanged, false);
});

test(`an unchanged build names its image${suffix}`, { skip }, async () => {
  using lw = place();
  const first = await lw.build(everything, { tags: ["app:1"] });
  const second = await lw.build(everything, { tags: ["app:2", "app:1"] });
  assert.ok(second.unchanged);
  const index = JSON.parse(readFileSync(join(lw.home, "index.json"), "utf8"));
  assert.deepEqual(
    index.manifests.map(({ digest }: { digest: string }) => digest),
    [first.result.descriptor.digest, first.result.descriptor.digest],
  );
  assert.deepEqual(second.result.tags, ["app:2", "app:1"]);
});

test(`a build on an image of the store is unchanged as long as the name is${suffix}`, {
  skip,
}, async () => {
  using lw = place();
  await lw.build(everything, { tags: ["base:1"] });
  const upper = image("upper").from("base:1").copy("a", "/upper");
  await lw.build(upper);
  assert.ok((await lw.build(upper)).unchanged);
  await lw.build(image("other").from("scratch").copy("d", "/"), { tags: ["base:1"] });
  assert.equal((await lw.build(upper)).unchanged, false);
  assert.ok((await lw.build(upper)).unchanged);
});

test(`a build with a source that does not say what it reads has no memo${suffix}`, {
  skip,
}, async () => {
  using lw = place();
  const layout = join(lw.context, "..", "layout");
  await lw.build(everything, {
    outputs: [{ type: "oci", dest: layout, attributes: { tar: "false" } }],
  });
  const target = image("app").from(source(`oci-layout://${layout}`));
  for (let round = 0; round < 2; round++) {
    assert.equal((await lw.build(target)).unchanged, false);
  }
});

test(
  `a build with a program of this machine is unchanged as long as all is that it was found by${suffix}`,
  {
    skip: skip || process.platform !== "linux",
  },
  async () => {
    using lw = place();
    const at = (name: string): string => join(lw.context, "..", name);
    for (const folder of ["bin", "lib1", "lib2"]) mkdirSync(at(folder));
    writeFileSync(at("ld.so"), elfFixture());
    writeFileSync(at("lib2/libx.so"), elfFixture());
    const program = { interpreter: at("ld.so"), needed: ["libx.so"] };
    const write = (more: ElfFixture = {}): void =>
      writeFileSync(
        at("bin/p"),
        elfFixture({ ...program, runpath: "$ORIGIN/../lib1:$ORIGIN/../lib2", ...more }),
        {
          mode: 0o755,
        },
      );
    write();
    const target = image("app").from("scratch").copy("/", "/", {
      from: executable(at("bin/p"), { as: "/opt/bin/p" }),
    });
    const options = { platform: "linux/amd64" };
    await lw.build(target, options);
    assert.ok((await lw.build(target, options)).unchanged);
    for (
      const change of [
        () => writeFileSync(at("lib1/libx.so"), elfFixture({ soname: "libx.so" })),
        () => appendFileSync(at("lib1/libx.so"), "more"),
        () => write({ soname: "p" }),
        () => chmodSync(at("ld.so"), 0o755),
      ]
    ) {
      change();
      assert.equal((await lw.build(target, options)).unchanged, false);
      assert.ok((await lw.build(target, options)).unchanged);
    }
  },
);

test(`memos are few${suffix}`, { skip, timeout: 60_000 }, async () => {
  using lw = place();
  await lw.build();
  const [path = ""] = memoFiles(lw.home);
  for (let old = 0; old < 300; old++) {
    const copy = join(memoFolder(lw.home), `old${old}`);
    writeFileSync(copy, "");
    utimesSync(copy, old, old);
  }
  writeFileSync(join(memoFolder(lw.home), "great"), "");
  truncateSync(join(memoFolder(lw.home), "great"), 65 * 1024 * 1024);
  utimesSync(join(memoFolder(lw.home), "great"), 200.5, 200.5);
  appendFileSync(join(lw.context, "a"), "more");
  await lw.build();
  const left = memoFiles(lw.home);
  assert.ok(left.includes(path) && left.includes(join(memoFolder(lw.home), "old299")));
  assert.ok(!left.includes(join(memoFolder(lw.home), "great")));
  assert.equal(left.length, 100);
});
