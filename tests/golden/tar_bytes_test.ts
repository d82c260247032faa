import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { FileEntry } from "../../core/layer/file_entry.ts";
import { normalizeEntries } from "../../core/layer/normalize.ts";
import { writeTar } from "../../core/layer/tar_writer.ts";
import { whiteoutEntry } from "../../core/layer/whiteout.ts";

// These digests are part of the compat version: when one moves, every layer and every cache key moves.
// A commit that changes one says so in its message (Digest-Change).

const META = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0 } as const;
const file = (path: string, text: string, change: Partial<FileEntry> = {}): FileEntry => {
  const bytes = new TextEncoder().encode(text);
  return {
    ...META,
    path,
    type: "file",
    sizeBytes: bytes.length,
    content: { kind: "bytes", bytes },
    ...change,
  };
};
const other = (
  path: string,
  type: FileEntry["type"],
  change: Partial<FileEntry> = {},
): FileEntry => ({
  ...META,
  path,
  type,
  mode: 0o755,
  sizeBytes: 0,
  ...change,
});

const archives: [what: string, entries: FileEntry[], digest: string][] = [
  ["nothing", [], "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"],
  [
    "a file and its directory",
    [file("app/hello.txt", "hello\n"), other("app", "directory")],
    "3328efcd0a3e55835b5b7402281e82a7b5b1d6795f64bea5f811f3d56b2b6259",
  ],
  ["modes, owners and times", [
    file("su", "x", { mode: 0o4755, uid: 1000, gid: 2_097_151, mtimeSeconds: 1_700_000_000 }),
    other("tmp", "directory", { mode: 0o1777 }),
  ], "e81d622cbdea7993449969b4cc2f95c6d0ef8d318e493914dc383983bfbfe4a1"],
  ["links, devices and a FIFO", [
    file("b", "shared"),
    other("a", "hardlink", { linkTarget: "b" }),
    other("l", "symlink", { linkTarget: "../x", mode: 0o777 }),
    other("null", "character-device", { devMajor: 1, devMinor: 3 }),
    other("sda", "block-device", { devMajor: 8, devMinor: 0 }),
    other("pipe", "fifo"),
  ], "d00982706cce5a8b503e3111777aefeed577ef1d343730c7f9266bdfce60a395"],
  [
    "a name cut into prefix and name",
    [file(`${"d".repeat(100)}/${"f".repeat(100)}`, "")],
    "cff6f803da3ff3301ff63185c27d68931a101850427ea5cb62e69dae113433f1",
  ],
  ["names only PAX holds", [
    file("é", ""),
    file("\udcff", ""),
    file("n".repeat(101), ""),
    other("l", "symlink", { linkTarget: "t".repeat(101) }),
  ], "455e68c85351b8fdfdff7a902f14b70f63f0943cd33609cd4893f9e1616b7b0e"],
  ["numbers only PAX holds", [
    file("a", "", { uid: 2_097_152, gid: 4_294_967_294, mtimeSeconds: -1 }),
  ], "046eef5e5e11d62c20989c97bd7f7c183266b122b1fe0eda89b18ed4d32224bd"],
  ["xattrs", [
    file("a", "", {
      xattrs: {
        "user.b": Uint8Array.of(0, 255, 10),
        "security.capability": new Uint8Array(20),
        "user.a": new Uint8Array(),
      },
    }),
  ], "2fc141dfb41e518f1792cd9169cfd8b65c5251fb30bf299b0543223abcb33b0f"],
  [
    "whiteouts",
    [other("d", "directory"), whiteoutEntry("d/gone"), whiteoutEntry("old")],
    "29a70bcccb7a2fdc69aa40518ef4d95ac6c954a2e6447fdb0410f402b4fe482e",
  ],
  ["content of several blocks", [
    file("a", "0123456789abcdef".repeat(100_000)),
    file("b", "x".repeat(512)),
  ], "8ce904ced6d0f603cfcaafd307eb8dc701680ef711e4b2c65c18b0a26d0055a9"],
];

for (const [what, entries, expected] of archives) {
  test(`writeTar() of ${what} keeps its bytes`, () => {
    const hash = createHash("sha256");
    writeTar(
      normalizeEntries(entries, { epochSeconds: 2_000_000_000 }),
      (piece) => hash.update(piece),
    );
    assert.equal(hash.digest("hex"), expected);
  });
}
