import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bindLibseccomp, type Libseccomp } from "../../../plugins/runtime/libseccomp.ts";
import type { RuntimeSeccomp } from "../../../plugins/runtime/seccomp.ts";
import { loadFilter } from "../../../plugins/runtime/seccomp_filter.ts";
import { answerOf } from "../../support/seccomp_machine.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const library = bindLibseccomp();
const reason = library === undefined
  ? "needs libseccomp"
  : process.arch !== "x64"
  ? "needs x86-64"
  : undefined;
const options = { skip: reason ?? false };
const suffix = reason === undefined ? "" : ` (${reason})`;

const [X86_64, X86, AARCH64] = [0xc000_003e, 0x4000_0003, 0xc000_00b7];
const [ALLOW, ERRNO, LOG, KILL_ARCH] = [0x7fff_0000, 0x0005_0000, 0x7ffc_0000, 0];
const [READ, WRITE, OPEN, CLOSE, PERSONALITY, CLONE] = [0, 1, 2, 3, 135, 56];

const profile: RuntimeSeccomp = {
  defaultAction: "SCMP_ACT_ERRNO",
  defaultErrnoRet: 38,
  architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
  syscalls: [
    { names: ["read", "no_such_call", "write"], action: "SCMP_ACT_ALLOW" },
    { names: ["open"], action: "SCMP_ACT_ERRNO", errnoRet: 13 },
    { names: ["close"], action: "SCMP_ACT_LOG" },
    // Repeats the default: nothing to do.
    { names: ["mkdir"], action: "SCMP_ACT_ERRNO", errnoRet: 38 },
    ...[0, 0xffff_ffff].map((value) => ({
      names: ["personality"],
      action: "SCMP_ACT_ALLOW",
      args: [{ index: 0, value, valueTwo: 0, op: "SCMP_CMP_EQ" }],
    })),
    {
      names: ["clone"],
      action: "SCMP_ACT_ALLOW",
      args: [{ index: 0, value: 0x7e02_0000, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }],
    },
  ],
};

test(
  `Libseccomp.compile() makes the filter of a profile, for all its architectures${suffix}`,
  options,
  () => {
    using directory = temporaryDirectory();
    const filter = library?.compile(profile, join(directory.path, "f")) ?? new Uint8Array();
    const answer = (number: number, ...args: bigint[]): number =>
      answerOf(filter, { arch: X86_64, number, args });
    assert.deepEqual([READ, WRITE, OPEN, CLOSE].map((call) => answer(call)), [
      ALLOW,
      ALLOW,
      ERRNO | 13,
      LOG,
    ]);
    // Neither known to the profile nor to anybody.
    assert.deepEqual(
      [83, 435, 9999].map((call) => answer(call)),
      [38, 38, 38].map((n) => ERRNO | n),
    );
    assert.equal(answer(PERSONALITY, 0n), ALLOW);
    assert.equal(answer(PERSONALITY, 0xffff_ffffn), ALLOW);
    assert.equal(answer(PERSONALITY, 8n), ERRNO | 38);
    assert.equal(answer(CLONE, 0x11n), ALLOW);
    assert.equal(answer(CLONE, 0x1000_0011n), ERRNO | 38);
    // read(2) of 32-bit programs, and of x32 ones.
    assert.equal(answerOf(filter, { arch: X86, number: 3 }), ALLOW);
    assert.equal(answerOf(filter, { arch: X86_64, number: 0x4000_0000 }), ALLOW);
    assert.equal(answerOf(filter, { arch: AARCH64, number: 63 }), KILL_ARCH);
    assert.deepEqual(readdirSync(directory.path), []);
  },
);

test(`Libseccomp.compile() refuses what it does not know${suffix}`, options, () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "f");
  const withRule = (rule: RuntimeSeccomp["syscalls"][number]): RuntimeSeccomp => ({
    ...profile,
    syscalls: [rule],
  });
  assert.throws(() => library?.compile(withRule({ names: ["read"], action: "?" }), path));
  assert.throws(() =>
    library?.compile(
      withRule({
        names: ["read"],
        action: "SCMP_ACT_ALLOW",
        args: [{ index: 0, value: 1, op: "?" }],
      }),
      path,
    )
  );
  // Which leaves the rules to the runtime.
  assert.equal(
    loadFilter({ ...profile, defaultAction: "?" }, { scratch: directory.path }, library),
    undefined,
  );
});

/** Counts what it compiles. */
function counting(real: Libseccomp): Libseccomp & { compiled: number } {
  return {
    ...real,
    compiled: 0,
    compile(...args): Uint8Array {
      this.compiled++;
      return real.compile(...args);
    },
  };
}

test(
  `loadFilter() makes a filter once, and again when its file is damaged${suffix}`,
  options,
  () => {
    if (library === undefined) return;
    using directory = temporaryDirectory();
    const places = { cacheDirectory: join(directory.path, "cache"), scratch: directory.path };
    const once = counting(library);
    const filter = loadFilter(profile, places, once);
    assert.deepEqual(loadFilter(profile, places, once), filter);
    assert.equal(once.compiled, 1);
    const [name = "", ...others] = readdirSync(places.cacheDirectory);
    assert.deepEqual(others, []);
    const path = join(places.cacheDirectory, name);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const good = readFileSync(path);
    const flipped = Buffer.from(good);
    flipped[40] = (flipped[40] ?? 0) ^ 1;
    for (const bad of [flipped, good.subarray(0, 16), Buffer.alloc(0), good.subarray(0, -8)]) {
      writeFileSync(path, bad);
      const before: number = once.compiled;
      assert.deepEqual(loadFilter(profile, places, once), filter);
      assert.equal(once.compiled, before + 1);
      assert.deepEqual(readFileSync(path), good);
    }
    // Another profile, another version of the library: other filters. The file of one is no file of another.
    const other = { ...profile, syscalls: profile.syscalls.slice(1) };
    assert.notDeepEqual(loadFilter(other, places, once), filter);
    loadFilter(profile, places, { ...once, version: "0.0.0" });
    const names = readdirSync(places.cacheDirectory);
    assert.equal(names.length, 3);
    for (const one of names) writeFileSync(join(places.cacheDirectory, one), good);
    assert.notDeepEqual(loadFilter(other, places, once), filter);
  },
);

test(
  `loadFilter() does without a folder it can write to, and without libseccomp${suffix}`,
  options,
  () => {
    using directory = temporaryDirectory();
    const file = join(directory.path, "file");
    writeFileSync(file, "");
    const filter = loadFilter(profile, { scratch: directory.path });
    assert.ok(filter !== undefined && filter.length % 8 === 0);
    const places = { cacheDirectory: join(file, "cache"), scratch: directory.path };
    assert.deepEqual(loadFilter(profile, places), filter);
    const missing = { ...library, compile: (): never => assert.fail() } as unknown as Libseccomp;
    assert.equal(loadFilter(profile, places, missing), undefined);
  },
);
