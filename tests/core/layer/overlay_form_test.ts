import assert from "node:assert/strict";
import { lstatSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { host } from "../../../core/host/mod.ts";
import { applyLayer } from "../../../core/layer/apply.ts";
import { stackTrees } from "../../../core/layer/tree.ts";
import { whiteoutEntry } from "../../../core/layer/whiteout.ts";
import { readDirectory } from "../../support/directory_entries.ts";
import { directory, file, opaque, symlink } from "../../support/layer_entries.ts";
import { sandbox } from "../../support/sandbox.ts";

const isRoot = process.platform === "linux" && process.getuid?.() === 0;
const needsRoot = { skip: !isRoot && "needs root on Linux" };

test(
  "applyLayer() makes whiteout devices and opaque marks for overlay mounts (needs root)",
  needsRoot,
  () => {
    using box = sandbox();
    const layer = [
      whiteoutEntry("gone"),
      directory("new"),
      file("new/x"),
      whiteoutEntry("new"),
      opaque("empty"),
      file("both"),
      whiteoutEntry("both"),
    ];
    applyLayer(layer, box.root, { form: "overlay", chown: true });
    const gone = lstatSync(join(box.root, "gone"));
    assert.deepEqual([gone.isCharacterDevice(), gone.rdev], [true, 0]);
    const xattrsOf = (path: string): unknown =>
      host.systemCalls()?.listXattrs(join(box.root, path));
    assert.deepEqual(xattrsOf("new"), { "trusted.overlay.opaque": Uint8Array.of(0x79) });
    assert.deepEqual(xattrsOf("empty"), { "trusted.overlay.opaque": Uint8Array.of(0x79) });
    assert.ok(lstatSync(join(box.root, "both")).isFile());
    using second = sandbox();
    applyLayer([opaque("empty")], second.root, { form: "overlay", chown: true, userXattr: true });
    assert.deepEqual(host.systemCalls()?.listXattrs(join(second.root, "empty")), {
      "user.overlay.opaque": Uint8Array.of(0x79),
    });
  },
);

test(
  "applyLayer() takes implied parents of an overlay layer from the layers below (needs root)",
  needsRoot,
  () => {
    using box = sandbox();
    const lower = stackTrees([[
      directory("usr/bin", 0o711),
      symlink("bin", "usr/bin"),
      directory("etc", 0o700),
      directory("old", 0o700),
    ]]);
    const layer = [
      file("bin/sh"),
      file("etc/x"),
      whiteoutEntry("old"),
      file("old/x"),
      file("fresh/x"),
    ];
    applyLayer(layer, box.root, { form: "overlay", chown: true, lower });
    const modes = readDirectory(box.root).map(({ path, mode }) => [path, mode]);
    assert.deepEqual(modes, [
      ["etc", 0o700],
      ["etc/x", 0o644],
      ["fresh", 0o755],
      ["fresh/x", 0o644],
      ["old", 0o755],
      ["old/x", 0o644],
      ["usr", 0o755],
      ["usr/bin", 0o711],
      ["usr/bin/sh", 0o644],
    ]);
  },
);
