import assert from "node:assert/strict";
import { symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  contentDigest,
  type ContentDigestCache,
  describeEntry,
} from "../../../core/context/content_digest.ts";
import { modeChange } from "../../../core/context/copy_mode.ts";
import { walkContext } from "../../../core/context/walk.ts";
import { canonicalJson } from "../../../core/graph/canonical_json.ts";
import { ContentReader } from "../../../core/layer/file_content.ts";
import type { FileEntry, FileIdentity } from "../../../core/layer/file_entry.ts";
import { type Digest, sha256 } from "../../../core/oci/digest.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const preserve = modeChange({ kind: "preserve" });
const plain: FileEntry = {
  path: "a",
  type: "file",
  mode: 0o644,
  uid: 1000,
  gid: 1000,
  sizeBytes: 2,
  mtimeSeconds: 5,
  content: { kind: "bytes", bytes: new TextEncoder().encode("hi") },
};

function walkedFile(
  content: string | Uint8Array,
  use: (entry: FileEntry, path: string) => void,
): void {
  using directory = temporaryDirectory();
  const path = join(directory.path, "f");
  writeFileSync(path, content);
  const [entry] = walkContext(directory.path).entries;
  assert.ok(entry !== undefined);
  use(entry, path);
}

test("contentDigest() is the sha256 of the bytes, at and around the size of a piece", () => {
  using reader = new ContentReader();
  for (const size of [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3_000_000]) {
    const bytes = new Uint8Array(size).fill(7);
    walkedFile(bytes, (entry) => assert.equal(contentDigest(entry, reader), sha256(bytes)));
    const inMemory = { ...plain, sizeBytes: size, content: { kind: "bytes", bytes } } as const;
    assert.equal(contentDigest(inMemory, reader), sha256(bytes));
  }
});

test("contentDigest() refuses a file that is not what was listed", () => {
  using reader = new ContentReader();
  const changes: readonly ((path: string) => void)[] = [
    (path) => writeFileSync(path, "longer than before"),
    (path) => unlinkSync(path),
    (path) => {
      unlinkSync(path);
      symlinkSync("/etc/passwd", path);
    },
  ];
  for (const change of changes) {
    walkedFile("before", (entry, path) => {
      change(path);
      assert.throws(() => contentDigest(entry, reader), { code: "CONTEXT_FILE_CHANGED" });
    });
  }
});

test("contentDigest() asks the cache by identity, and fills it", () => {
  using reader = new ContentReader();
  const known = new Map<bigint, Digest>();
  const asked: FileIdentity[] = [];
  const cache: ContentDigestCache = {
    get(_file, identity): Digest | undefined {
      asked.push(identity);
      return known.get(identity.ino);
    },
    set: (_file, identity, digest) => void known.set(identity.ino, digest),
  };
  walkedFile("cached", (entry, path) => {
    const digest = contentDigest(entry, reader, cache);
    unlinkSync(path);
    assert.equal(contentDigest(entry, reader, cache), digest);
    assert.deepEqual(asked[0], entry.content?.kind === "path" && entry.content.identity);
  });
  contentDigest(plain, reader, cache);
  assert.equal(asked.length, 2);
});

test("describeEntry() describes the entry as it will be copied, and no time", () => {
  using reader = new ContentReader();
  assert.deepEqual(
    describeEntry(plain, {
      mode: modeChange({ kind: "chmod", spec: "0600" }),
      owner: { uid: 0, gid: 7 },
      reader,
    }),
    { path: "a", type: "file", mode: 0o600, uid: 0, gid: 7, size: 2, content: sha256("hi") },
  );
  const later = { ...plain, mtimeSeconds: 9 };
  const options = { mode: preserve, reader };
  assert.equal(
    canonicalJson(describeEntry(plain, options)),
    canonicalJson(describeEntry(later, options)),
  );
});

test("describeEntry() has every field that makes a layer differ", () => {
  using reader = new ContentReader();
  const link = { ...plain, type: "symlink", sizeBytes: 0, linkTarget: "x" } as const;
  const device = {
    ...plain,
    type: "character-device",
    sizeBytes: 0,
    devMajor: 1,
    devMinor: 3,
  } as const;
  const variants: readonly FileEntry[] = [
    plain,
    { ...plain, path: "b" },
    { ...plain, mode: 0o600 },
    { ...plain, uid: 0 },
    { ...plain, gid: 0 },
    { ...plain, content: { kind: "bytes", bytes: new TextEncoder().encode("ho") } },
    { ...plain, xattrs: { "user.a": Uint8Array.of(1) } },
    { ...plain, xattrs: { "user.a": Uint8Array.of(2) } },
    { ...plain, xattrs: { "user.b": Uint8Array.of(1) } },
    { ...plain, type: "directory", sizeBytes: 0 },
    { ...plain, type: "fifo", sizeBytes: 0 },
    { ...plain, type: "hardlink", sizeBytes: 0, linkTarget: "x" },
    { ...plain, type: "hardlink", sizeBytes: 0, linkTarget: "y" },
    link,
    { ...link, linkTarget: "y" },
    device,
    { ...device, type: "block-device" },
    { ...device, devMajor: 2 },
    { ...device, devMinor: 4 },
  ];
  const texts = variants.map((entry) =>
    canonicalJson(describeEntry(entry, { mode: preserve, reader }))
  );
  assert.equal(new Set(texts).size, variants.length);
});
