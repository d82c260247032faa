import assert from "node:assert/strict";
import { test } from "node:test";
import type { FileEntry } from "../../../core/layer/file_entry.ts";
import {
  type EntryWithBody,
  fromStdTar,
  type StdTarEntry,
  type StdTarInput,
  toStdTar,
} from "../../../core/layer/std_tar.ts";

const META = { mode: 0o644, uid: 1, gid: 2, mtimeSeconds: 3 } as const;
const FILE: FileEntry = { ...META, path: "a", type: "file", sizeBytes: 5 };
const HEADER = {
  mode: 0o100644,
  uid: 1,
  gid: 2,
  size: 5,
  mtime: 3,
  typeflag: "0",
  linkname: "",
  devmajor: "",
  devminor: "",
};

function member(entry: FileEntry, text = ""): EntryWithBody {
  return {
    entry,
    body: async function* (): AsyncGenerator<Uint8Array> {
      yield new TextEncoder().encode(text);
    },
  };
}

function streamOf(text: string): ReadableStream<Uint8Array> {
  return new Blob([text]).stream();
}

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of source) all.push(item);
  return all;
}

async function* each<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await collect(stream)).toString("utf8");
}

test("toStdTar() gives files and directories in the shape of TarStream", async () => {
  const inputs: StdTarInput[] = [];
  const members = [
    member({ ...FILE, path: "d", type: "directory", sizeBytes: 0 }),
    member({ ...FILE, path: "d/a" }, "hello"),
  ];
  for await (const input of toStdTar(members)) {
    if (input.type === "file") {
      assert.equal(await textOf(input.readable as unknown as AsyncIterable<Uint8Array>), "hello");
    }
    inputs.push(input);
  }
  const options = { mode: 0o644, uid: 1, gid: 2, mtime: 3 };
  assert.deepEqual(
    inputs.map((input) => "readable" in input ? { ...input, readable: undefined } : input),
    [
      { type: "directory", path: "d/", options },
      { type: "file", path: "d/a", size: 5, readable: undefined, options },
    ],
  );
});

const inexpressible: [what: string, change: Partial<FileEntry>][] = [
  ["a symlink", { type: "symlink", sizeBytes: 0, linkTarget: "b" }],
  ["a hard link", { type: "hardlink", sizeBytes: 0, linkTarget: "b" }],
  ["a device", { type: "block-device", sizeBytes: 0, devMajor: 1, devMinor: 1 }],
  ["xattrs", { xattrs: { "user.a": new Uint8Array() } }],
  ["a long name", { path: "n".repeat(101) }],
  ["a name that is not ASCII", { path: "é" }],
  ["a time before 1970", { mtimeSeconds: -1 }],
  ["an owner of seven digits", { uid: 0o1000000 }],
];
for (const [what, change] of inexpressible) {
  test(`toStdTar() refuses ${what}`, async () => {
    await assert.rejects(collect(toStdTar([member({ ...FILE, ...change })])), {
      code: "TAR_UNSUPPORTED",
    });
  });
}

test("fromStdTar() gives entries, their bytes, and leaves out the root", async () => {
  const found: [FileEntry, string][] = [];
  const stream: StdTarEntry[] = [
    { path: "./", header: { ...HEADER, typeflag: "5", size: 0 } },
    { path: "./a", header: HEADER, readable: streamOf("hello") },
    { path: "d/", header: { ...HEADER, typeflag: "5", size: 0 } },
    { path: "h", header: { ...HEADER, typeflag: "1", linkname: "./a", size: 0 } },
    { path: "l", header: { ...HEADER, typeflag: "2", linkname: "../a", size: 0 } },
    {
      path: "n",
      header: { ...HEADER, typeflag: "3", devmajor: "0000001", devminor: "0000011", size: 0 },
    },
  ];
  for await (const { entry, body } of fromStdTar(each(...stream))) {
    found.push([entry, await textOf(body())]);
  }
  const empty = { ...META, sizeBytes: 0 };
  assert.deepEqual(found, [
    [FILE, "hello"],
    [{ ...empty, path: "d", type: "directory" }, ""],
    [{ ...empty, path: "h", type: "hardlink", linkTarget: "a" }, ""],
    [{ ...empty, path: "l", type: "symlink", linkTarget: "../a" }, ""],
    [{ ...empty, path: "n", type: "character-device", devMajor: 1, devMinor: 9 }, ""],
  ]);
});

test("fromStdTar() cancels what nobody read, since UntarStream waits for it", async () => {
  let cancelled = 0;
  const readable = (): ReadableStream<Uint8Array> =>
    new ReadableStream({ cancel: () => void cancelled++ });
  const stream = [{ path: "a", header: HEADER, readable: readable() }, {
    path: "b",
    header: HEADER,
    readable: readable(),
  }];
  await collect(fromStdTar(each(...stream)));
  assert.equal(cancelled, 2);
});

const refused: [what: string, code: string, entry: StdTarEntry][] = [
  ["a PAX header", "TAR_UNSUPPORTED", {
    path: "x",
    header: { ...HEADER, typeflag: "x" },
    readable: streamOf("11 path=é\n"),
  }],
  ["a GNU long name", "TAR_UNSUPPORTED", {
    path: "././@LongLink",
    header: { ...HEADER, typeflag: "L" },
    readable: streamOf("n"),
  }],
  ["a path with ..", "LAYER_ESCAPES_ROOT", { path: "../a", header: HEADER }],
  ["a number that was no number", "LAYER_INVALID", { path: "a", header: { ...HEADER, uid: NaN } }],
];
for (const [what, code, entry] of refused) {
  test(`fromStdTar() refuses ${what}`, async () => {
    await assert.rejects(collect(fromStdTar(each(entry))), { code });
  });
}
