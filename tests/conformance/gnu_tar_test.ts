import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as fc from "fast-check";
import { applyLayer, extractTar } from "../../core/layer/apply.ts";
import type { FileEntry } from "../../core/layer/file_entry.ts";
import { indexTar, readTar } from "../../core/layer/tar_reader.ts";
import { writeTar } from "../../core/layer/tar_writer.ts";
import { stackTrees } from "../../core/layer/tree.ts";
import { readDirectory } from "../support/directory_entries.ts";
import { temporaryDirectory } from "../support/temporary_directory.ts";
import { treeArbitrary } from "../support/tree_arbitrary.ts";

const version = spawnSync("tar", ["--version"], { encoding: "utf8" }).stdout ?? "";
const isRoot = process.platform === "linux" && process.getuid?.() === 0;
const needsTar = { skip: (!isRoot || !version.includes("GNU tar")) && "needs root and GNU tar" };

function tar(...args: string[]): void {
  const { status, stderr } = spawnSync("tar", args, {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C.UTF-8" },
  });
  assert.equal(status, 0, stderr);
}

function writeArchive(entries: Iterable<FileEntry>, path: string): void {
  const pieces: Uint8Array[] = [];
  writeTar(entries, (piece) => pieces.push(piece.slice()));
  writeFileSync(path, Buffer.concat(pieces));
}

/** Entries with their bytes, whether they come from an archive or a directory. */
function withBytes(entries: readonly FileEntry[]): FileEntry[] {
  return entries.map((entry) => {
    const { content } = entry;
    if (content?.kind !== "slice") return entry;
    const bytes = new Uint8Array(
      readFileSync(content.path).subarray(content.offset, content.offset + entry.sizeBytes),
    );
    return { ...entry, content: { kind: "bytes", bytes } };
  });
}

async function* contentOf(path: string): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(readFileSync(path));
}

test("GNU tar unpacks what writeTar() wrote (needs root and GNU tar, seed 91)", needsTar, () => {
  using directory = temporaryDirectory();
  let run = 0;
  fc.assert(
    fc.property(treeArbitrary({ onDisk: true, maxPaths: 30 }), (layer) => {
      const tree = stackTrees([layer]);
      const root = join(directory.path, String(run++));
      mkdirSync(root);
      writeArchive(tree.entries, `${root}.tar`);
      tar(
        "--extract",
        "--file",
        `${root}.tar`,
        "--directory",
        root,
        "--same-owner",
        "--same-permissions",
        "--numeric-owner",
        "--xattrs",
        "--xattrs-include=*",
        // Otherwise links that lead out are put in last, and move the times of their directories.
        "--absolute-names",
        // In the order of bytes "a-b" stands between "a" and "a/c": without this, tar thinks it is done with "a".
        "--delay-directory-restore",
      );
      assert.deepEqual(readDirectory(root), tree.entries);
    }),
    { seed: 91, numRuns: 25 },
  );
});

for (const format of ["posix", "gnu"]) {
  const name =
    `indexTar() reads what GNU tar wrote in its ${format} format (needs root and GNU tar, seed 92)`;
  test(name, needsTar, () => {
    using directory = temporaryDirectory();
    let run = 0;
    fc.assert(
      fc.property(treeArbitrary({ onDisk: true, maxPaths: 30 }), (layer) => {
        const root = join(directory.path, String(run++));
        mkdirSync(root);
        const entries = writableByGnuTar(layer, format);
        applyLayer(entries, root, { form: "plain", chown: true });
        tar(
          "--create",
          "--file",
          `${root}.tar`,
          "--directory",
          root,
          `--format=${format}`,
          "--numeric-owner",
          "--xattrs",
          ".",
        );
        const found = stackTrees([indexTar(`${root}.tar`)]).entries;
        assert.deepEqual(withBytes(found), readDirectory(root));
      }),
      { seed: 92, numRuns: 15 },
    );
  });
}

