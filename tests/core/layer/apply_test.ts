import assert from "node:assert/strict";
import { chmodSync, lstatSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { applyLayer, type ApplyLayerOptions } from "../../../core/layer/apply.ts";
import { stackTrees } from "../../../core/layer/tree.ts";
import { whiteoutEntry } from "../../../core/layer/whiteout.ts";
import { readDirectory } from "../../support/directory_entries.ts";
import { directory, file, link, opaque, other, symlink } from "../../support/layer_entries.ts";
import { namesIn, sandbox } from "../../support/sandbox.ts";

const isRoot = process.platform === "linux" && process.getuid?.() === 0;
const needsRoot = { skip: !isRoot && "needs root on Linux" };
const needsNoRoot = { skip: isRoot && "needs a user other than root" };
const PLAIN: ApplyLayerOptions = { form: "plain", chown: false };

test("applyLayer() makes files, directories and links with their modes and times, whatever the umask", () => {
  using box = sandbox();
  const umask = process.umask(0o077);
  try {
    applyLayer(
      [
        directory("d", 0o1777),
        file("d/f", "hello", { mode: 0o4755, mtimeSeconds: 7 }),
        link("d/g", "d/f"),
        symlink("l", "/etc/passwd"),
        file("implied/x"),
      ],
      box.root,
      PLAIN,
    );
  } finally {
    process.umask(umask);
  }
  const stats = lstatSync(join(box.root, "d/f"));
  assert.deepEqual([stats.mode & 0o7777, stats.mtimeMs, stats.nlink], [0o4755, 7000, 2]);
  assert.equal(readFileSync(join(box.root, "d/g"), "utf8"), "hello");
  assert.equal(readlinkSync(join(box.root, "l")), "/etc/passwd");
  assert.equal(lstatSync(join(box.root, "l")).mtimeMs, 1e12);
  const parent = lstatSync(join(box.root, "d"));
  assert.deepEqual([parent.mode & 0o7777, parent.mtimeMs], [0o1777, 1e12]);
  const implied = lstatSync(join(box.root, "implied"));
  assert.deepEqual([implied.mode & 0o7777, implied.mtimeMs], [0o755, 0]);
});

test("applyLayer() returns what it did", () => {
  using box = sandbox();
  assert.deepEqual(
    applyLayer([file("a", "12"), file("b", "345"), directory("c")], box.root, PLAIN),
    {
      entryCount: 3,
      sizeBytes: 5,
      skipped: [],
    },
  );
});

test("applyLayer() leaves the times of directories it only passes through", () => {
  using box = sandbox();
  applyLayer([directory("d"), file("d/a")], box.root, PLAIN);
  applyLayer([file("d/b"), whiteoutEntry("d/a")], box.root, PLAIN);
  assert.deepEqual(namesIn(box.root), ["d/", "d/b"]);
  assert.equal(lstatSync(join(box.root, "d")).mtimeMs, 1e12);
});

test("applyLayer() replaces files by directories, directories by files, and merges directories", () => {
  using box = sandbox();
  applyLayer([file("a"), file("b/x/y"), directory("c", 0o700), file("c/old")], box.root, PLAIN);
  applyLayer(
    [directory("a"), file("a/x"), file("b"), directory("c", 0o711), file("c/new")],
    box.root,
    PLAIN,
  );
  assert.deepEqual(namesIn(box.root), ["a/", "a/x", "b", "c/", "c/new", "c/old"]);
  assert.equal(lstatSync(join(box.root, "c")).mode & 0o7777, 0o711);
});

test("applyLayer() writes a replaced file anew, and not through its other names", () => {
  using box = sandbox();
  applyLayer([file("a", "one"), link("b", "a")], box.root, PLAIN);
  applyLayer([file("a", "two")], box.root, PLAIN);
  assert.equal(readFileSync(join(box.root, "b"), "utf8"), "one");
});

test("applyLayer() applies whiteouts to what was there before only, wherever they stand", () => {
  for (const upper of [[whiteoutEntry("d"), file("d/new")], [file("d/new"), whiteoutEntry("d")]]) {
    using box = sandbox();
    applyLayer([directory("d", 0o700), file("d/old"), file("e")], box.root, PLAIN);
    applyLayer([...upper, whiteoutEntry("none/x")], box.root, PLAIN);
    assert.deepEqual(namesIn(box.root), ["d/", "d/new", "e"]);
  }
});

test("applyLayer() applies opaque whiteouts, also to the root", () => {
  using box = sandbox();
  applyLayer([directory("d", 0o700), file("d/old"), file("d/sub/x"), file("e")], box.root, PLAIN);
  applyLayer([file("d/new"), opaque("d"), opaque("none")], box.root, PLAIN);
  assert.deepEqual(namesIn(box.root), ["d/", "d/new", "e"]);
  assert.equal(lstatSync(join(box.root, "d")).mode & 0o7777, 0o700);
  applyLayer([file("f"), opaque("")], box.root, PLAIN);
  assert.deepEqual(namesIn(box.root), ["f"]);
});

test("applyLayer() follows links among the parents inside the root", () => {
  using box = sandbox();
  const layers = [
    [
      directory("usr/bin"),
      symlink("bin", "usr/bin"),
      symlink("abs", "/usr"),
      symlink("up", "../../../../usr"),
    ],
    [
      file("bin/a"),
      file("abs/bin/b"),
      file("up/c"),
      link("bin/d", "abs/bin/b"),
      whiteoutEntry("bin/none"),
      directory("bin/e"),
    ],
  ];
  for (const layer of layers) applyLayer(layer, box.root, PLAIN);
  assert.deepEqual(
    namesIn(box.root),
    stackTrees(layers).entries.map(({ path, type }) => type === "directory" ? `${path}/` : path),
  );
  box.assertUntouched();
});

test("applyLayer() takes paths up to PATH_MAX and hundreds of nested directories", () => {
  using box = sandbox();
  const deep = `${"d/".repeat(500)}f`;
  const room = 4095 - box.root.length - 1;
  const long = "é".repeat(120) + `/${"n".repeat(120)}`.repeat(40);
  const longest = long.slice(0, room - 120);
  assert.equal(Buffer.byteLength(join(box.root, longest)), 4095);
  applyLayer([file(deep, "deep"), file(longest, "long")], box.root, PLAIN);
  assert.equal(readFileSync(join(box.root, deep), "utf8"), "deep");
  assert.equal(readFileSync(join(box.root, longest), "utf8"), "long");
  assert.throws(() => applyLayer([file(`${longest}x`)], box.root, PLAIN), { code: "LAYER_LIMIT" });
  applyLayer([whiteoutEntry("d"), whiteoutEntry("é".repeat(120))], box.root, PLAIN);
  assert.deepEqual(namesIn(box.root), []);
});

test("applyLayer() refuses more entries or bytes than allowed", () => {
  using box = sandbox();
  const entries = [file("a", "123"), file("b", "456")];
  assert.throws(() => applyLayer(entries, box.root, { ...PLAIN, maxEntries: 1 }), {
    code: "LAYER_LIMIT",
    message: /entry 2 "b": over 1 entries/,
  });
  assert.throws(() => applyLayer(entries, box.root, { ...PLAIN, maxBytes: 5 }), {
    code: "LAYER_LIMIT",
    message: /over 5 bytes/,
  });
  applyLayer(entries, box.root, { ...PLAIN, maxBytes: 6, maxEntries: 2 });
});

test("applyLayer() leaves duplicates as their last entry says", () => {
  using box = sandbox();
  applyLayer([directory("d"), file("d/a"), symlink("d", "e"), file("d/b")], box.root, PLAIN);
  assert.deepEqual(namesIn(box.root), ["d", "e/", "e/b"]);
});

test(
  "applyLayer() sets owners before modes, devices, and xattrs but overlayfs's own (needs root)",
  needsRoot,
  () => {
    using box = sandbox();
    const capability = Uint8Array.of(1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    const xattrs = {
      "security.capability": capability,
      "user.a": Uint8Array.of(0, 255),
      "trusted.overlay.opaque": Uint8Array.of(0x79),
    };
    const entries = [
      file("bin", "x", { uid: 1000, gid: 70_000, mode: 0o6755, xattrs }),
      other("null", "character-device", { devMajor: 1, devMinor: 3, mode: 0o666 }),
      other("pipe", "fifo", { mode: 0o600, mtimeSeconds: -1 }),
    ];
    applyLayer(entries, box.root, { ...PLAIN, chown: true });
    const expected = entries.map((entry) =>
      entry.xattrs === undefined
        ? entry
        : { ...entry, xattrs: { "security.capability": capability, "user.a": xattrs["user.a"] } }
    );
    assert.deepEqual(readDirectory(box.root), expected);
  },
);

// As root the kernel checks nothing here; as any other user each step needs the right to take it.
test("applyLayer() works below directories that deny writing to their owner", () => {
  using box = sandbox();
  const modeOf = (path: string): number => lstatSync(join(box.root, path)).mode & 0o7777;
  applyLayer(
    [directory("d", 0o500), file("d/a"), directory("d/e", 0o111), file("d/e/f")],
    box.root,
    PLAIN,
  );
  assert.deepEqual([modeOf("d"), modeOf("d/e")], [0o500, 0o111]);
  applyLayer(
    [file("d/b"), directory("d/e", 0o555), file("d/e/g"), whiteoutEntry("d/a")],
    box.root,
    PLAIN,
  );
  assert.deepEqual([modeOf("d"), modeOf("d/e")], [0o500, 0o555]);
  assert.deepEqual(namesIn(box.root), ["d/", "d/b", "d/e/", "d/e/f", "d/e/g"]);
  for (const path of ["d", "d/e"]) chmodSync(join(box.root, path), 0o700);
});

test(
  "applyLayer() says what only root may do, or lists what it skipped (needs no root)",
  needsNoRoot,
  () => {
    using box = sandbox();
    const device = other("null", "character-device", { devMajor: 1, devMinor: 3 });
    const trusted = file("t", "", { xattrs: { "trusted.a": Uint8Array.of(1) } });
    for (const entry of [device, trusted]) {
      assert.throws(() => applyLayer([entry], box.root, PLAIN), {
        code: "HOST_UNSUPPORTED",
        message: /EPERM/,
      });
    }
    assert.throws(() => applyLayer([file("a")], box.root, { ...PLAIN, chown: true }), {
      code: "HOST_UNSUPPORTED",
    });
    const skip: ApplyLayerOptions = { ...PLAIN, devices: "skip", xattrs: "skip" };
    assert.deepEqual(applyLayer([device, trusted], box.root, skip).skipped, [
      { path: "null", what: "device", why: "EPERM" },
      { path: "t", what: "trusted.a", why: "EPERM" },
    ]);
  },
);

test("applyLayer() says what the disk refused", () => {
  using box = sandbox();
  const target = join(box.root, "file");
  writeFileSync(target, "");
  chmodSync(target, 0o600);
  assert.throws(() => applyLayer([file("a")], target, PLAIN), {
    code: /STORE_UNWRITABLE|LAYER_INVALID/,
  });
});
