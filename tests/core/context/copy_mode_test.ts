import assert from "node:assert/strict";
import { test } from "node:test";
import { changedMode, modeChange, parseChmod } from "../../../core/context/copy_mode.ts";
import type { FileEntry } from "../../../core/layer/file_entry.ts";

const entry: FileEntry = {
  path: "a",
  type: "file",
  mode: 0o4754,
  uid: 0,
  gid: 0,
  sizeBytes: 0,
  mtimeSeconds: 0,
};

test("modeChange() by executable bit gives 0644 or 0755, whatever the umask was", () => {
  const change = modeChange({ kind: "executable-bit" });
  for (const mode of [0o600, 0o644, 0o666, 0o400, 0, 0o6640]) {
    assert.equal(change(mode, false), 0o644);
    assert.equal(change(mode, true), 0o755);
  }
  for (const mode of [0o700, 0o755, 0o4711, 0o010, 0o001]) assert.equal(change(mode, false), 0o755);
});

test("modeChange() that preserves keeps all twelve bits", () => {
  assert.equal(modeChange({ kind: "preserve" })(0o7654, false), 0o7654);
});

test("changedMode() leaves links at 0777 and tells directories from files", () => {
  const change = modeChange({ kind: "chmod", spec: "a=rX" });
  assert.equal(changedMode({ ...entry, type: "symlink", linkTarget: "b" }, change), 0o777);
  assert.equal(changedMode({ ...entry, type: "directory", mode: 0o700 }, change), 0o555);
  assert.equal(changedMode({ ...entry, mode: 0o600 }, change), 0o444);
});

test("parseChmod() takes what BuildKit takes", () => {
  // Checked against the module BuildKit parses modes with.
  const cases:
    readonly (readonly [spec: string, before: number, file: number, directory: number])[] = [
      ["0750", 0o644, 0o750, 0o750],
      ["7777", 0, 0o7777, 0o7777],
      ["0", 0o777, 0, 0],
      ["00000644", 0, 0o644, 0o644],
      ["u=rwX,go=rX", 0o600, 0o644, 0o755],
      ["u=rwX,go=rX", 0o700, 0o755, 0o755],
      ["+x", 0o644, 0o755, 0o755],
      ["a+x,g-w", 0o664, 0o755, 0o755],
      ["-X", 0o755, 0o644, 0o644],
      ["go=", 0o777, 0o700, 0o700],
      ["g=u", 0o740, 0o770, 0o770],
      ["go=u-w", 0o700, 0o755, 0o755],
      ["u+s", 0o755, 0o4755, 0o4755],
      ["ug+s", 0o755, 0o6755, 0o6755],
      ["o+s", 0o755, 0o755, 0o755],
      ["+t", 0o755, 0o1755, 0o1755],
      ["o+t", 0o755, 0o755, 0o755],
      ["u=rw", 0o4755, 0o655, 0o655],
      ["=rw", 0o7777, 0o1666, 0o1666],
      ["a=rwt", 0o6777, 0o1666, 0o1666],
      ["u=g", 0o4070, 0o4770, 0o4770],
      ["u=rwx+s-w", 0, 0o4500, 0o4500],
      ["=", 0o777, 0, 0],
      ["ugo=rx,u+w", 0, 0o755, 0o755],
      ["a-x,a+X", 0o755, 0o755, 0o755],
    ];
  for (const [spec, before, file, directory] of cases) {
    assert.equal(parseChmod(spec)(before, false), file, `${spec} on a file`);
    assert.equal(parseChmod(spec)(before, true), directory, `${spec} on a directory`);
  }
});

test("parseChmod() takes a number for its bits", () => {
  assert.equal(parseChmod(0o751)(0, false), 0o751);
});

test("parseChmod() adds read and sticky bits together, as chmod(1) does", () => {
  assert.equal(parseChmod("+rt")(0o200, false), 0o1644);
});

test("parseChmod() refuses what is neither octal nor symbolic", () => {
  const bad = [
    "",
    "8",
    "0o755",
    "10000",
    "rwx",
    "u",
    "u=q",
    "u=rw,",
    ",u=r",
    "u=rw;g=r",
    " 644",
    "x=r",
    "g=ur",
  ];
  for (const spec of bad) {
    assert.throws(() => parseChmod(spec), { code: "COPY_MODE_INVALID" }, spec);
  }
  for (const bits of [0o10000, -1, 0.5]) {
    assert.throws(() => parseChmod(bits), { code: "COPY_MODE_INVALID" }, String(bits));
  }
});