/** Without xattrs, which only PAX has a place for, and hard links of devices and FIFOs, which GNU tar does not see. */
function writableByGnuTar(layer: readonly FileEntry[], format: string): FileEntry[] {
  const types = new Map(layer.map(({ path, type }) => [path, type]));
  return layer.flatMap((entry): FileEntry[] => {
    const linked = entry.type === "hardlink" ? types.get(entry.linkTarget ?? "") : undefined;
    if (linked !== undefined && linked !== "file" && linked !== "symlink") return [];
    if (format === "posix") return [entry];
    const { xattrs: _, ...rest } = entry;
    return [rest];
  });
}

test(
  "GNU tar and readTar() agree on long names and links (needs root and GNU tar)",
  needsTar,
  () => {
    const deep = Array.from({ length: 33 }, () => "é".repeat(60)).join("/");
    const names = [`${"p".repeat(155)}/${"n".repeat(91)}`, `${deep}/f`, "n".repeat(255)];
    for (const format of ["posix", "gnu"]) {
      using directory = temporaryDirectory();
      const root = join(directory.path, "r");
      mkdirSync(root);
      const meta = {
        mode: 0o644,
        uid: 3_000_000,
        gid: 70_000,
        sizeBytes: 0,
        mtimeSeconds: 5,
      } as const;
      const layer = names.flatMap((path, i): FileEntry[] => [
        { ...meta, path, type: "file" },
        { ...meta, path: `link${i}`, type: "symlink", mode: 0o777, linkTarget: path },
        { ...meta, path: `hard${i}`, type: "hardlink", linkTarget: path },
      ]);
      const tree = stackTrees([layer]);
      applyLayer(tree.entries, root, { form: "plain", chown: true });
      tar(
        "--create",
        "--file",
        `${root}.tar`,
        "--directory",
        root,
        `--format=${format}`,
        "--numeric-owner",
        ".",
      );
      const found = stackTrees([indexTar(`${root}.tar`)]).entries.map(({ content: _, ...entry }) =>
        entry
      );
      assert.deepEqual(found, tree.entries.map(({ content: _, ...entry }) => entry));
    }
  },
);

const sparseForms: [name: string, args: string[]][] = [
  ["0.0", ["--format=posix", "--sparse-version=0.0"]],
  ["0.1", ["--format=posix", "--sparse-version=0.1"]],
  ["1.0", ["--format=posix", "--sparse-version=1.0"]],
  ["old GNU", ["--format=gnu"]],
];
for (const [name, args] of sparseForms) {
  test(
    `readTar() expands GNU tar's sparse format ${name} (needs root and GNU tar)`,
    needsTar,
    async () => {
      using directory = temporaryDirectory();
      const root = join(directory.path, "r");
      mkdirSync(root);
      // Enough separate runs for the map to go on after the first block in each format.
      const bytes = new Uint8Array(3_000_000);
      for (let i = 0; i < 60; i++) bytes.fill(i + 1, i * 49_152 + 4096, i * 49_152 + 4096 + 100);
      const path = join(root, "sparse");
      writeFileSync(path, bytes);
      truncateSync(path, 4_000_000);
      spawnSync("fallocate", ["--dig-holes", path]);
      writeFileSync(join(root, "z"), "after");
      tar(
        "--create",
        "--file",
        `${root}.tar`,
        "--directory",
        root,
        "--sparse",
        ...args,
        "sparse",
        "z",
      );
      const sizes: [string, number, boolean][] = [];
      for await (const { entry, sparse } of readTar(contentOf(`${root}.tar`))) {
        sizes.push([entry.path, entry.sizeBytes, (sparse?.extents.length ?? 0) > 21]);
      }
      assert.deepEqual(sizes, [["sparse", 4_000_000, true], ["z", 5, false]]);
      const out = join(directory.path, "out");
      mkdirSync(out);
      await extractTar(contentOf(`${root}.tar`), out, { chown: false });
      assert.ok(readFileSync(join(out, "sparse")).equals(readFileSync(path)));
      assert.equal(readFileSync(join(out, "z"), "utf8"), "after");
    },
  );
}
