import assert from "node:assert/strict";
import { appendFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { host } from "../../../core/host/mod.ts";
import type { FileContent, FileEntry, FileIdentity } from "../../../core/layer/file_entry.ts";
import { writeTar } from "../../../core/layer/tar_writer.ts";
import { whiteoutEntry } from "../../../core/layer/whiteout.ts";
import { programPath } from "../../support/program_path.ts";
import { spawnSync } from "node:child_process";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

function file(path: string, sizeBytes: number, content?: FileContent): FileEntry {
  const base = { path, type: "file", mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0 } as const;
  return content === undefined ? { ...base, sizeBytes } : { ...base, sizeBytes, content };
}

function identityOf(path: string): FileIdentity {
  const status = host.fileStatus();
  assert.ok(status.look(path));
  const { dev, ino, sizeBytes, mtimeNs, ctimeNs } = status;
  return { dev, ino, sizeBytes, mtimeNs, ctimeNs };
}

function tarOf(entries: Iterable<FileEntry>): Uint8Array {
  const pieces: Uint8Array[] = [];
  writeTar(entries, (piece) => pieces.push(piece.slice()));
  return new Uint8Array(Buffer.concat(pieces));
}

test("writeTar() reads bytes, files and slices alike", () => {
  using directory = temporaryDirectory();
  const bytes = new Uint8Array(3_000_001).map((_, i) => i % 251);
  const path = join(directory.path, "content");
  const archive = join(directory.path, "archive");
  writeFileSync(path, bytes);
  writeFileSync(archive, Buffer.concat([new Uint8Array(777), bytes, new Uint8Array(99)]));
  const expected = tarOf([file("a", bytes.length, { kind: "bytes", bytes })]);
  assert.equal(expected.length, 512 + 3_000_320 + 1024);
  assert.deepEqual(expected.subarray(512, 512 + bytes.length), bytes);
  for (
    const content of [
      { kind: "path", path },
      { kind: "path", path, identity: identityOf(path) },
      { kind: "slice", path: archive, offset: 777 },
    ] as const
  ) assert.deepEqual(tarOf([file("a", bytes.length, content)]), expected);
});

test("writeTar() hands out pieces of at most 1 MiB and each content in order", () => {
  const bytes = new Uint8Array(2_500_000).map((_, i) => i % 13);
  const seen: Uint8Array[] = [];
  let largest = 0;
  writeTar(
    [file("a", bytes.length, { kind: "bytes", bytes }), file("b", 0)],
    (piece) => largest = Math.max(largest, piece.length),
    { onContent: ({ path }, piece) => assert.equal(path, "a") ?? seen.push(piece.slice()) },
  );
  assert.ok(largest <= 1 << 20);
  assert.deepEqual(new Uint8Array(Buffer.concat(seen)), bytes);
});

const changes: [what: string, change: (path: string) => void][] = [
  ["grew", (path) => appendFileSync(path, "more")],
  ["shrank", (path) => writeFileSync(path, "x")],
  ["was removed", (path) => rmSync(path)],
  ["became a symlink", (path) => {
    renameSync(path, `${path}.old`);
    symlinkSync(`${path}.old`, path);
  }],
  ["was replaced by a like file", (path) => {
    writeFileSync(`${path}.new`, "12345");
    renameSync(`${path}.new`, path);
  }],
];
for (const [what, change] of changes) {
  test(`writeTar() refuses a file that ${what} since it was listed`, () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, "f");
    writeFileSync(path, "12345");
    const identity = identityOf(path);
    change(path);
    assert.throws(() => tarOf([file("f", 5, { kind: "path", path, identity })]), {
      code: "CONTEXT_FILE_CHANGED",
      message: new RegExp(`"f" from "${path}"`),
    });
  });
}

test("writeTar() refuses a file that is written while it is read", () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "f");
  writeFileSync(path, new Uint8Array(2 << 20));
  const entry = file("f", 2 << 20, { kind: "path", path, identity: identityOf(path) });
  const write = (): void => appendFileSync(path, "x");
  assert.throws(() => writeTar([entry], () => {}, { onContent: write }), {
    code: "CONTEXT_FILE_CHANGED",
    message: /written since it was listed/,
  });
});

test(
  "writeTar() does not wait for a FIFO that took the place of a file (needs mkfifo)",
  { skip: programPath("mkfifo") === undefined && "needs mkfifo" },
  () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, "f");
    writeFileSync(path, "12345");
    const identity = identityOf(path);
    rmSync(path);
    spawnSync("mkfifo", [path]);
    assert.throws(() => tarOf([file("f", 5, { kind: "path", path, identity })]), {
      code: "CONTEXT_FILE_CHANGED",
    });
  },
);

test("writeTar() refuses content that is not as long as the entry says", () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "f");
  writeFileSync(path, "12345");
  for (
    const content of [
      undefined,
      { kind: "bytes", bytes: new Uint8Array(5) },
      { kind: "bytes", bytes: new Uint8Array(7) },
      { kind: "slice", path, offset: 0 },
    ] as const
  ) {
    assert.throws(() => tarOf([file("f", 6, content)]), {
      code: "LAYER_INVALID",
      message: /expected 6/,
    });
  }
  const bytes = new Uint8Array(1);
  assert.throws(() => tarOf([file("f", 0, { kind: "bytes", bytes })]), { code: "LAYER_INVALID" });
});

test("writeTar() writes whiteouts and refuses files that only look like one", () => {
  assert.equal(tarOf([whiteoutEntry("a/b")]).length, 512 + 1024);
  const bytes = new Uint8Array(1);
  for (
    const entry of [
      file(".wh.a", 0),
      file("a/.wh.b", 1, { kind: "bytes", bytes }),
      { ...file(".wh.d", 0), type: "directory" as const },
      file(".wh.d/x", 0),
      { ...file(".wh.", 0), mode: 0 },
    ]
  ) assert.throws(() => tarOf([entry]), { code: /LAYER_NAME_RESERVED|LAYER_INVALID/ });
});
