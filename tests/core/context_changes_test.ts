/** Files that change between the look at a context and the writing of its layer: an error, and nothing in the store. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { image } from "../../mod.ts";
import { programPath } from "../support/program_path.ts";
import { sampleBytes } from "../support/sample_bytes.ts";
import { type ContextFile, type TempEngine, tempEngine } from "../support/temp_engine.ts";

const recipe = image().from("scratch").copy("src", "/srv/");
const MIB = 1024 * 1024;
/** Of less than a block, of several chunks, of more than one thread is given. */
const SIZES = [10, 3 * MIB, 33 * MIB];

const filesOf = (sizeBytes: number): Record<string, ContextFile> => ({
  "src/a": "first",
  "src/file": sampleBytes(sizeBytes > 10 * MIB ? "zeros" : "mixed", sizeBytes),
  "src/z": "last",
});

const clean = new Map<number, string>();
/** The image of a store that never saw a change. */
async function cleanImage(sizeBytes: number): Promise<string> {
  const known = clean.get(sizeBytes);
  if (known !== undefined) return known;
  using lw = tempEngine(filesOf(sizeBytes));
  const { imageId } = await lw.build(recipe);
  clean.set(sizeBytes, imageId);
  return imageId;
}

/** Builds, and changes the context as soon as the step whose files were listed starts to write its layer. */
function buildChanging(lw: TempEngine, change: () => void): Promise<unknown> {
  let names = new Map<string, string>();
  let changes = 0;
  return lw.build(recipe, {
    progress: {
      event(event): void {
        if (event.type === "plan") {
          names = new Map(event.vertices.map(({ digest, name }) => [digest, name]));
        }
        if (event.type !== "started" || !/COPY/.test(names.get(event.vertex) ?? "")) return;
        assert.equal(++changes, 1);
        change();
      },
      close(): void {},
    },
  });
}

function blobsIn({ home }: TempEngine): string[] {
  return readdirSync(join(home, "blobs", "sha256"));
}

/** Overwrites one byte in place and sets the time back: what only the bytes, or the change time, can tell. */
function overwrite(file: string, at: number): void {
  const { atime, mtime } = statSync(file);
  const fd = openSync(file, "r+");
  writeSync(fd, "!", at);
  closeSync(fd);
  utimesSync(file, atime, mtime);
}

const CHANGES: readonly (readonly [
  what: string,
  change: (file: string, sizeBytes: number) => void,
])[] = [
  ["is cut short", (file, sizeBytes) => truncateSync(file, sizeBytes - 1)],
  ["is emptied", (file) => truncateSync(file, 0)],
  ["grows", (file) => appendFileSync(file, "x")],
  ["is overwritten at its start", (file) => overwrite(file, 0)],
  ["is overwritten at its end", (file, sizeBytes) => overwrite(file, sizeBytes - 1)],
  ["is replaced by one of the same size", (file, sizeBytes) => {
    writeFileSync(`${file}.new`, sampleBytes("text", sizeBytes, 9));
    renameSync(`${file}.new`, file);
  }],
  ["is replaced by a link to one of the same content", (file) => {
    renameSync(file, join(dirname(dirname(file)), "moved"));
    symlinkSync("../moved", file);
  }],
  ["is replaced by a directory", (file) => {
    rmSync(file);
    mkdirSync(file);
  }],
  ["is gone", (file) => rmSync(file)],
  ["is gone with its directory", (file) => rmSync(dirname(file), { recursive: true })],
];

for (const [what, change] of CHANGES) {
  test(`build() of a file that ${what} before it is written fails, and stores nothing`, {
    timeout: 60_000,
  }, async () => {
    for (const sizeBytes of SIZES) {
      using lw = tempEngine(filesOf(sizeBytes));
      const file = join(lw.context, "src/file");
      await assert.rejects(
        buildChanging(lw, () => change(file, sizeBytes)),
        (error: { code?: string; at?: { line: number } }) =>
          error.code === "CONTEXT_FILE_CHANGED" && (error.at?.line ?? 0) > 0,
        `${sizeBytes} bytes`,
      );
      assert.deepEqual(blobsIn(lw), []);
      assert.deepEqual(readdirSync(join(lw.home, "tmp")), []);

      // The next build takes what is there now, and nothing of the one that failed.
      rmSync(join(lw.context, "src"), { recursive: true, force: true });
      lw.write(filesOf(sizeBytes));
      assert.equal((await lw.build(recipe)).imageId, await cleanImage(sizeBytes));
    }
  });
}

test("build() of one of many files that changes before it is written fails, and stores nothing", {
  timeout: 60_000,
}, async () => {
  // So many that threads read them.
  const many = Object.fromEntries(
    Array.from({ length: 2000 }, (_, index) => [`src/${index % 20}/${index}`, `${index}`]),
  );
  using lw = tempEngine(many);
  for (const [what, change] of CHANGES.slice(0, 5)) {
    lw.write({ "src/7/1007": "1007" });
    const building = buildChanging(lw, () => change(join(lw.context, "src/7/1007"), 4));
    await assert.rejects(building, { code: "CONTEXT_FILE_CHANGED" }, what);
    assert.deepEqual(blobsIn(lw), []);
    assert.deepEqual(readdirSync(join(lw.home, "tmp")), []);
  }
});

const mkfifo = programPath("mkfifo");
test("build() of a file that becomes a FIFO before it is written fails at once (needs mkfifo)", {
  skip: mkfifo === undefined && "needs mkfifo",
  timeout: 20_000,
}, async () => {
  using lw = tempEngine({ "src/file": "text" });
  const building = buildChanging(lw, () => {
    rmSync(join(lw.context, "src/file"));
    assert.equal(spawnSync(mkfifo ?? "", [join(lw.context, "src/file")]).status, 0);
  });
  await assert.rejects(building, { code: "CONTEXT_FILE_CHANGED" });
  assert.deepEqual(blobsIn(lw), []);
});

test("build() does not mind what changes beside the files it copies, or after they are written", async () => {
  using lw = tempEngine({ "src/file": "text", "other/file": "text" });
  await buildChanging(lw, () => {
    lw.write({ "src/new": "not listed", "other/file": "changed" });
    rmSync(join(lw.context, "other"), { recursive: true });
  });
  using other = tempEngine({ "src/file": "text" });
  const { imageId } = await other.build(recipe);
  rmSync(join(lw.context, "src/new"));
  assert.equal((await lw.build(recipe)).imageId, imageId);
});

test("build() of a file that gets another mode or name before it is written fails", async () => {
  for (
    const change of [
      (file: string): void => chmodSync(file, 0o755),
      (file: string): void => linkSync(file, `${file}.other`),
    ]
  ) {
    using lw = tempEngine({ "src/file": "text" });
    await assert.rejects(buildChanging(lw, () => change(join(lw.context, "src/file"))), {
      code: "CONTEXT_FILE_CHANGED",
    });
    assert.deepEqual(blobsIn(lw), []);
  }
});
