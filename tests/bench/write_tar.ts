/**
 * Writes 20,000 small files from memory as a tar, several times: how quickly headers are made and bytes are put together.
 * Arguments: `ours`, `nanotar` or `tar-stream`; the folder whose `node_modules` has the latter two.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import type { FileEntry } from "../../core/layer/file_entry.ts";
import { writeTar } from "../../core/layer/tar_writer.ts";

const FILES = 20_000;
const PASSES = 5;

const [writer = "ours", folder = "."] = process.argv.slice(2);
const require = createRequire(join(folder, "package.json"));
const content = new Uint8Array(65_536).map((_, index) => index);
/** 84 MB in all: most are small. */
const files = Array.from({ length: FILES }, (_, index) => ({
  name: `package-${index % 150}/lib/module-${index}.js`,
  data: content.subarray(0, index % 100 === 0 ? 65_536 : (index * 7919) % 7200),
}));

interface Pack extends AsyncIterable<Uint8Array> {
  entry(header: { readonly name: string; readonly mtime: Date }, data: Uint8Array): unknown;
  finalize(): void;
}

async function write(): Promise<number> {
  if (writer === "nanotar") {
    const { createTar } = require("nanotar") as {
      createTar(files: readonly unknown[]): Uint8Array;
    };
    return createTar(files.map((file) => ({ ...file, attrs: { mtime: 0 } }))).length;
  }
  let bytes = 0;
  if (writer === "tar-stream") {
    const { pack: newPack } = require("tar-stream") as { pack(): Pack };
    const pack = newPack();
    const drained = (async (): Promise<void> => {
      for await (const piece of pack) bytes += piece.length;
    })();
    const mtime = new Date(0);
    for (const { name, data } of files) pack.entry({ name, mtime }, data);
    pack.finalize();
    await drained;
    return bytes;
  }
  const entries = files.map(({ name, data }): FileEntry => ({
    path: name,
    type: "file",
    mode: 0o644,
    uid: 0,
    gid: 0,
    sizeBytes: data.length,
    mtimeSeconds: 0,
    content: { kind: "bytes", bytes: data },
  }));
  // A stream, as tar-stream's: what becomes of the pieces is the receiver's.
  return writeTar(entries, (piece) => {
    bytes += piece.length;
  });
}

let total = 0;
for (let pass = 0; pass < PASSES; pass++) total += await write();
process.stdout.write(`${total}\n`);
