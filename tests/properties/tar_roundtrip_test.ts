import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as fc from "fast-check";
import type { FileEntry } from "../../core/layer/file_entry.ts";
import { normalizeEntries } from "../../core/layer/normalize.ts";
import { headerSizeBytes } from "../../core/layer/tar_header.ts";
import { indexTar, readTar } from "../../core/layer/tar_reader.ts";
import { writeTar } from "../../core/layer/tar_writer.ts";
import { temporaryDirectory } from "../support/temporary_directory.ts";
import { treeArbitrary } from "../support/tree_arbitrary.ts";

const FAR = { epochSeconds: 0o100000000000 };

function tarOf(entries: Iterable<FileEntry>): Uint8Array {
  const pieces: Uint8Array[] = [];
  writeTar(entries, (piece) => pieces.push(piece.slice()));
  return new Uint8Array(Buffer.concat(pieces));
}

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

/** Entries with their content as bytes, and no content for empty files. */
function comparable(entries: Iterable<FileEntry>, archive?: Uint8Array): FileEntry[] {
  return [...entries].map((entry) => {
    const { content, ...rest } = entry;
    if (entry.sizeBytes === 0 || content === undefined || content.kind === "path") return rest;
    const bytes = content.kind === "bytes" ? content.bytes : new Uint8Array(
      (archive ?? new Uint8Array()).subarray(content.offset, content.offset + entry.sizeBytes),
    );
    return { ...rest, content: { kind: "bytes", bytes } };
  });
}

test("readTar(writeTar(tree)) equals the tree, in pieces of any size (seed 71)", async () => {
  await fc.assert(
    fc.asyncProperty(
      treeArbitrary(),
      fc.integer({ min: 1, max: 3000 }),
      async (tree, pieceSize) => {
        const expected = normalizeEntries(tree, FAR);
        const found: FileEntry[] = [];
        for await (const { entry, body } of readTar(inPieces(tarOf(expected), pieceSize))) {
          const pieces: Uint8Array[] = [];
          for await (const piece of body()) pieces.push(piece.slice());
          const bytes = new Uint8Array(Buffer.concat(pieces));
          found.push(bytes.length === 0 ? entry : { ...entry, content: { kind: "bytes", bytes } });
        }
        assert.deepEqual(found, comparable(expected));
      },
    ),
    { seed: 71, numRuns: 150 },
  );
});

test("indexTar(writeTar(tree)) equals the tree, and its slices write the same bytes (seed 72)", () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "layer.tar");
  fc.assert(
    fc.property(treeArbitrary(), (tree) => {
      const expected = normalizeEntries(tree, FAR);
      writeFileSync(path, tarOf(expected));
      const indexed = indexTar(path);
      const archive = new Uint8Array(readFileSync(path));
      assert.deepEqual(comparable(indexed, archive), comparable(expected));
      assert.deepEqual(tarOf(indexed), archive);
    }),
    { seed: 72, numRuns: 150 },
  );
});

test("writeTar() gives the same bytes for any order of the entries (seed 73)", () => {
  const shuffled = treeArbitrary().chain((tree) =>
    fc.tuple(fc.constant(tree), fc.shuffledSubarray(tree, { minLength: tree.length }))
  );
  fc.assert(
    fc.property(shuffled, ([tree, other]) => {
      assert.deepEqual(tarOf(normalizeEntries(other, FAR)), tarOf(normalizeEntries(tree, FAR)));
    }),
    { seed: 73, numRuns: 100 },
  );
});

test("writeTar() reports offsets where headerSizeBytes() puts them (seed 74)", () => {
  fc.assert(
    fc.property(treeArbitrary(), (tree) => {
      let expectedOffset = 0;
      const size = writeTar(normalizeEntries(tree, FAR), () => {}, {
        onEntry: (entry, { headerOffset, contentOffset, endOffset }) => {
          assert.equal(headerOffset, expectedOffset);
          assert.equal(contentOffset - headerOffset, headerSizeBytes(entry));
          assert.equal(endOffset, contentOffset + Math.ceil(entry.sizeBytes / 512) * 512);
          expectedOffset = endOffset;
        },
      });
      assert.equal(size, expectedOffset + 1024);
    }),
    { seed: 74, numRuns: 100 },
  );
});
