import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as fc from "fast-check";
import type { FileEntry, FileType } from "../../core/layer/file_entry.ts";
import { normalizeEntries } from "../../core/layer/normalize.ts";
import { decodePath } from "../../core/layer/path_order.ts";
import { readTar } from "../../core/layer/tar_reader.ts";
import { writeTar } from "../../core/layer/tar_writer.ts";
import { programPath } from "../support/program_path.ts";
import { temporaryDirectory } from "../support/temporary_directory.ts";
import { treeArbitrary } from "../support/tree_arbitrary.ts";

const needsPython = { skip: programPath("python3") === undefined && "needs python3" };

/** Prints each archive named on the command line as one line of JSON. */
const LIST = `
import json, sys, tarfile
for path in sys.argv[1:]:
    archive, found = tarfile.open(path, errors="surrogateescape"), []
    for m in archive:
        found.append([m.name, m.type.decode(), m.mode, m.uid, m.gid, m.size, int(m.mtime), m.linkname,
            [m.devmajor, m.devminor] if m.isdev() and not m.isfifo() else None,
            {k[13:]: v for k, v in m.pax_headers.items() if k.startswith("SCHILY.xattr.")},
            archive.extractfile(m).read().hex() if m.isreg() else None])
    print(json.dumps(found))
`;
/** Writes an archive in the format of its first argument from lines of JSON. */
const WRITE = `
import io, json, sys, tarfile
archive = tarfile.open(sys.argv[1], "w", format=getattr(tarfile, sys.argv[2]), errors="surrogateescape")
for line in sys.stdin:
    m, content = tarfile.TarInfo(), None
    m.name, kind, m.mode, m.uid, m.gid, m.size, m.mtime, m.linkname, dev, xattrs, content = json.loads(line)
    m.type = kind.encode()
    if dev: m.devmajor, m.devminor = dev
    m.pax_headers = {"SCHILY.xattr." + k: v for k, v in xattrs.items()}
    archive.addfile(m, io.BytesIO(bytes.fromhex(content)) if content is not None else None)
archive.close()
`;
const FLAGS: Readonly<Record<FileType, string>> = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  "character-device": "3",
  "block-device": "4",
  directory: "5",
  fifo: "6",
};

/** The row for an entry that Python prints. */
function rowOf(entry: FileEntry): unknown[] {
  const { path, type, mode, uid, gid, sizeBytes, mtimeSeconds, linkTarget, content } = entry;
  const xattrs = Object.entries(entry.xattrs ?? {}).map((
    [name, value],
  ) => [name, decodePath(value)]);
  return [
    path,
    FLAGS[type],
    mode,
    uid,
    gid,
    sizeBytes,
    mtimeSeconds,
    linkTarget ?? "",
    entry.devMajor === undefined ? null : [entry.devMajor, entry.devMinor],
    Object.fromEntries(xattrs),
    type === "file"
      ? Buffer.from(content?.kind === "bytes" ? content.bytes : []).toString("hex")
      : null,
  ];
}

function tarOf(entries: Iterable<FileEntry>): Uint8Array {
  const pieces: Uint8Array[] = [];
  writeTar(entries, (piece) => pieces.push(piece.slice()));
  return new Uint8Array(Buffer.concat(pieces));
}

function python(script: string, args: string[], input = ""): string {
  const { status, stdout, stderr } = spawnSync("python3", ["-c", script, ...args], {
    encoding: "utf8",
    input,
  });
  assert.equal(status, 0, stderr);
  return stdout;
}

const trees: FileEntry[][] = fc.sample(treeArbitrary({ maxPaths: 30 }), { seed: 95, numRuns: 40 })
  .map((tree) => normalizeEntries(tree, { epochSeconds: 0o100000000000 }));

test("Python's tarfile reads what writeTar() wrote (needs python3, seed 95)", needsPython, () => {
  using directory = temporaryDirectory();
  const paths = trees.map((tree, i) => {
    const path = join(directory.path, `${i}.tar`);
    writeFileSync(path, tarOf(tree));
    return path;
  });
  const found = python(LIST, paths).trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(found, trees.map((tree) => tree.map(rowOf)));
});

for (const format of ["PAX_FORMAT", "GNU_FORMAT"]) {
  test(
    `readTar() reads what Python's tarfile wrote in ${format} (needs python3, seed 95)`,
    needsPython,
    async () => {
      using directory = temporaryDirectory();
      const path = join(directory.path, "python.tar");
      for (const tree of trees.slice(0, 5)) {
        // Python's writer takes text only for PAX values, and GNU's format holds no xattrs.
        const entries = tree.map(({ xattrs: _, ...entry }): FileEntry => entry);
        python(
          WRITE,
          [path, format],
          entries.map((entry) => `${JSON.stringify(rowOf(entry))}\n`).join(""),
        );
        const found: unknown[] = [];
        for await (const { entry, body } of readTar(fileBytes(path))) {
          const pieces: Uint8Array[] = [];
          for await (const piece of body()) pieces.push(piece.slice());
          found.push(rowOf({ ...entry, content: { kind: "bytes", bytes: Buffer.concat(pieces) } }));
        }
        assert.deepEqual(found, entries.map(rowOf));
      }
    },
  );
}

async function* fileBytes(path: string): AsyncGenerator<Uint8Array> {
  const { createReadStream } = await import("node:fs");
  yield* createReadStream(path) as AsyncIterable<Uint8Array>;
}
