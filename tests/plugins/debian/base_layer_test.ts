import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { FileEntry } from "../../../core/layer/file_entry.ts";
import { indexTar, writeLayer, type WrittenLayer } from "../../../core/layer/mod.ts";
import { isKept, writeBaseLayer } from "../../../plugins/debian/base_layer.ts";
import { directory, file, META, symlink } from "../../support/layer_entries.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const EPOCH = 1_000;

/** The base that comes of a root file system. */
function baseOf(entries: readonly FileEntry[], folder: string): WrittenLayer {
  const tarPath = join(folder, `tar-${entries.length}`);
  writeLayer(entries, tarPath, { epochSeconds: 2_000 });
  return writeBaseLayer(tarPath, `${tarPath}-layer`, EPOCH);
}

const SYSTEM: readonly FileEntry[] = [
  directory("dev"),
  directory("etc"),
  file("etc/passwd", "root:x:0:0::/root:/bin/sh\n"),
  file("etc/hostname.d", "kept"),
  directory("run"),
  directory("tmp"),
  directory("usr"),
  directory("usr/bin"),
  {
    ...file("usr/bin/ping", "ELF", { mode: 0o755 }),
    xattrs: { "security.capability": new Uint8Array([1, 0, 0, 2, 0, 32, 0, 0]) },
  },
  directory("var"),
  directory("var/cache"),
  directory("var/cache/ldconfig"),
  directory("var/log"),
  file("var/log/wtmp"),
];

const MACHINES: readonly FileEntry[] = [
  { ...META, path: "dev/null", type: "character-device", sizeBytes: 0, devMajor: 1, devMinor: 3 },
  symlink("dev/fd", "/proc/self/fd"),
  directory("dev/pts"),
  file("etc/hostname", "builder\n"),
  file("etc/resolv.conf", "nameserver 10.0.0.1\n"),
  file("etc/machine-id", "0123\n"),
  file("etc/passwd-", "old\n"),
  file("run/lock", ""),
  file("tmp/x", ""),
  file("var/cache/ldconfig/aux-cache", "inodes"),
  file("var/log/dpkg.log", "2026-01-01 install"),
];

test("writeBaseLayer() gives the same bytes with and without what belongs to the machine", () => {
  using folder = temporaryDirectory();
  const plain = baseOf(SYSTEM, folder.path);
  const { diffId, sizeBytes } = baseOf([...SYSTEM, ...MACHINES], folder.path);
  assert.deepEqual({ diffId, sizeBytes }, { diffId: plain.diffId, sizeBytes: plain.sizeBytes });
});

test("writeBaseLayer() keeps folders, modes and file capabilities, and clamps times", () => {
  using folder = temporaryDirectory();
  baseOf([...SYSTEM, file("etc/new", "", { mtimeSeconds: EPOCH + 1 })], folder.path);
  const entries = indexTar(join(folder.path, `tar-${SYSTEM.length + 1}-layer`));
  const paths = entries.map(({ path }) => path);
  assert.deepEqual(paths, [...SYSTEM.map(({ path }) => path), "etc/new"].sort());
  const ping = entries.find(({ path }) => path === "usr/bin/ping");
  assert.equal(ping?.mode, 0o755);
  assert.deepEqual(
    ping?.xattrs?.["security.capability"],
    new Uint8Array([1, 0, 0, 2, 0, 32, 0, 0]),
  );
  assert.equal(entries.find(({ path }) => path === "etc/new")?.mtimeSeconds, EPOCH);
});

const paths: readonly [path: string, kept: boolean][] = [
  ["dev", true],
  ["dev/console", false],
  ["etc/apt/sources.list", true],
  ["etc/ld.so.cache", true],
  ["home/dev/x", true],
  ["run", true],
  ["srv/run/x", true],
  ["var/cache/apt/archives/partial", true],
  ["var/cache/apt/archives/a_1_amd64.deb", false],
  ["var/cache/apt/pkgcache.bin", false],
  ["var/lib/apt/extended_states", true],
  ["var/lib/apt/lists/partial", true],
  ["var/lib/apt/lists/deb.debian.org_debian_dists_sid_InRelease", false],
  ["var/lib/dpkg/status", true],
  ["var/lib/dpkg/status-old", false],
  ["var/lib/dpkg/lock", true],
  ["var/log/apt", true],
  ["var/log/apt/history.log", false],
  ["var/log/lastlog", true],
];

test("isKept() keeps the system and drops what belongs to the machine or the moment", () => {
  for (const [path, kept] of paths) assert.equal(isKept(path), kept, path);
});
