import assert from "node:assert/strict";
import { test } from "node:test";
import type { FileEntry } from "../../core/layer/file_entry.ts";
import {
  fromStdTar,
  type StdTarEntry,
  type StdTarInput,
  toStdTar,
} from "../../core/layer/std_tar.ts";
import { readTar } from "../../core/layer/tar_reader.ts";
import { writeTar } from "../../core/layer/tar_writer.ts";

/** The two classes, as far as they are used here. */
interface StdTar {
  readonly TarStream: new () => ReadableWritablePair<Uint8Array, StdTarInput>;
  readonly UntarStream: new () => ReadableWritablePair<StdTarEntry, Uint8Array>;
}

// By a variable: type checkers must not look for a package that only JSR has.
const specifier = "@std/tar";
const std = await import(specifier).catch(() => undefined) as StdTar | undefined;
const needsStd = { skip: std === undefined && "needs @std/tar from JSR" };

const META = { mode: 0o644, uid: 1000, gid: 50, mtimeSeconds: 1_700_000_000 } as const;
const content = new TextEncoder().encode("content ".repeat(200));
const ENTRIES: FileEntry[] = [
  { ...META, path: "d", type: "directory", mode: 0o755, sizeBytes: 0 },
  {
    ...META,
    path: "d/a",
    type: "file",
    sizeBytes: content.length,
    content: { kind: "bytes", bytes: content },
  },
  { ...META, path: `${"p".repeat(120)}/n`, type: "file", sizeBytes: 0 },
];

async function collect(
  members: AsyncIterable<{ entry: FileEntry; body(): AsyncIterable<Uint8Array> }>,
): Promise<FileEntry[]> {
  const found: FileEntry[] = [];
  for await (const { entry, body } of members) {
    const pieces: Uint8Array[] = [];
    for await (const piece of body()) pieces.push(piece.slice());
    const bytes = new Uint8Array(Buffer.concat(pieces));
    found.push(bytes.length === 0 ? entry : { ...entry, content: { kind: "bytes", bytes } });
  }
  return found;
}

function streamOf<T>(source: AsyncIterator<T>): ReadableStream<T> {
  return new ReadableStream<T>({
    async pull(controller): Promise<void> {
      const next = await source.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
  });
}

async function* archive(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  writeTar(ENTRIES, (piece) => pieces.push(new Uint8Array(piece)));
  yield* pieces;
}

test("UntarStream reads what writeTar() wrote (needs @std/tar)", needsStd, async () => {
  if (std === undefined) return;
  const stream = streamOf(archive()).pipeThrough(new std.UntarStream());
  const found = await collect(fromStdTar(stream as unknown as AsyncIterable<StdTarEntry>));
  assert.deepEqual(found, ENTRIES);
});

test(
  "readTar() reads what TarStream wrote from toStdTar() (needs @std/tar)",
  needsStd,
  async () => {
    if (std === undefined) return;
    const stream = streamOf(toStdTar(readTar(archive()))).pipeThrough(new std.TarStream());
    assert.deepEqual(
      await collect(readTar(stream as unknown as AsyncIterable<Uint8Array>)),
      ENTRIES,
    );
  },
);
