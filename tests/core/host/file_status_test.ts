/** statx through FFI says what lstat(2) says. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  type BigIntStats,
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { FileStatus, host, STATUS_WORDS } from "../../../core/host/mod.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const isLinux = process.platform === "linux";
const status = host.fileStatus();
const statuses: readonly (readonly [string, FileStatus])[] = [
  ["FFI", status],
  ["node:fs", new FileStatus()],
];

/** What node:fs keeps of a time: Deno's cuts one to the millisecond, one to the second, towards 1970. */
function isCutOf(cut: bigint, full: bigint): boolean {
  const lost = cut < full ? full - cut : cut - full;
  return lost === 0n || (host.runtime === "deno" &&
    [1_000_000n, 1_000_000_000n].some((unit) => cut % unit === 0n && lost < unit));
}

const SECOND_NS = 1_000_000_000n;

/** Counted from the second below, before 1970 too. */
function nanosecondsOf(timeNs: bigint): bigint {
  return ((timeNs % SECOND_NS) + SECOND_NS) % SECOND_NS;
}

function assertSame(found: FileStatus, stats: BigIntStats): void {
  assert.equal(found.mode, Number(stats.mode));
  assert.equal(found.nlink, Number(stats.nlink));
  assert.equal(found.uid, Number(stats.uid));
  assert.equal(found.gid, Number(stats.gid));
  assert.equal(found.sizeBytes, Number(stats.size));
  assert.equal(found.ino, stats.ino);
  assert.equal(found.dev, stats.dev);
  assert.ok(isCutOf(stats.mtimeNs, found.mtimeNs), `mtime ${stats.mtimeNs} ${found.mtimeNs}`);
  assert.equal(
    BigInt(found.mtimeSeconds),
    (found.mtimeNs - nanosecondsOf(found.mtimeNs)) / SECOND_NS,
  );
  assert.ok(isCutOf(stats.ctimeNs, found.ctimeNs), `ctime ${stats.ctimeNs} ${found.ctimeNs}`);
}

/** Files of every kind, by what is odd about them. */
function oddFiles(root: string): Map<string, string> {
  const at = (name: string): string => join(root, name);
  writeFileSync(at("plain"), "hello");
  writeFileSync(at("sparse"), "");
  truncateSync(at("sparse"), 2 ** 33 + 1);
  linkSync(at("plain"), at("hard link"));
  symlinkSync("plain", at("link"));
  symlinkSync("nowhere", at("dangling"));
  mkdirSync(at("\u{1F600} directory"));
  const files = new Map([
    ["a file", "plain"],
    ["a sparse file over 4 GiB", "sparse"],
    ["a hard link", "hard link"],
    ["a symbolic link", "link"],
    ["a link to nowhere", "dangling"],
    ["a directory", "\u{1F600} directory"],
  ].map(([name = "", path = ""]) => [name, at(path)]));
  if (!isLinux) return files;
  for (const [name, time] of [["old", -1n], ["older", -1_500_000_001n], ["future", 2n ** 33n]]) {
    writeFileSync(at(String(name)), "");
    host.systemCalls()?.setTimes(at(String(name)), BigInt(time ?? 0n) * 1_000_000_007n);
    files.set(`a file of time ${name}`, at(String(name)));
  }
  execFileSync("mkfifo", [at("fifo")]);
  files.set("a FIFO", at("fifo"));
  files.set("a character device", "/dev/null");
  // Its inode is 2^32 and some, as on every Linux: PROC_UTS_INIT_INO and its like.
  files.set("a namespace with a great inode", "/proc/self/ns/uts");
  return files;
}

test("FileStatus says of odd files what node:fs says, through FFI and without", () => {
  using directory = temporaryDirectory();
  for (const [what, path] of oddFiles(directory.path)) {
    for (const follow of [false, true]) {
      const stats = (follow ? statSync : lstatSync)(path, { bigint: true, throwIfNoEntry: false });
      for (const [way, one] of statuses) {
        assert.equal(one.look(path, follow), stats !== undefined, `${what} through ${way}`);
        if (stats !== undefined) assertSame(one, stats);
      }
    }
  }
});

test("FileStatus has the same words through FFI and without, where node:fs cuts no times", {
  skip: host.runtime !== "bun",
}, () => {
  using directory = temporaryDirectory();
  for (const [what, path] of oddFiles(directory.path)) {
    const words = statuses.map(([, one]) => {
      assert.ok(one.look(path));
      return STATUS_WORDS.map((word) => one.words[word]);
    });
    assert.deepEqual(words[0], words[1], what);
  }
});

test("FileStatus knows the numbers of devices", { skip: !isLinux }, () => {
  for (const [, one] of statuses) {
    assert.ok(one.look("/dev/null"));
    assert.deepEqual([one.rdevMajor, one.rdevMinor], [1, 3]);
  }
});

test("FileStatus says false for what is not there, and throws for what it may not see", () => {
  using directory = temporaryDirectory();
  writeFileSync(join(directory.path, "f"), "");
  for (const [, one] of statuses) {
    assert.equal(one.look(join(directory.path, "no")), false);
    assert.equal(one.look(join(directory.path, "f", "below")), false);
    assert.throws(() => one.look(join(directory.path, "x".repeat(300))), { code: "ENAMETOOLONG" });
    assert.throws(() => one.look(directory.path + "/x".repeat(9000)), { code: "ENAMETOOLONG" });
    assert.throws(() => one.look(`${directory.path}\0`));
  }
  const loop = join(directory.path, "loop");
  symlinkSync("loop", loop);
  for (const [, one] of statuses) assert.throws(() => one.look(loop, true), { code: "ELOOP" });
});

test("FileStatus.lookAtOpen() looks at the file that is open, whatever its name is now", () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "f");
  writeFileSync(path, "hello");
  const fd = openSync(path, "r");
  try {
    for (const [, one] of statuses) {
      one.look(directory.path);
      one.lookAtOpen(fd);
      assertSame(one, lstatSync(path, { bigint: true }));
    }
  } finally {
    closeSync(fd);
  }
});

test("FileStatus.within() looks at paths where they lie", () => {
  using directory = temporaryDirectory();
  const names = ["f", "\u{1F600}", "no", "l"].map((name) => join(directory.path, name));
  writeFileSync(names[0] ?? "", "");
  mkdirSync(names[1] ?? "");
  symlinkSync("f", names[3] ?? "");
  const text = names.map((name) => `${name}\0`);
  const bytes = new TextEncoder().encode(text.join(""));
  for (const [, one] of statuses) {
    const look = one.within(bytes);
    let offset = 0;
    const found = text.map((path, index) => {
      const isThere = look(offset, false);
      offset += new TextEncoder().encode(path).length;
      if (isThere) assertSame(one, lstatSync(names[index] ?? "", { bigint: true }));
      return isThere;
    });
    assert.deepEqual(found, [true, true, false, true]);
    assert.ok(look(offset - new TextEncoder().encode(text[3] ?? "").length, true));
    assertSame(one, statSync(names[3] ?? "", { bigint: true }));
  }
});

test("FileStatus.equals() sees every word that differs", () => {
  using directory = temporaryDirectory();
  assert.ok(status.look(directory.path));
  const row = Uint32Array.from([7, ...STATUS_WORDS.map((word) => status.words[word] ?? 0)]);
  assert.ok(status.equals(row, 1));
  for (let word = 1; word < row.length; word++) {
    const changed = row.slice();
    changed[word] = ((row[word] ?? 0) ^ 1) >>> 0;
    assert.ok(!status.equals(changed, 1), `word ${word}`);
  }
});

test("FileStatus.mayHaveXattrs() is true for a file that has some", {
  skip: host.systemCalls() === undefined,
}, () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "f");
  writeFileSync(path, "");
  assert.ok(status.look(path));
  host.systemCalls()?.setXattr(path, "user.a", Uint8Array.of(1));
  assert.ok(status.look(path) && status.mayHaveXattrs());
});
